package runtimes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/cloudsania/cloudsania/builder/contract"
	"github.com/cloudsania/cloudsania/keyed"
	"github.com/cloudsania/cloudsania/paas"
)

// downloadTimeout bounds one runtime: the largest has 90 MB, and a line of 1 Mbit/s should do.
const downloadTimeout = 15 * time.Minute

// Options of a Cache. Dir and Log are required.
type Options struct {
	Dir        string
	Mirrors    Mirrors
	BasePython string       // version of the base image's Python, "" when it has none: that one is never downloaded
	CABundle   string       // file of the authorities that uv trusts, "" for its own
	Client     *http.Client // nil takes one with sensible limits
	Arch       string       // as GOARCH; "" is this machine's
	Log        *slog.Logger
}

// Cache is safe for concurrent use; several processes may share its directory.
type Cache struct {
	dir, arch  string
	mirrors    Mirrors
	basePython string
	caBundle   string
	client     *http.Client
	log        *slog.Logger
	indexes    indexes
	registries registries
	locks      keyed.Lock[string]
	pythons    failures
}

// New makes the directory. It fetches nothing.
func New(o Options) (*Cache, error) {
	if err := os.MkdirAll(filepath.Join(o.Dir, scratch), 0o755); err != nil {
		return nil, fmt.Errorf("make the runtimes' directory: %w", err)
	}
	if err := removeAbandoned(filepath.Join(o.Dir, scratch)); err != nil {
		return nil, fmt.Errorf("remove unfinished downloads: %w", err)
	}
	if o.Client == nil {
		o.Client = &http.Client{Transport: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
			TLSHandshakeTimeout:   10 * time.Second,
			ResponseHeaderTimeout: 30 * time.Second,
			IdleConnTimeout:       time.Minute,
			ForceAttemptHTTP2:     true,
		}}
	}
	if o.Arch == "" {
		o.Arch = runtime.GOARCH
	}
	return &Cache{
		dir:        o.Dir,
		arch:       o.Arch,
		mirrors:    o.Mirrors,
		basePython: o.BasePython,
		caBundle:   o.CABundle,
		client:     o.Client,
		log:        o.Log,
		indexes:    indexes{dir: filepath.Join(o.Dir, ".index")},
	}, nil
}

// Dir holds the runtimes.
func (c *Cache) Dir() string { return c.dir }

// provider knows where one runtime comes from.
type provider interface {
	// index lists what can be had.
	index(ctx context.Context) ([]release, error)
	// install puts one release into dir, which exists and is empty.
	install(ctx context.Context, r release, dir string) error
}

// Ensure resolves each runtime to an exact version, downloads what is missing, and returns them with Version set, in
// the same order. A Python that the base image has is resolved without a directory. What it does that takes time is
// told in lines to out.
func (c *Cache) Ensure(ctx context.Context, want []paas.Runtime, out io.Writer) ([]paas.Runtime, error) {
	got := append([]paas.Runtime(nil), want...)
	var nodeVersion string
	for pass := range 2 { // Node first: the others' versions depend on it
		for i, w := range got {
			if (w.Name == paas.RuntimeNode) != (pass == 0) {
				continue
			}
			version, err := c.ensure(ctx, w, nodeVersion, out)
			if err == nil && !c.markUsed(w.Name, version) { // Prune was faster
				version, err = c.ensure(ctx, w, nodeVersion, out)
			}
			if err != nil {
				return nil, err
			}
			got[i].Version = version
			if w.Name == paas.RuntimeNode {
				nodeVersion = version
			}
		}
	}
	return got, nil
}

func (c *Cache) ensure(ctx context.Context, w paas.Runtime, nodeVersion string, out io.Writer) (version string, err error) {
	if w.Name == paas.RuntimePython {
		return c.ensurePython(ctx, w, out)
	}
	p, err := c.provider(w.Name)
	if err != nil {
		return "", err
	}
	r, err := c.resolve(ctx, p, w, nodeVersion)
	if err != nil {
		return "", err
	}
	return r.Version, c.install(ctx, w.Name, r.Version, out, func(ctx context.Context, dir string) error { return p.install(ctx, r, dir) })
}

// install fills <name>-<version> by way of a scratch directory and one rename: it is never seen half done.
func (c *Cache) install(ctx context.Context, name, version string, out io.Writer, fill func(ctx context.Context, dir string) error) error {
	final := contract.RuntimeDir(c.dir, name, version)
	unlock, err := c.locks.Acquire(ctx, final)
	if err != nil {
		return err
	}
	defer unlock()
	if _, err := os.Stat(final); err == nil {
		return nil
	}
	_, _ = fmt.Fprintf(out, "downloading %s %s\n", title(name), version)
	ctx, cancel := context.WithTimeout(ctx, downloadTimeout)
	defer cancel()
	start := time.Now()
	if err := c.keep(name, version, func(dir string) error { return fill(ctx, dir) }); err != nil {
		return err
	}
	c.log.Info("downloaded a runtime", "runtime", name, "version", version, "dur", time.Since(start))
	return nil
}

// keep fills an empty directory and moves it to its place, unless another process was faster.
func (c *Cache) keep(name, version string, fill func(dir string) error) error {
	tmp, done, err := c.beginDownload(name)
	if err != nil {
		return fmt.Errorf("make room for %s: %w", name, err)
	}
	defer done()
	dir, final := filepath.Join(tmp, "tree"), contract.RuntimeDir(c.dir, name, version)
	if err := os.Mkdir(dir, 0o755); err != nil {
		return fmt.Errorf("make room for %s: %w", name, err)
	}
	if err := fill(dir); err != nil {
		return err
	}
	if err := os.Rename(dir, final); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("keep %s: %w", name, err)
	}
	return nil
}

// installed lists the versions that are there.
func (c *Cache) installed(name string) []string {
	found, err := filepath.Glob(contract.RuntimeDir(c.dir, name, "*"))
	if err != nil {
		return nil // only for a bad pattern
	}
	for i, f := range found {
		found[i], _ = contract.RuntimeVersion(f, name)
	}
	return found
}
