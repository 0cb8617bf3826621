package builder

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/buildpacks/pack/pkg/cache"
	"github.com/buildpacks/pack/pkg/client"
	"golang.org/x/sync/errgroup"

	"github.com/cloudsania/cloudsania/builder/contract"
	"github.com/cloudsania/cloudsania/builder/registry"
	"github.com/cloudsania/cloudsania/builder/runtimes"
	"github.com/cloudsania/cloudsania/keyed"
	"github.com/cloudsania/cloudsania/paas"
)

// Mirrors say where downloads come from; the zero value means the publishers' own servers.
type Mirrors = runtimes.Mirrors

// Options of a Builder. Data, Engine, Client, Self and Log are required.
type Options struct {
	Data          string              // the data directory; registry, runtimes, static, builds and builder are made in it
	Engine        engine              // *docker.Engine
	Client        func(Policy) Client // (*docker.Engine).BuildClient
	Self          string              // this binary's file: it becomes the buildpack, so it must be linked statically
	BaseTree      string              // directory made by debootstrap to use as base instead of making one; "" makes one
	Mirrors       Mirrors
	CABundle      string // file of trusted authorities for builds; "" takes the host's
	RegistryAddr  string // "" is 127.0.0.1 with a port that is kept over restarts
	BuildMemoryMB int    // cap of one build; 0 takes most of what is free when it starts
	CgroupParent  string // cgroup that all builds share; "" for the engine's own
	Log           *slog.Logger

	// Kept lists every build that is kept: the runtimes and packages of these stay. With nil nothing is tidied up.
	Kept func(context.Context) ([]paas.Build, error)
}

// Builder is safe for concurrent use.
type Builder struct {
	log      *slog.Logger
	data     string
	engine   engine
	client   func(Policy) Client
	self     program
	baseTree string
	mirrors  Mirrors
	caBundle string
	memoryMB int
	cgroup   string
	kept     func(context.Context) ([]paas.Build, error)

	registry *registry.Registry
	runtimes *runtimes.Cache
	progress *progress
	making   chan struct{}      // held while images are made
	slots    chan struct{}      // held by builds, one each
	wake     chan struct{}      // asks for another try at making the images
	garbage  chan struct{}      // asks for the registry's clean-up
	apps     keyed.Lock[string] // held by the build of an app
}

// New opens the registry's port and the directories. Nothing is served, fetched or made before Run.
func New(o Options) (*Builder, error) {
	for dir, mode := range map[string]os.FileMode{"builds": 0o700, "builder": 0o700, "static": 0o755} { // the edge, another user, reads static
		if err := os.MkdirAll(filepath.Join(o.Data, dir), mode); err != nil {
			return nil, fmt.Errorf("make the builder's directories: %w", err)
		}
	}
	if err := emptyDir(filepath.Join(o.Data, "builds")); err != nil {
		return nil, fmt.Errorf("remove the files of killed builds: %w", err)
	}
	if err := prepareLibraries(filepath.Join(o.Data, "builder", "pack")); err != nil {
		return nil, err
	}
	if o.CABundle == "" {
		o.CABundle = hostCABundle()
	}
	if o.RegistryAddr == "" {
		o.RegistryAddr = "127.0.0.1:0"
	}
	self, err := openProgram(o.Self)
	if err != nil {
		return nil, err
	}
	rt, err := runtimes.New(runtimes.Options{
		Dir:        filepath.Join(o.Data, "runtimes"),
		Mirrors:    o.Mirrors,
		BasePython: contract.BasePython,
		CABundle:   o.CABundle,
		Log:        o.Log,
	})
	if err != nil {
		return nil, err
	}
	reg, err := registry.Listen(registry.Options{
		Dir:  filepath.Join(o.Data, "registry"),
		Addr: o.RegistryAddr,
		Log:  o.Log,
	})
	if err != nil {
		return nil, err
	}
	return &Builder{
		log:      o.Log,
		data:     o.Data,
		engine:   o.Engine,
		client:   o.Client,
		self:     self,
		baseTree: o.BaseTree,
		mirrors:  o.Mirrors,
		caBundle: o.CABundle,
		memoryMB: o.BuildMemoryMB,
		cgroup:   o.CgroupParent,
		kept:     o.Kept,
		registry: reg,
		runtimes: rt,
		progress: newProgress(),
		making:   make(chan struct{}, 1),
		slots:    make(chan struct{}, max(1, runtime.NumCPU()/2)),
		wake:     make(chan struct{}, 1),
		garbage:  make(chan struct{}, 1),
	}, nil
}

// Run serves the registry, makes the images in the background, collects garbage and tidies up, until ctx ends. Images
// that cannot be made are not its failure: Status tells, and it tries again.
func (b *Builder) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return b.registry.Run(ctx) })
	g.Go(func() error { b.prepare(ctx); return nil })
	g.Go(func() error { b.collect(ctx); return nil })
	g.Go(func() error { b.tidyUp(ctx); return nil })
	return g.Wait()
}

// prepareLibraries tells pack where its home is, which it takes from the environment only, and that we are no
// container: it would advise in every build's log.
func prepareLibraries(home string) error {
	if err := os.MkdirAll(home, 0o700); err != nil {
		return fmt.Errorf("make pack's directory: %w", err)
	}
	librariesOnce.Do(func() {
		client.RunningInContainer = func() bool { return false }
		cache.RunningInContainer = func() bool { return false }
	})
	return os.Setenv("PACK_HOME", home)
}

var librariesOnce sync.Once // the two are variables of the process

// hostCABundle finds the file in which the host keeps the authorities that it trusts; "" when it has none.
func hostCABundle() string {
	for _, f := range []string{
		os.Getenv("SSL_CERT_FILE"),
		"/etc/ssl/certs/ca-certificates.crt",
		"/etc/pki/tls/certs/ca-bundle.crt",
	} {
		if fi, err := os.Stat(f); err == nil && fi.Mode().IsRegular() {
			return f
		}
	}
	return ""
}

func emptyDir(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}
