package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"

	"github.com/cloudsania/cloudsania/proxy"
)

// EdgeConfig says what an edge serves and where it listens.
type EdgeConfig struct {
	Version     string // of this build, as its status tells it
	Data        string // data directory of the installation
	HTTP, HTTPS string // addresses to listen on
}

// Edge runs the edge until ctx ends or it has handed over to its successor.
func Edge(ctx context.Context, cfg EdgeConfig) error {
	debug.SetGCPercent(100)
	e, err := proxy.Listen(proxy.Options{
		Data:       filepath.Join(cfg.Data, "edge"),
		StaticRoot: filepath.Join(cfg.Data, "static"),
		Control:    filepath.Join(cfg.Data, "web.sock"),
		HTTP:       cfg.HTTP,
		HTTPS:      cfg.HTTPS,
		Version:    cfg.Version,
		Log:        slog.New(slog.NewTextHandler(os.Stderr, nil)).With("part", "proxy"),
	})
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	var beside sync.WaitGroup
	beside.Go(func() { _ = memoryTrimmer{}.Run(ctx) }) // never fails
	err = e.Run(ctx)                                   // also returns before ctx ends: after a handover
	stop()
	beside.Wait()
	return err
}

// Handover lets the running edge start the installed program with its listeners and drain itself.
func Handover(ctx context.Context, cfg EdgeConfig) error {
	exe, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find our own program: %w", err)
	}
	return proxy.Dial(filepath.Join(cfg.Data, "edge")).Handover(ctx, exe, cfg.args())
}

// args is the command line of an edge.
func (c EdgeConfig) args() []string {
	return []string{"edge", "--data", c.Data, "--http", c.HTTP, "--https", c.HTTPS}
}
