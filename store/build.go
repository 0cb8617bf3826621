package store

import (
	"errors"
	"fmt"

	"github.com/cloudsania/cloudsania/paas"
)

// RecordBuild keeps a finished build, or names one that exists already, as the build of a running deployment. A build never changes.
func (t *Tx) RecordBuild(deployment string, b paas.Build) error {
	dep, err := t.running(deployment)
	if err != nil {
		return err
	}
	if b.App != dep.App || !paas.IsID("bld", b.ID) {
		return fmt.Errorf("record build: %q of %q does not fit a deployment of %q", b.ID, b.App, dep.App)
	}
	if !t.has(buildBucket, b.ID) {
		life, err := t.born()
		if err != nil {
			return err
		}
		b.Life = life
		if err := errors.Join(t.put(buildBucket, b.ID, b), t.put(buildOfBucket, path(b.App, number(b.Seq)), b.ID)); err != nil {
			return err
		}
	}
	dep.Build = b.ID
	return t.putDeployment(dep)
}

// Build by id. NotFound also for one that was removed.
func (t *Tx) Build(id string) (paas.Build, error) { return get[paas.Build](t, buildBucket, id) }

// Builds of an app, the newest first.
func (t *Tx) Builds(app string) ([]paas.Build, error) {
	return newest[paas.Build](t, buildOfBucket, path(app, ""), buildBucket, 0)
}

// RemoveBuild forgets a build whose image and files are gone; releases of it can no longer be gone back to. Conflict while it is live.
// One that is not there is fine.
func (t *Tx) RemoveBuild(id string) error {
	b, ok, err := find[paas.Build](t, buildBucket, id)
	if err != nil || !ok {
		return err
	}
	if err := t.refuseLive(id); err != nil {
		return err
	}
	index := ""
	err = each(t, buildOfBucket, path(b.App, ""), func(key, of string) error {
		if of == id {
			index = key
		}
		return nil
	})
	if err != nil {
		return err
	}
	return errors.Join(t.delete(buildBucket, id), t.delete(buildOfBucket, index))
}

func (t *Tx) refuseLive(build string) error {
	return each(t, appEnvironmentBucket, "", func(_ string, p paas.AppEnvironment) error {
		if p.Live() == "" {
			return nil
		}
		rel, err := get[paas.Release](t, releaseBucket, p.Live())
		if err == nil && rel.Build == build {
			return conflict("deploy another version first", "the build is live")
		}
		return err
	})
}
