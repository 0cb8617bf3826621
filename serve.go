package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/cloudsania/cloudsania/auth"
	"github.com/cloudsania/cloudsania/builder"
	"github.com/cloudsania/cloudsania/builder/detect"
	"github.com/cloudsania/cloudsania/deploy"
	"github.com/cloudsania/cloudsania/docker"
	"github.com/cloudsania/cloudsania/git"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/proxy"
	"github.com/cloudsania/cloudsania/server"
	"github.com/cloudsania/cloudsania/store"
)

const defaultData = "/var/lib/cloudsania"

// config is what the flags of serve say.
type config struct {
	Data, Key           string
	HTTP, HTTPS         string
	Domain, TLS, Email  string
	ACMECA, ACMERoots   string
	Edge, EdgeUser      string
	ClaimFile           string
	AllowPrivateSources bool
	Mirrors             builder.Mirrors
	BuildMemoryMB       int
	Buildpack, BaseTree string
}

func serveCommand() *cobra.Command {
	var cfg config
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run control: the dashboard, the API, the git remote, builds and deploys",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return serve(c.Context(), cfg) },
	}
	f := c.Flags()
	f.StringVar(&cfg.Data, "data", defaultData, "directory of everything that is remembered")
	f.StringVar(&cfg.Key, "key", "", "file with the key that seals secrets (default /etc/cloudsania/key, or DIR.key for another --data)")
	f.StringVar(&cfg.HTTP, "http", ":80", "address of the edge for HTTP")
	f.StringVar(&cfg.HTTPS, "https", ":443", "address of the edge for HTTPS")
	f.StringVar(&cfg.Domain, "domain", "", "BASE: apps live at <app>.BASE, the dashboard and git at BASE (default <ip>.sslip.io)")
	f.StringVar(&cfg.TLS, "tls", "auto", "auto, acme, self-signed or off")
	f.StringVar(&cfg.Email, "email", "", "address for messages of the certificate authority")
	f.StringVar(&cfg.ACMECA, "acme-ca", "", "ACME directory of another certificate authority")
	f.StringVar(&cfg.ACMERoots, "acme-roots", "", "PEM file of roots to trust for talking to it")
	f.StringVar(&cfg.Edge, "edge", "auto", "auto: start the edge when none runs; external: somebody else does (systemd)")
	f.StringVar(&cfg.EdgeUser, "edge-user", "", "unprivileged user to start the edge as")
	f.StringVar(&cfg.ClaimFile, "claim-file", "", "file with a claim secret of your own, valid until used")
	f.BoolVar(&cfg.AllowPrivateSources, "allow-private-sources", false, "let git URLs point to private addresses")
	f.IntVar(&cfg.BuildMemoryMB, "build-memory", 0, "most memory of a build in MB (default: from what is free)")
	f.StringVar(&cfg.Buildpack, "buildpack", "", "statically linked program to use as the buildpack (default: this one)")
	f.StringVar(&cfg.BaseTree, "base-tree", "", "directory that debootstrap made, to build the base image from")
	mirrorFlags(f, &cfg.Mirrors)
	return c
}

// serve opens everything in order and runs it until ctx ends or a part fails.
func serve(ctx context.Context, cfg config) (err error) {
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
		return server.Recover(ctx, cfg.Data, log.With("part", "server"))
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	pieces, err := assemble(ctx, cfg, where, st, log)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx) // the first part to fail stops the others
	for _, p := range pieces {
		g.Go(func() error { return p.Run(ctx) })
	}
	log.Info("control is up", "version", buildID(), "data", cfg.Data, "domain", where.Domain, "tls", where.TLS.Mode)
	return g.Wait()
}

// piece is a part of control that runs until its context ends.
type piece interface {
	Run(ctx context.Context) error
}

// layOut makes the data directory. The edge is another user: it may walk through, not look around.
func layOut(data string) error {
	for dir, mode := range map[string]os.FileMode{"": 0o711, "edge": 0o750, "static": 0o755, "git": 0o700, "uploads": 0o700, "logs": 0o700} {
		p := filepath.Join(data, dir)
		if _, err := os.Stat(p); err == nil {
			continue // whoever installed it chose owner and mode
		}
		if err := os.MkdirAll(p, mode); err != nil {
			return &paas.Error{Kind: paas.Unavailable, Msg: fmt.Sprintf("cannot make the directory %q", p), Hint: "choose another --data, or run as root", Err: err}
		}
	}
	return nil
}

// keyPath is where the sealing key is: never inside the data directory, so that a copy of one is useless without the other.
func keyPath(data, flag string) string {
	switch {
	case flag != "":
		return flag
	case filepath.Clean(data) == defaultData:
		return "/etc/cloudsania/key"
	}
	return filepath.Clean(data) + ".key"
}

// openStore makes the key on a fresh install and insists on it ever after.
func openStore(cfg config, log *slog.Logger) (*store.Store, error) {
	path := keyPath(cfg.Data, cfg.Key)
	opts := store.Options{Path: filepath.Join(cfg.Data, "cloudsania.db"), Marker: filepath.Join(cfg.Data, "installed"), Log: log.With("part", "store")}
	makeKey := store.LoadKey
	if !exists(path) && !exists(opts.Path) && !exists(opts.Marker) {
		makeKey = store.CreateKey
	}
	var err error
	if opts.Key, err = makeKey(path); err != nil {
		return nil, err
	}
	return store.Open(opts)
}

// assemble introduces the packages to each other and returns what is to be run.
func assemble(ctx context.Context, cfg config, where paas.Site, st *store.Store, log *slog.Logger) ([]piece, error) {
	part := func(name string) *slog.Logger { return log.With("part", name) }
	engine, err := docker.Open(docker.Options{Installation: st.Settings().Installation, Log: part("docker")})
	if err != nil {
		return nil, err
	}
	if err := engine.RemoveLeftovers(ctx); err != nil { // of builds that were killed with an earlier process: before a new one begins
		log.Warn("cannot remove what killed builds left in Docker", "err", err)
	}
	b, err := newBuilder(cfg, engine, part("builder"))
	if err != nil {
		return nil, err
	}
	edges := proxy.Dial(filepath.Join(cfg.Data, "edge"))
	uploads, err := server.OpenUploads(filepath.Join(cfg.Data, "uploads"))
	if err != nil {
		return nil, err
	}
	who := auth.New(auth.Options{Store: st, Log: part("auth")})
	doors := &server.Doors{Auth: who, Store: st, Subnets: engine.UsedSubnets}
	pushes := &pushDeploys{store: st}
	repos, err := git.New(git.Options{Root: filepath.Join(cfg.Data, "git"), AllowPrivate: cfg.AllowPrivateSources, Log: part("git")}, pushAccess{doors}, pushes)
	if err != nil {
		return nil, err
	}
	pushes.deployer = deploy.New(deploy.Options{Data: cfg.Data, Site: where, Store: st, Engine: engine, Images: b, Edges: edges,
		Repositories: repos, Uploads: uploads, Warnings: git.Warnings, Log: part("deploy")})
	keeper := newEdgeKeeper(cfg, edges, part("edge"))
	uid, err := keeper.uid()
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
	srv, err := server.New(server.Options{Data: cfg.Data, Origin: where.Origin(where.Domain), Domain: where.Domain, Version: buildID(), Store: st, Auth: who, Doors: doors,
		Deployer: control{pushes.deployer}, Uploads: uploads, Git: repos, Detect: detect.Detect, Health: health(engine, edges, b), EdgeUID: uid, Log: part("server")})
	if err != nil {
		return nil, err
	}
	return []piece{b, repos, pushes.deployer, keeper, srv, lean{}}, nil
}

func newBuilder(cfg config, engine *docker.Engine, log *slog.Logger) (*builder.Builder, error) {
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
	return builder.New(builder.Options{Data: cfg.Data, Engine: engine, Client: func(p builder.Policy) builder.Client { return engine.BuildClient(docker.BuildPolicy(p)) },
		Self: self, BaseTree: tree, Mirrors: cfg.Mirrors, BuildMemoryMB: cfg.BuildMemoryMB, Log: log})
}

// presetClaim is the secret that the owner chose before the first start.
func presetClaim(path string) (paas.Secret, error) {
	if path == "" {
		return paas.Secret{}, nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return paas.Secret{}, &paas.Error{Kind: paas.Invalid, Msg: fmt.Sprintf("cannot read the claim secret in %q", path), Hint: "--claim-file names a file with the secret", Err: err}
	}
	return paas.NewSecret(strings.TrimSpace(string(b))), nil
}
