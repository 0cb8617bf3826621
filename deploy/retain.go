package deploy

import (
	"context"
	"errors"
	"slices"

	"github.com/cloudsania/cloudsania/paas"
)

const keptReleases = 10 // that stay ready for a rollback

// retain frees what can no longer be rolled back to: images, static trees and uploads of builds that none of the
// kept releases uses, and logs of old deployments. It runs after each deployment and after each instance that has
// ended.
func (d *Deployer) retain(ctx context.Context, target paas.Target) {
	d.retainBuilds(ctx, target.App)
	if err := d.logs.retain(d.store); err != nil {
		d.log.Warn("cannot remove the logs of old deployments", "err", err)
	}
}

func (d *Deployer) retainBuilds(ctx context.Context, app string) {
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
		if err := d.removeBuild(ctx, b, uploads); err != nil && ctx.Err() == nil {
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
	used := func(b paas.Build) bool { return b.Source.Upload == dep.Source.Upload }
	if err != nil || slices.ContainsFunc(builds, used) {
		return
	}
	if err := d.upload.Remove(dep.Source.Upload); err != nil {
		d.log.Warn("cannot remove an upload", "app", dep.App, "err", err)
	}
}

// keptBuilds are the builds of the newest releases of every environment, of what is live, and of what is being
// deployed.
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
			if i < keptReleases || r.ID == p.Live() {
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
