package deploy

import (
	"context"
	"errors"
	"slices"

	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/store"
)

const keptReleases = 10 // that stay ready for a rollback

// reap frees what can no longer be rolled back to: images, static trees and uploads of builds that none of the kept releases uses. It
// runs after each deployment and after each drained instance.
func (d *Deployer) reap(ctx context.Context, app string) {
	keep, err := d.keptBuilds(app)
	if err != nil {
		d.log.Warn("cannot tell which builds are in use", "app", app, "err", err)
		return
	}
	builds, err := d.store.Builds(app)
	if err != nil {
		d.log.Warn("cannot read the builds", "app", app, "err", err)
		return
	}
	uploads := map[string]bool{}
	for _, b := range builds {
		uploads[b.Source.Upload] = uploads[b.Source.Upload] || keep[b.ID]
	}
	for _, b := range builds {
		if keep[b.ID] {
			continue
		}
		if err := d.removeBuild(ctx, b, uploads); err != nil {
			d.log.Warn("cannot remove an old build", "app", b.App, "build", b.ID, "err", err)
		}
	}
}

// dropUpload removes the upload of a deployment that came to nothing: no build needs it.
func (d *Deployer) dropUpload(dep paas.Deployment) {
	if dep.Source.Upload == "" || dep.Source.Kind != paas.SourceUpload {
		return
	}
	builds, err := d.store.Builds(dep.App)
	if err != nil || slices.ContainsFunc(builds, func(b paas.Build) bool { return b.Source.Upload == dep.Source.Upload }) {
		return
	}
	if err := d.upload.Remove(dep.Source.Upload); err != nil {
		d.log.Warn("cannot remove an upload", "app", dep.App, "err", err)
	}
}

// keptBuilds are the builds of the newest releases of every environment, of what is live, and of what is being deployed.
func (d *Deployer) keptBuilds(app string) (map[string]bool, error) {
	keep := map[string]bool{}
	places, err := d.store.AppEnvironments()
	if err != nil {
		return nil, err
	}
	for _, p := range places {
		if p.App != app {
			continue
		}
		rels, err := d.store.Releases(p.Target)
		if err != nil {
			return nil, err
		}
		for i, r := range rels {
			if i < keptReleases || r.ID == p.Live {
				keep[r.Build] = true
			}
		}
	}
	open, err := d.store.Unfinished()
	if err != nil {
		return nil, err
	}
	for _, dep := range open {
		keep[dep.Build], keep[dep.Source.Build] = true, true
	}
	used, err := d.store.Instances(paas.Starting, paas.Live, paas.Draining)
	if err != nil {
		return nil, err
	}
	for _, inst := range used {
		if rel, err := d.store.Release(inst.Release); err == nil {
			keep[rel.Build] = true
		}
	}
	return keep, nil
}

func (d *Deployer) removeBuild(ctx context.Context, b paas.Build, uploadsInUse map[string]bool) error {
	if err := d.removeFiles(ctx, b, uploadsInUse); err != nil {
		return err
	}
	return d.store.RemoveBuild(b.ID)
}

// removeFiles takes away what a build left outside of the store.
func (d *Deployer) removeFiles(ctx context.Context, b paas.Build, uploadsInUse map[string]bool) error {
	errs := []error{d.images.RemoveBuild(ctx, b)}
	if b.Image != "" {
		ref, _ := d.images.Ref(b.Image)
		errs = append(errs, d.engine.RemoveImage(ctx, ref))
	}
	if up := b.Source.Upload; up != "" && !uploadsInUse[up] {
		errs = append(errs, d.upload.Remove(up))
	}
	return errors.Join(errs...)
}

// Delete removes an app and everything that was made for it. Its code, variables and versions cannot be brought back.
func (d *Deployer) Delete(ctx context.Context, by paas.Actor, app string) error {
	removed, err := d.store.DeleteApp(by, app)
	if err != nil {
		return err
	}
	for _, id := range d.lanes.of(app) {
		d.lanes.cancel(id, by)
	}
	if err := d.send(ctx); err != nil {
		d.log.Warn("the edge does not take the table yet", "err", err)
	}
	d.clean(context.WithoutCancel(ctx), removed)
	return nil
}

// clean takes away what a deleted app leaves behind. What cannot be done now is done at the next start.
func (d *Deployer) clean(ctx context.Context, r store.Removed) {
	var errs []error
	for _, inst := range r.Instances {
		if inst.Dir == "" {
			name := containerOf(inst)
			errs = append(errs, d.engine.Stop(ctx, name, d.timing.StopGrace), d.engine.Remove(ctx, name))
		}
	}
	for _, b := range r.Builds {
		errs = append(errs, d.removeFiles(ctx, b, nil))
	}
	for _, id := range r.Deployments {
		errs = append(errs, d.book.remove(id))
	}
	for _, env := range r.Environments {
		errs = append(errs, d.engine.RemoveNetwork(ctx, networkName(env)))
	}
	errs = append(errs, d.images.Forget(ctx, r.App.ID), d.repos.Remove(r.App.ID))
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil || paas.IsKind(err, paas.NotFound) })
	if len(errs) > 0 {
		d.log.Warn("left something of a deleted app behind; the next start tries again", "app", r.App.ID, "err", errors.Join(errs...))
		return
	}
	if err := d.store.FinishRemoval(r.App.ID); err != nil {
		d.log.Error("cannot record that a deleted app is gone", "app", r.App.ID, "err", err)
	}
}
