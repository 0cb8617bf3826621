package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/cloudsania/cloudsania/builder"
	"github.com/cloudsania/cloudsania/docker"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/proxy"
	"github.com/cloudsania/cloudsania/store"
)

// Removal says what Remove takes away.
type Removal struct {
	Data, Key string // as in Config
	Purge     bool   // volumes and images, too
}

// Remove stops the edge and removes what this installation made on the machine outside its data directory: containers,
// networks and, with Purge, volumes and images. Control must not run.
func Remove(ctx context.Context, r Removal) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	edges, err := proxy.Dial(filepath.Join(r.Data, "edge")).Status(ctx)
	if err == nil {
		stopEdges(edges)
	}
	if !exists(filepath.Join(r.Data, "cloudsania.db")) {
		return nil // it never started
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	opts := storeOptions(r.Data, log)
	if opts.Key, err = store.LoadKey(keyPath(r.Data, r.Key)); err != nil {
		return err
	}
	st, err := store.Open(opts)
	if err != nil {
		return err
	}
	engine, err := docker.Open(docker.Options{Installation: st.Settings().Installation, Log: log})
	if err != nil {
		return errors.Join(err, st.Close())
	}
	if _, err := engine.Ping(ctx); err != nil {
		err := &paas.Error{
			Kind: paas.Unavailable,
			Msg:  "Docker does not answer, so the apps' containers are still there",
			Hint: "start Docker and do this again",
			Err:  err,
		}
		return errors.Join(err, st.Close())
	}
	return errors.Join(removeFromDocker(ctx, engine, r.Data, r.Purge), st.Close())
}

// stopEdges asks them to end; they drain.
func stopEdges(edges []paas.EdgeStatus) {
	for _, e := range edges {
		if p, err := os.FindProcess(e.PID); err == nil {
			_ = p.Signal(syscall.SIGTERM)
		}
	}
}

// removeFromDocker removes containers and networks and, for good, volumes and images; those of apps are known by our
// registry's address.
func removeFromDocker(ctx context.Context, engine *docker.Engine, data string, purge bool) error {
	if err := engine.RemoveAll(ctx, purge); err != nil {
		return fmt.Errorf("remove containers: %w", err)
	}
	if !purge {
		return nil
	}
	builders, err := builder.MadeBuilders(data)
	for _, ref := range builders {
		if e := engine.RemoveImage(ctx, ref); !paas.IsKind(e, paas.Conflict) {
			err = errors.Join(err, e)
		}
	}
	if err != nil {
		return fmt.Errorf("remove builder images: %w", err)
	}
	addr, err := os.ReadFile(filepath.Join(data, "registry", "addr"))
	if errors.Is(err, os.ErrNotExist) {
		return nil // it never built
	}
	if err != nil {
		return fmt.Errorf("find our registry: %w", err)
	}
	return engine.RemovePulled(ctx, strings.TrimSpace(string(addr)))
}
