package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
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

// Run starts an edge when none answers and replaces one of another version, now and whenever an edge process comes or
// goes. The edge outlives it: that is the point of an edge.
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
	for {
		s.wait(ctx, watch)
		if ctx.Err() != nil {
			return nil // an edge that ends while control does is not started again
		}
		if err := s.check(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("cannot keep the edge running", "err", err)
			sleep(ctx, retryAfter)
		}
	}
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
	pid, err := run.Detach(run.Cmd{
		Path:       exe,
		Args:       s.cfg.edge().args(),
		Env:        []string{"LISTEN_FDS=2", "LISTEN_FDNAMES=http:https"},
		ExtraFiles: files,
		Stdout:     out,
		Stderr:     out,
		User:       who,
	})
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
			return &paas.Error{
				Kind: paas.Unavailable,
				Msg:  "the edge does not answer",
				Hint: "see logs/edge.log in the data directory",
				Err:  ctx.Err(),
			}
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func listenFile(addr string) (*os.File, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, &paas.Error{
			Kind: paas.Unavailable,
			Msg:  fmt.Sprintf("cannot listen on %s", addr),
			Hint: "another program holds the port: stop it, or choose other ports with --http and --https",
			Err:  err,
		}
	}
	defer l.Close()
	return l.(*net.TCPListener).File()
}
