package deploy

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/store"
)

// remover takes away what belongs to no instance.
type remover interface {
	RemoveNetwork(ctx context.Context, name string) error
	RemoveImage(ctx context.Context, ref string) error
}

// Removed stops the deployments of an app that was deleted from the store. What it left elsewhere is taken away in time.
func (d *Deployer) Removed(by paas.Actor, app string) {
	for _, id := range d.attempts.of(app) {
		d.attempts.cancel(id, by)
	}
	d.removals.notify()
}

// removalLoop takes away what deleted apps left outside of the store, until nothing of them is left.
func (d *Deployer) removalLoop(ctx context.Context) {
	for {
		open, err := d.store.Removals()
		if err != nil {
			d.log.Error("cannot read what has to be removed", "err", err)
		}
		if len(open) > 0 {
			if err := d.table.send(ctx); err != nil && ctx.Err() == nil {
				d.log.Warn("the edge does not take the table of what is left", "err", err)
			}
		}
		var wg sync.WaitGroup
		for _, r := range open {
			wg.Go(func() {
				if err := d.clean(ctx, r); err != nil && ctx.Err() == nil {
					d.log.Warn("cannot remove all of a deleted app yet; trying again", "app", r.App.ID, "err", err)
				}
			})
		}
		wg.Wait()
		if !d.removals.wait(ctx, safetyNet) {
			return
		}
	}
}

// clean takes away everything of a deleted app, the containers side by side.
func (d *Deployer) clean(ctx context.Context, r store.Removed) error {
	errs := make([]error, len(r.Instances))
	var wg sync.WaitGroup
	for i, inst := range r.Instances {
		if inst.Dir == "" {
			wg.Go(func() { errs[i] = d.removeContainer(ctx, inst) })
		}
	}
	wg.Wait()
	for _, b := range r.Builds {
		errs = append(errs, d.removeFiles(ctx, b, nil))
	}
	for _, id := range r.Deployments {
		errs = append(errs, d.logs.remove(id))
	}
	for _, env := range r.Environments {
		errs = append(errs, d.engine.RemoveNetwork(ctx, networkName(env)))
	}
	errs = append(errs, d.images.Forget(ctx, r.App.ID), d.repos.Remove(r.App.ID))
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil || paas.IsKind(err, paas.NotFound) })
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	return d.store.FinishRemoval(r.App.ID)
}
