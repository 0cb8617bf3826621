package proxy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cloudsania/cloudsania/disk"
	"github.com/cloudsania/cloudsania/paas"
)

// restore puts the table of the last time in force, or an empty one.
func (e *Edge) restore() error {
	var table paas.Table
	path := e.tablePath()
	switch err := readSealed(path, &table); {
	case errors.Is(err, fs.ErrNotExist):
	case errors.Is(err, errCorrupt):
		aside := path + ".damaged"
		e.log.Error("the table on disk is damaged: starting without; control sends a new one", "file", aside, "err", err)
		if err := os.Rename(path, aside); err != nil {
			return fmt.Errorf("put the damaged table aside: %w", err)
		}
		table = paas.Table{}
	case err != nil:
		return fmt.Errorf("read the table: %w", err)
	}
	if err := e.certs.prepare(table.TLS); err != nil {
		// A server that answers with what it has is better than none: control's next table tries again.
		e.log.Error("no certificates", "err", err)
	}
	e.force(table)
	return nil
}

func (e *Edge) tablePath() string { return filepath.Join(e.opts.Data, "table.json") }

// force makes table the one in force.
func (e *Edge) force(table paas.Table) {
	rt := newRouter(table, e.instances)
	if len(rt.skipped) > 0 {
		e.log.Warn("parts of the table are not usable and were skipped", "what", rt.skipped)
	}
	e.router.Store(rt)
	e.instances.settle(rt.live(), rt.draining())
	e.certs.changed(rt)
}

// apply writes table down and puts it in force. A process that only drains leaves the file to its successor.
func (e *Edge) apply(ctx context.Context, table paas.Table) error {
	select {
	case e.changes <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-e.changes }()
	if err := e.certs.prepare(table.TLS); err != nil {
		return err
	}
	select {
	case <-e.handed:
	default:
		if err := writeSealed(e.tablePath(), table); err != nil {
			return fmt.Errorf("write the table: %w", disk.Full(err))
		}
	}
	e.force(table)
	e.log.Info("a new table is in force", "generation", table.Generation, "routes", len(table.Routes))
	return nil
}
