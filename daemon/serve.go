// Package daemon is what a process of the server is made of: which components are opened in which order, what connects
// them, and how they end. Serve is control, Edge the data plane.
package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/cloudsania/cloudsania/auth"
	"github.com/cloudsania/cloudsania/builder"
	"github.com/cloudsania/cloudsania/builder/detect"
	"github.com/cloudsania/cloudsania/control"
	"github.com/cloudsania/cloudsania/deploy"
	"github.com/cloudsania/cloudsania/docker"
	"github.com/cloudsania/cloudsania/git"
	"github.com/cloudsania/cloudsania/meter"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/proxy"
	"github.com/cloudsania/cloudsania/server"
	"github.com/cloudsania/cloudsania/server/page"
	"github.com/cloudsania/cloudsania/server/rest"
	"github.com/cloudsania/cloudsania/store"
	"github.com/cloudsania/cloudsania/upload"
)

// Serve runs control: it opens every component in order and runs them until ctx ends or one fails.
func Serve(ctx context.Context, cfg Config) (err error) {
	debug.SetGCPercent(50) // control is idle most of the time: memory matters more than its processor time
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	where, err := site(cfg)
	if err != nil {
		return err
	}
	if err := layOut(cfg.Data); err != nil {
		return err
	}
	st, err := openStore(cfg, log)
	if errors.Is(err, store.ErrRecovery) {
		log.Error("the database is missing or empty, but this server was installed before", "data", cfg.Data, "err", err)
		return server.Recover(ctx, cfg.Data, page.Recovery, log.With("part", "server"))
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	components, err := assemble(ctx, cfg, where, st, log)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx) // the first part to fail stops the others
	for _, c := range components {
		g.Go(func() error { return c.Run(ctx) })
	}
	log.Info("control is up", "version", cfg.Version, "data", cfg.Data, "domain", where.Domain, "tls", where.TLS.Mode)
	return g.Wait()
}

// component is a part of control that runs until its context ends.
type component interface {
	Run(ctx context.Context) error
}

// assemble connects the packages with each other and returns the components to run.
func assemble(ctx context.Context, cfg Config, where paas.Site, st *store.Store, log *slog.Logger) ([]component, error) {
	part := func(name string) *slog.Logger { return log.With("part", name) }
	engine, err := docker.Open(docker.Options{Installation: st.Settings().Installation, Log: part("docker")})
	if err != nil {
		return nil, err
	}
	if err := engine.RemoveLeftovers(ctx); err != nil { // of builds that were killed with an earlier process: before a new one begins
		log.Warn("cannot remove what killed builds left in Docker", "err", err)
	}
	b, err := newBuilder(cfg, st, engine, part("builder"))
	if err != nil {
		return nil, err
	}
	edges := proxy.Dial(filepath.Join(cfg.Data, "edge"))
	uploads, err := upload.Open(filepath.Join(cfg.Data, "uploads"))
	if err != nil {
		return nil, err
	}
	who := auth.New(auth.Options{Store: st, Log: part("auth")})
	remote := &pushes{who: who}
	repos, err := git.New(git.Options{Root: filepath.Join(cfg.Data, "git"), AllowPrivate: cfg.AllowPrivateSources, Log: part("git")}, remote, remote)
	if err != nil {
		return nil, err
	}
	remote.deployer = deploy.New(deploy.Options{Data: cfg.Data, Site: where, Store: st, Engine: engine, Images: b, Edges: edges,
		Repositories: repos, Uploads: uploads, Warnings: git.Warnings, Log: part("deploy")})
	remote.control = control.New(control.Options{Store: st, Deploys: remote.deployer, Logs: remote.deployer, Uploads: uploads, Detect: detect.Detect,
		Subnets: engine.UsedSubnets, Health: health(engine, edges, b), Site: where, Machine: machine(), Data: cfg.Data, Log: part("control")})
	usage, err := meter.Open(filepath.Join(cfg.Data, "usage"), meter.Options{Ledger: st, Log: part("meter")})
	if err != nil {
		return nil, err
	}
	sampler := &meter.Sampler{Meter: usage, Instances: st, Containers: containers{engine}, Edges: edges, Log: part("meter")}
	supervisor := newEdgeSupervisor(cfg, edges, part("edge"))
	uid, err := supervisor.uid()
	if err != nil {
		return nil, err
	}
	claim, err := presetClaim(cfg.ClaimFile)
	if err != nil {
		return nil, err
	}
	if err := who.PresetClaim(claim); err != nil {
		return nil, err
	}
	srv, err := newServer(cfg, remote.control, who, usage, st, repos, uid, part("server"))
	if err != nil {
		return nil, err
	}
	sweep := uploadSweep{uploads, remote.control.Uploads.InUse, part("uploads")}
	return []component{b, repos, remote.deployer, usage, sampler, supervisor, srv, sweep, memoryTrimmer{}}, nil
}

// newServer mounts the API and the pages.
func newServer(cfg Config, ctl *control.Control, who *auth.Authenticator, usage *meter.Meter, st *store.Store, git http.Handler, edgeUID int, log *slog.Logger) (*server.Server, error) {
	routes, err := rest.Routes(ctl, who, cfg.Version)
	if err != nil {
		return nil, err
	}
	pages, err := page.New(page.Options{Control: ctl, Auth: who, Meter: usage, Version: cfg.Version})
	if err != nil {
		return nil, err
	}
	return server.New(server.Options{Data: cfg.Data, Control: ctl, Auth: who, Answers: st, Git: git, Routes: append(routes, pages.Routes()...),
		FailPage: pages.Fail, EdgeUID: edgeUID, Log: log})
}

// machine is what this server has; what cannot be told bounds nothing.
func machine() paas.Machine {
	total, _ := control.MachineMemory()
	return paas.Machine{MemoryMB: int(total >> 20), CPUs: float64(runtime.NumCPU())}
}

func newBuilder(cfg Config, st *store.Store, engine *docker.Engine, log *slog.Logger) (*builder.Builder, error) {
	self := cfg.Buildpack
	if self == "" {
		exe, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("find our own program: %w", err)
		}
		self = exe
	}
	tree := cfg.BaseTree
	if unpacked := filepath.Join(cfg.Data, "builder", "tree"); tree == "" && exists(unpacked+".done") {
		tree = unpacked // by install.sh
	}
	return builder.New(builder.Options{
		Data:          cfg.Data,
		Engine:        engine,
		Client:        func(p builder.Policy) builder.Client { return engine.BuildClient(docker.BuildPolicy(p)) },
		Self:          self,
		BaseTree:      tree,
		Mirrors:       cfg.Mirrors,
		BuildMemoryMB: cfg.BuildMemoryMB,
		Kept:          keptBuilds(st),
		Log:           log,
	})
}

// presetClaim is the secret that the owner chose before the first start.
func presetClaim(path string) (paas.Secret, error) {
	if path == "" {
		return paas.Secret{}, nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return paas.Secret{}, &paas.Error{
			Kind: paas.Invalid,
			Msg:  fmt.Sprintf("cannot read the claim secret in %q", path),
			Hint: "--claim-file names a file with the secret",
			Err:  err,
		}
	}
	return paas.NewSecret(strings.TrimSpace(string(b))), nil
}
