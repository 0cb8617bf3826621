package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/distribution/distribution/v3"
	"github.com/distribution/distribution/v3/configuration"
	"github.com/distribution/distribution/v3/registry/handlers"
	"github.com/distribution/distribution/v3/registry/storage"
	"github.com/distribution/distribution/v3/registry/storage/driver"
	"github.com/distribution/distribution/v3/registry/storage/driver/filesystem"
	"github.com/sirupsen/logrus"
	"golang.org/x/sync/semaphore"

	"github.com/cloudsania/cloudsania/paas"
)

// Options say where the registry keeps its files and listens.
type Options struct {
	Dir  string // made when missing
	Addr string // host:port; port 0 takes the port of the last time when it is free, else any
	Log  *slog.Logger
}

// Registry is safe for concurrent use.
type Registry struct {
	log      *slog.Logger
	dir      string
	listener net.Listener
	driver   driver.StorageDriver
	store    distribution.Namespace
	app      *handlers.App
	keys     *keyring
	writers  *semaphore.Weighted // a writer holds one, the collector all: what is half pushed must not be swept away
}

const maxWriters = 1 << 20

// Listen opens the files and the port. Nothing is served before Run.
func Listen(o Options) (*Registry, error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the registry's directory: %w", err)
	}
	// distribution reports every blob that a client asks for in vain as an error; what matters reaches us as HTTP
	// statuses.
	logrus.SetOutput(io.Discard)
	files, err := filesystem.FromParameters(map[string]any{"rootdirectory": o.Dir})
	if err != nil {
		return nil, fmt.Errorf("open the registry's files: %w", err)
	}
	store, err := storage.NewRegistry(context.Background(), files, storage.EnableDelete)
	if err != nil {
		return nil, fmt.Errorf("open the registry's files: %w", err)
	}
	keys, err := newKeyring()
	if err != nil {
		return nil, err
	}
	listener, err := listen(o.Addr, filepath.Join(o.Dir, "addr"))
	if err != nil {
		return nil, err
	}
	return &Registry{
		log:      o.Log,
		dir:      o.Dir,
		listener: listener,
		driver:   files,
		store:    store,
		app:      newApp(o.Dir),
		keys:     keys,
		writers:  semaphore.NewWeighted(maxWriters),
	}, nil
}

// Host is host:port, the first part of every image reference.
func (r *Registry) Host() string { return r.listener.Addr().String() }

// Run serves until ctx ends, then waits a moment for what is in flight.
func (r *Registry) Run(ctx context.Context) error {
	srv := &http.Server{Handler: r, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		ErrorLog: slog.NewLogLogger(r.log.Handler(), slog.LevelDebug)}
	stop := context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if srv.Shutdown(grace) != nil {
			_ = srv.Close()
		}
	})
	defer stop()
	err := srv.Serve(r.listener)
	if shut := r.app.Shutdown(); shut != nil {
		r.log.Warn("the registry did not stop cleanly", "err", shut)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve the registry: %w", err)
}

// Close frees the port of a registry that never ran.
func (r *Registry) Close() error { return r.listener.Close() }

// ServeHTTP checks the credentials, then hands over to distribution.
func (r *Registry) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	_, password, ok := q.BasicAuth()
	if !ok || !r.keys.allows(password, q) {
		status, code := http.StatusUnauthorized, "UNAUTHORIZED"
		if ok && r.keys.knows(password) {
			status, code = http.StatusForbidden, "DENIED"
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="cloudsania"`)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `{"errors":[{"code":%q}]}`, code)
		return
	}
	r.app.ServeHTTP(w, q)
}

func newApp(dir string) *handlers.App {
	cfg := &configuration.Configuration{Version: "0.1"}
	cfg.Storage = configuration.Storage{
		"filesystem":  {"rootdirectory": dir},
		"delete":      {"enabled": true},
		"maintenance": {"uploadpurging": map[any]any{"enabled": false}}, // Collect does it
	}
	cfg.Log.AccessLog.Disabled = true
	cfg.HTTP.Secret = newPassword().Reveal() // signs the state of uploads, which need not survive a restart
	return handlers.NewApp(context.Background(), cfg)
}

// listen keeps the port over restarts: it is part of the names of images. Several installations find different ones.
func listen(addr, lastAddr string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("the registry's address %q: %w", addr, err)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("the registry's address %q is not a loopback one", addr)
	}
	if last, err := os.ReadFile(lastAddr); port == "0" && err == nil {
		if h, p, err := net.SplitHostPort(strings.TrimSpace(string(last))); err == nil && h == host {
			if l, err := net.Listen("tcp", net.JoinHostPort(h, p)); err == nil {
				return l, nil
			}
		}
	}
	l, err := net.Listen("tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, &paas.Error{
			Kind: paas.Unavailable,
			Msg:  fmt.Sprintf("the address %s of the registry is in use by another program", addr),
			Hint: "is Cloudsania already running with this data directory?",
			Err:  err,
		}
	}
	if err != nil {
		return nil, fmt.Errorf("listen for the registry: %w", err)
	}
	if err := os.WriteFile(lastAddr, []byte(l.Addr().String()+"\n"), 0o600); err != nil {
		_ = l.Close()
		return nil, fmt.Errorf("write down the registry's port: %w", err)
	}
	return l, nil
}
