package main

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

	"github.com/spf13/cobra"

	"github.com/cloudsania/cloudsania/builder"
	"github.com/cloudsania/cloudsania/docker"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/proxy"
	"github.com/cloudsania/cloudsania/store"
)

// removeCommand takes away what this installation made on the machine outside its data directory.
func removeCommand() *cobra.Command {
	var data, key string
	var purge bool
	c := &cobra.Command{Use: "remove", Short: "Stop the edge and remove this installation's containers and networks (install.sh --uninstall calls this)", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(c.Context(), 5*time.Minute)
			defer cancel()
			return removeAll(ctx, data, keyPath(data, key), purge)
		}}
	c.Flags().StringVar(&data, "data", defaultData, "data directory of the installation")
	c.Flags().StringVar(&key, "key", "", "file with its key (as for serve)")
	c.Flags().BoolVar(&purge, "purge", false, "remove volumes and images, too: only for good")
	return c
}

func removeAll(ctx context.Context, data, key string, purge bool) error {
	edges, err := proxy.Dial(filepath.Join(data, "edge")).Status(ctx)
	if err == nil {
		for _, e := range edges {
			if p, err := os.FindProcess(e.PID); err == nil {
				_ = p.Signal(syscall.SIGTERM)
			}
		}
	}
	if !exists(filepath.Join(data, "cloudsania.db")) {
		return nil // it never started
	}
	k, err := store.LoadKey(key)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	st, err := store.Open(store.Options{Path: filepath.Join(data, "cloudsania.db"), Marker: filepath.Join(data, "installed"), Key: k, Log: log})
	if err != nil {
		return err
	}
	engine, err := docker.Open(docker.Options{Installation: st.Settings().Installation, Log: log})
	if err != nil {
		return errors.Join(err, st.Close())
	}
	if _, err := engine.Ping(ctx); err != nil {
		return errors.Join(&paas.Error{Kind: paas.Unavailable, Msg: "Docker does not answer, so the apps' containers are still there", Hint: "start Docker and do this again", Err: err}, st.Close())
	}
	return errors.Join(removeFromDocker(ctx, engine, data, purge), st.Close())
}

// removeFromDocker removes containers and networks and, for good, volumes and images; those of apps are known by our registry's address.
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
