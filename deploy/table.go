package deploy

import (
	"context"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

func (d *Deployer) hosts(app paas.App, project paas.Project, env paas.Environment) []string {
	return []string{d.site.Host(app, project, env)}
}

// URL is the app's address in production as visitors write it.
func (d *Deployer) URL(app paas.App) string {
	project, err := d.store.Project(app.Project)
	if err != nil {
		project = paas.Project{Name: app.Name}
	}
	return d.site.Address(app, project, paas.Environment{Name: paas.Production})
}

// table is the whole truth for the edge.
func (d *Deployer) table() (paas.Table, error) {
	t, err := d.store.Table(d.hosts)
	if err != nil {
		return t, err
	}
	t.Dashboard, t.TLS = d.site.Dashboard, d.site.TLS
	return t, nil
}

// send gives the present table to every edge process and returns when all have written it down.
func (d *Deployer) send(ctx context.Context) error {
	d.apply.Lock()
	defer d.apply.Unlock()
	t, err := d.table()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return d.edges.Apply(ctx, t)
}

// sendUntilTaken tries until the edge has the table; waiting is called once when that takes longer than a moment.
func (d *Deployer) sendUntilTaken(ctx context.Context, waiting func()) error {
	for try := 0; ; try++ {
		err := d.send(ctx)
		if err == nil {
			return nil
		}
		if try == 3 {
			d.log.Warn("the edge does not take the table", "err", err)
			waiting()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(min(time.Duration(try+1)*100*time.Millisecond, 2*time.Second)):
		}
	}
}

// tableLoop re-sends the table to an edge that has another generation: one that was restarted, or was away when it changed.
func (d *Deployer) tableLoop(ctx context.Context) {
	if err := d.sendUntilTaken(ctx, func() {}); err != nil {
		return // ctx has ended
	}
	d.eachTick(ctx, 5*time.Second, func() {
		want, err := d.table()
		if err != nil {
			d.log.Error("cannot read the table", "err", err)
			return
		}
		edges, err := d.edges.Status(ctx)
		if err != nil {
			return
		}
		for _, e := range edges {
			if e.Generation != want.Generation {
				if err := d.send(ctx); err != nil && ctx.Err() == nil {
					d.log.Warn("the edge does not take the table", "err", err)
				}
				return
			}
		}
	})
}

// eachTick calls fn every so often until ctx ends.
func (d *Deployer) eachTick(ctx context.Context, every time.Duration, fn func()) {
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			fn()
		}
	}
}
