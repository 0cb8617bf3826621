package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"time"

	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/proxy"
	"github.com/cloudsania/cloudsania/run"
)

const (
	checkEvery = time.Minute // for what no event tells
	retryAfter = 2 * time.Second
)

// edgeSupervisor sees to it that an edge of this version runs, unless systemd does.
type edgeSupervisor struct {
	cfg    Config
	client *proxy.Client
	log    *slog.Logger
}

func newEdgeSupervisor(cfg Config, client *proxy.Client, log *slog.Logger) *edgeSupervisor {
	return &edgeSupervisor{cfg: cfg, client: client, log: log}
}

// Run starts an edge when none answers and replaces one of another version, now and whenever an edge process comes or goes. The edge
// outlives it: that is the point of an edge.
func (s *edgeSupervisor) Run(ctx context.Context) error {
	if s.cfg.Edge == "external" {
		<-ctx.Done()
		return nil
	}
	watch, err := s.client.Watch()
	if err != nil {
		return err
	}
	defer watch.Close()
	if err := s.check(ctx); err != nil {
		return err // a busy port at the first start ends control: the person who starts it sees why
	}
	for ctx.Err() == nil {
		s.wait(ctx, watch)
		if err := s.check(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("cannot keep the edge running", "err", err)
			sleep(ctx, retryAfter)
		}
	}
	return nil
}

// wait returns when something may have happened to the edge.
func (s *edgeSupervisor) wait(ctx context.Context, watch *proxy.Watch) {
	waiting, cancel := context.WithTimeout(ctx, checkEvery)
	defer cancel()
	if err := watch.Next(waiting); err != nil && waiting.Err() == nil {
		s.log.Warn("cannot watch the edge", "err", err)
		sleep(ctx, retryAfter)
	}
}

// sleep returns after d, or when ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func (s *edgeSupervisor) check(ctx context.Context) error {
	status, err := s.client.Status(ctx)
	if err != nil && !paas.IsKind(err, paas.Unavailable) {
		return err // one runs, but is slow to answer
	}
	for _, e := range status {
		if e.Draining {
			continue
		}
		if e.Version == s.cfg.Version {
			return nil
		}
		s.log.Info("replacing the edge by one of this version", "pid", e.PID, "was", e.Version)
		return Handover(ctx, s.cfg.edge())
	}
	return s.start(ctx)
}

// start opens the ports itself and passes them on (LISTEN_FDS, sd_listen_fds(3)), so that the edge needs no privilege.
func (s *edgeSupervisor) start(ctx context.Context) error {
	var files []*os.File
	defer func() {
		for _, f := range files {
			_ = f.Close()
		}
	}()
	for _, addr := range []string{s.cfg.HTTP, s.cfg.HTTPS} {
		f, err := listenFile(addr)
		if err != nil {
			return err
		}
		files = append(files, f)
	}
	who, err := s.credential()
	if err != nil {
		return err
	}
	exe, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find our own program: %w", err)
	}
	out, err := os.OpenFile(filepath.Join(s.cfg.Data, "logs", "edge.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open the edge's log: %w", err)
	}
	defer out.Close()
	pid, err := run.Detach(run.Cmd{Path: exe, Args: s.cfg.edge().args(), Env: []string{"LISTEN_FDS=2", "LISTEN_FDNAMES=http:https"}, ExtraFiles: files, Stdout: out, Stderr: out, User: who})
	if err != nil {
		return fmt.Errorf("start the edge: %w", err)
	}
	s.log.Info("started the edge", "pid", pid)
	return s.await(ctx)
}

// await returns once the new edge answers.
func (s *edgeSupervisor) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	for {
		status, err := s.client.Status(ctx)
		if err == nil {
			for _, e := range status {
				if !e.Draining {
					return nil
				}
			}
		}
		select {
		case <-ctx.Done():
			return &paas.Error{Kind: paas.Unavailable, Msg: "the edge does not answer", Hint: "see logs/edge.log in the data directory", Err: ctx.Err()}
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func listenFile(addr string) (*os.File, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, &paas.Error{Kind: paas.Unavailable, Msg: fmt.Sprintf("cannot listen on %s", addr),
			Hint: "another program holds the port: stop it, or choose other ports with --http and --https", Err: err}
	}
	defer l.Close()
	return l.(*net.TCPListener).File()
}

// account looks up the unprivileged user of the edge; ok is false when the edge runs as we do.
func (s *edgeSupervisor) account() (uid, gid int, ok bool, err error) {
	if s.cfg.EdgeUser == "" || os.Getuid() != 0 {
		return os.Getuid(), os.Getgid(), false, nil
	}
	u, err := user.Lookup(s.cfg.EdgeUser)
	if err != nil {
		return 0, 0, false, &paas.Error{Kind: paas.Invalid, Msg: fmt.Sprintf("there is no user %q for the edge", s.cfg.EdgeUser), Hint: "install.sh makes it", Err: err}
	}
	if uid, err = strconv.Atoi(u.Uid); err != nil {
		return 0, 0, false, fmt.Errorf("user id of the edge: %w", err)
	}
	if gid, err = strconv.Atoi(u.Gid); err != nil {
		return 0, 0, false, fmt.Errorf("group id of the edge: %w", err)
	}
	return uid, gid, true, nil
}

func (s *edgeSupervisor) uid() (int, error) {
	uid, _, _, err := s.account()
	return uid, err
}

// credential is what the edge is started as. Its directory becomes its own.
func (s *edgeSupervisor) credential() (*run.Credential, error) {
	uid, gid, ok, err := s.account()
	if err != nil || !ok {
		return nil, err
	}
	err = filepath.WalkDir(filepath.Join(s.cfg.Data, "edge"), func(p string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(p, uid, gid)
	})
	if err != nil {
		return nil, fmt.Errorf("give the edge its directory: %w", err)
	}
	return &run.Credential{UID: uint32(uid), GID: uint32(gid)}, nil
}
