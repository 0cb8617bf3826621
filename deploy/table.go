package deploy

import (
	"context"
	"log/slog"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

// publisher keeps every edge process at the store's table.
type publisher struct {
	read  func() (paas.Table, error)
	edges edges
	wake  signal // the table has changed, or an edge may have an old one
	log   *slog.Logger
}

// run sends the table once, and again whenever an edge has another generation: the table has changed, or the edge
// was restarted or away when it did.
func (p *publisher) run(ctx context.Context) {
	if err := p.sendUntilTaken(ctx, func() {}); err != nil {
		return // ctx has ended
	}
	for p.wake.wait(ctx, safetyNet) {
		if p.current(ctx) {
			continue
		}
		if err := p.sendUntilTaken(ctx, func() {}); err != nil {
			return // ctx has ended
		}
	}
}

// current reports whether every edge process has the present table.
func (p *publisher) current(ctx context.Context) bool {
	edges, err := p.edges.Status(ctx)
	if err != nil || len(edges) == 0 {
		return false
	}
	t, err := p.read()
	if err != nil {
		return false
	}
	for _, e := range edges {
		if e.Generation != t.Generation {
			return false
		}
	}
	return true
}

// send gives the present table to every edge process and returns when all have written it down.
func (p *publisher) send(ctx context.Context) error {
	t, err := p.read()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return p.edges.Apply(ctx, t)
}

// sendUntilTaken tries until the edge has the table; waiting is called once when that takes longer than a moment.
func (p *publisher) sendUntilTaken(ctx context.Context, waiting func()) error {
	for try := 0; ; try++ {
		err := p.send(ctx)
		if err == nil {
			return nil
		}
		if try == 3 {
			p.log.Warn("the edge does not take the table", "err", err)
			waiting()
		}
		if !sleep(ctx, min(time.Duration(try+1)*100*time.Millisecond, 2*time.Second)) {
			return ctx.Err()
		}
	}
}

// readTable is the whole truth for the edge.
func (d *Deployer) readTable() (paas.Table, error) {
	t, err := d.store.Table()
	t.Dashboard, t.TLS = d.site.Dashboard, d.site.TLS
	return t, err
}

// address is where visitors find an app in an environment; the installation's own while that cannot be read.
func (d *Deployer) address(target paas.Target) string {
	app, err := d.store.App(target.App)
	if err != nil {
		return d.site.Origin(d.site.Domain)
	}
	project, err := d.store.Project(app.Project)
	if err != nil {
		return d.site.Origin(d.site.Domain)
	}
	env, err := d.store.Environment(target.Environment)
	if err != nil {
		return d.site.Origin(d.site.Domain)
	}
	return d.site.Address(app, project, env)
}
