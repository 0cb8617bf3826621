package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/proxy"
	"github.com/cloudsania/cloudsania/run"
)

func edgeCommand() *cobra.Command {
	var data, http, https string
	c := &cobra.Command{
		Use:   "edge",
		Short: "Run the edge: it serves the apps, also while control is away",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			debug.SetGCPercent(100)
			log := slog.New(slog.NewTextHandler(os.Stderr, nil)).With("part", "proxy")
			e, err := proxy.Listen(proxy.Options{Data: filepath.Join(data, "edge"), StaticRoot: filepath.Join(data, "static"),
				Control: filepath.Join(data, "web.sock"), HTTP: http, HTTPS: https, Version: buildID(), Log: log})
			if err != nil {
				return err
			}
			ctx, stop := context.WithCancel(c.Context())
			var beside sync.WaitGroup
			beside.Go(func() { _ = lean{}.Run(ctx) }) // never fails
			err = e.Run(ctx)                          // it also ends by itself, when it has handed over
			stop()
			beside.Wait()
			return err
		},
	}
	c.Flags().StringVar(&data, "data", defaultData, "data directory of the installation")
	c.Flags().StringVar(&http, "http", ":80", "address to listen on for HTTP")
	c.Flags().StringVar(&https, "https", ":443", "address to listen on for HTTPS")
	return c
}

// buildID tells one build of the program from another: an edge of another build is replaced.
func buildID() string {
	if source != "" {
		return version + "+" + source
	}
	return version
}

// edgeKeeper sees to it that an edge of this version runs, where nobody else does.
type edgeKeeper struct {
	cfg    config
	client *proxy.Client
	log    *slog.Logger
}

func newEdgeKeeper(cfg config, client *proxy.Client, log *slog.Logger) *edgeKeeper {
	return &edgeKeeper{cfg: cfg, client: client, log: log}
}

// Run starts an edge when none answers, hands over to a new one when the running one is of another version, and looks again every
// few seconds. The edge outlives it: that is the point of an edge.
func (k *edgeKeeper) Run(ctx context.Context) error {
	if k.cfg.Edge == "external" {
		<-ctx.Done()
		return nil
	}
	if err := k.look(ctx); err != nil {
		return err // at the first start a busy port must be an error that somebody reads
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(2 * time.Second):
			if err := k.look(ctx); err != nil && ctx.Err() == nil {
				k.log.Error("cannot keep the edge running", "err", err)
			}
		}
	}
}

func (k *edgeKeeper) look(ctx context.Context) error {
	status, err := k.client.Status(ctx)
	if err != nil && !paas.IsKind(err, paas.Unavailable) {
		return err // one runs, but is slow to answer
	}
	for _, s := range status {
		if s.Draining {
			continue
		}
		if s.Version == buildID() {
			return nil
		}
		k.log.Info("replacing the edge by one of this version", "pid", s.PID, "was", s.Version)
		exe, err := os.Executable()
		if err != nil {
			return fmt.Errorf("find our own program: %w", err)
		}
		return k.client.Handover(ctx, exe, k.args())
	}
	return k.start(ctx)
}

func (k *edgeKeeper) args() []string { return edgeArgs(k.cfg.Data, k.cfg.HTTP, k.cfg.HTTPS) }

// start opens the ports itself and passes them on (LISTEN_FDS, sd_listen_fds(3)), so that the edge needs no privilege.
func (k *edgeKeeper) start(ctx context.Context) error {
	var files []*os.File
	defer func() {
		for _, f := range files {
			_ = f.Close()
		}
	}()
	for _, addr := range []string{k.cfg.HTTP, k.cfg.HTTPS} {
		f, err := listenFile(addr)
		if err != nil {
			return err
		}
		files = append(files, f)
	}
	who, err := k.credential()
	if err != nil {
		return err
	}
	exe, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find our own program: %w", err)
	}
	out, err := os.OpenFile(filepath.Join(k.cfg.Data, "logs", "edge.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open the edge's log: %w", err)
	}
	defer out.Close()
	pid, err := run.Detach(run.Cmd{Path: exe, Args: k.args(), Env: []string{"LISTEN_FDS=2", "LISTEN_FDNAMES=http:https"}, ExtraFiles: files, Stdout: out, Stderr: out, User: who})
	if err != nil {
		return fmt.Errorf("start the edge: %w", err)
	}
	k.log.Info("started the edge", "pid", pid)
	return k.await(ctx)
}

// await returns once the new edge answers.
func (k *edgeKeeper) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	for {
		status, err := k.client.Status(ctx)
		if err == nil {
			for _, s := range status {
				if !s.Draining {
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
func (k *edgeKeeper) account() (uid, gid int, ok bool, err error) {
	if k.cfg.EdgeUser == "" || os.Getuid() != 0 {
		return os.Getuid(), os.Getgid(), false, nil
	}
	u, err := user.Lookup(k.cfg.EdgeUser)
	if err != nil {
		return 0, 0, false, &paas.Error{Kind: paas.Invalid, Msg: fmt.Sprintf("there is no user %q for the edge", k.cfg.EdgeUser), Hint: "install.sh makes it", Err: err}
	}
	if uid, err = strconv.Atoi(u.Uid); err != nil {
		return 0, 0, false, fmt.Errorf("user id of the edge: %w", err)
	}
	if gid, err = strconv.Atoi(u.Gid); err != nil {
		return 0, 0, false, fmt.Errorf("group id of the edge: %w", err)
	}
	return uid, gid, true, nil
}

func (k *edgeKeeper) uid() (int, error) {
	uid, _, _, err := k.account()
	return uid, err
}

// credential is what the edge is started as. Its directory becomes its own.
func (k *edgeKeeper) credential() (*run.Credential, error) {
	uid, gid, ok, err := k.account()
	if err != nil || !ok {
		return nil, err
	}
	err = filepath.WalkDir(filepath.Join(k.cfg.Data, "edge"), func(p string, _ os.DirEntry, err error) error {
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
