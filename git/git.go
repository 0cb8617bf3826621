// Package git is the built-in remote: clone, fetch and push over smart HTTP at /git/<app>.git, and the code behind each
// commit.
//
// Clients are not trusted: their protocol is spoken by this package, their packs are unpacked by git, each where it is
// strong:
//
//   - A push is ours from the first pkt-line to the last (go-git's pkt-lines, side-band and report-status). Its pack streams into
//     `git index-pack` in a directory of its own below objects/, a quarantine that no reader looks into; what was received is
//     checked there, then moved, then references change. Until that last step nothing has happened, wherever the push breaks off.
//   - References of a repository live in one file, packed-refs, which git and go-git can both read. Each change replaces it by a
//     rename after an fsync. That makes a push of many references as atomic as one of a single reference, in a crash too; with a file
//     per reference, which is what both git and go-git write, it would be neither.
//   - A fetch is `git upload-pack --stateless-rpc` behind our own gate: want/have negotiation, shallow boundaries, protocol 2 and
//     filters are a state machine that every client in the world was tested against in this one program, it changes nothing, and it
//     needs pack-objects, hence git, in any case. It gets a path that we made and no other word of the request but Git-Protocol, from
//     a list of three values.
//
// git runs through package run: an argument vector, an environment without configuration files, hooks or prompts,
// within resource limits.
//
// Below Root there is one bare repository per app, <app id>.git. Reference names below refs/cloudsania/ are ours,
// hidden from clients:
//
//	refs/cloudsania/push/<id>/new/<branch>   commit that a deployment (or, for a moment, a push) is about
//	refs/cloudsania/push/<id>/old/<branch>   where the branch was before; absent when there was none
//	refs/cloudsania/failed/<deployment>      commit whose deployment failed, kept and offered as known to the next push
package git

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/cloudsania/cloudsania/keyed"
	"github.com/cloudsania/cloudsania/paas"
)

// Options are what a Server is made of. Only Root is needed.
type Options struct {
	Root          string // directory of the repositories, made when missing; one Server at a time may own it
	Log           *slog.Logger
	MaxPackBytes  int64         // of one push; 0: 1 GiB
	MaxCloneBytes int64         // that Clone downloads; 0: 1 GiB
	MaxRefs       int           // branches and tags of a repository, and commands of a push; 0: 10,000
	MemoryMB      int           // that one run of git may use; 0: 1024
	Parallel      int           // pushes and fetches that run git at the same time; 0: 4 per processor
	Stall         time.Duration // without a byte from or to the client before it is given up; 0: one minute
	Keepalive     time.Duration // between signs of life while a push waits; 0: 4 s
	CloneTimeout  time.Duration // 0: 10 minutes
	CloneRoots    string        // PEM file of authorities that Clone trusts instead of the system's; "" for the system's
	AllowPrivate  bool          // Clone may reach private addresses, and loopback ones without TLS
}

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	for p, def := range map[*int64]int64{&o.MaxPackBytes: 1 << 30, &o.MaxCloneBytes: 1 << 30} {
		if *p <= 0 {
			*p = def
		}
	}
	for p, def := range map[*int]int{&o.MaxRefs: 10_000, &o.MemoryMB: 1024, &o.Parallel: 4 * runtime.NumCPU()} {
		if *p <= 0 {
			*p = def
		}
	}
	for p, def := range map[*time.Duration]time.Duration{&o.Stall: time.Minute, &o.Keepalive: 4 * time.Second, &o.CloneTimeout: 10 * time.Minute} {
		if *p <= 0 {
			*p = def
		}
	}
	return o
}

// Server answers git clients and hands out code. Safe for concurrent use.
type Server struct {
	o        Options
	log      *slog.Logger
	access   access
	deployer deployer
	refLocks keyed.Lock[string] // by app: one push or settlement at a time changes its references
	slots    chan struct{}
	crowded  chan string // apps whose repositories have grown many packs

	life context.Context // ends with Run
	end  context.CancelFunc
}

// New makes a Server and clears away what killed processes left in Root. Pushes are served before Run too, but
// deployments that an earlier process left unsettled, and repacking, wait for it.
func New(o Options, who access, d deployer) (*Server, error) {
	o = o.withDefaults()
	root, err := filepath.Abs(o.Root)
	if err != nil {
		return nil, fmt.Errorf("find the directory of repositories: %w", err)
	}
	o.Root = root
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, fmt.Errorf("make the directory of repositories: %w", err)
	}
	if err := sweep(root); err != nil {
		return nil, err
	}
	s := &Server{o: o, log: o.Log, access: who, deployer: d, slots: make(chan struct{}, o.Parallel), crowded: make(chan string, 64)}
	s.life, s.end = context.WithCancel(context.Background())
	return s, nil
}

// Run settles the pushes whose deployments ended, or still run, since an earlier process, then repacks repositories
// when they need it, until ctx ends. Pushes that wait for a deployment are then told so and let go.
func (s *Server) Run(ctx context.Context) error {
	defer s.end()
	var wg sync.WaitGroup
	defer wg.Wait()
	apps, err := s.apps()
	if err != nil {
		return err
	}
	for _, app := range apps {
		wg.Go(func() { s.settleLeft(ctx, app) })
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case app := <-s.crowded:
			if err := s.repackApp(ctx, app); err != nil && ctx.Err() == nil {
				s.log.Warn("repository could not be repacked", "app", app, "err", err)
			}
		}
	}
}

// Remove deletes an app's repository. A missing one is fine.
func (s *Server) Remove(app string) error {
	dir, err := s.path(app)
	if err != nil {
		return err
	}
	gone := filepath.Join(s.o.Root, prefixGone+newName())
	if err := os.Rename(dir, gone); errors.Is(err, os.ErrNotExist) {
		return nil
	} else if err != nil {
		return fmt.Errorf("remove repository: %w", err)
	}
	if err := os.RemoveAll(gone); err != nil {
		return fmt.Errorf("remove repository: %w", err)
	}
	return nil
}

// apps lists the ids of apps that have a repository.
func (s *Server) apps() ([]string, error) {
	entries, err := os.ReadDir(s.o.Root)
	if err != nil {
		return nil, fmt.Errorf("list repositories: %w", err)
	}
	var apps []string
	for _, e := range entries {
		if id, ok := strings.CutSuffix(e.Name(), ".git"); ok && paas.IsID("app", id) {
			apps = append(apps, id)
		}
	}
	return apps, nil
}

// outlive is ctx without its end: it ends with Run instead. A closed terminal stops the output of a push, not its
// consequences.
func (s *Server) outlive(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(s.life, cancel)
	return ctx, func() { stop(); cancel() }
}

// slot waits for a place among the runs of git that clients cause.
func (s *Server) slot(ctx context.Context) (release func(), err error) {
	const patience = 30 * time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case s.slots <- struct{}{}:
		return func() { <-s.slots }, nil
	case <-ctx.Done():
		return nil, &paas.Error{Kind: paas.Throttled, Msg: "too many pushes and fetches are running",
			Hint: "try again in a minute", Err: ctx.Err()}
	}
}
