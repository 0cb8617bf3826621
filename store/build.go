package store

import (
	"errors"
	"fmt"

	"github.com/cloudsania/cloudsania/paas"
)

// RecordBuild keeps a finished build, or names one that exists already, as the build of a running deployment. A build never changes.
func (s *Store) RecordBuild(deployment string, b paas.Build) error {
	return s.update(func(t *tx) error {
		dep, err := t.running(deployment)
		if err != nil {
			return err
		}
		if b.App != dep.App || !paas.IsID("bld", b.ID) {
			return fmt.Errorf("record build: %q of %q does not fit a deployment of %q", b.ID, b.App, dep.App)
		}
		if !t.has(buildBucket, b.ID) {
			n, err := t.next()
			if err != nil {
				return err
			}
			if err := errors.Join(t.put(buildBucket, b.ID, b), t.put(buildOfBucket, path(b.App, number(n)), b.ID)); err != nil {
				return err
			}
		}
		dep.Build = b.ID
		return t.putDeployment(dep)
	})
}

// Build by id. NotFound also for one that was removed.
func (s *Store) Build(id string) (paas.Build, error) { return fetch[paas.Build](s, buildBucket, id) }

// Builds of an app, the newest first.
func (s *Store) Builds(app string) ([]paas.Build, error) {
	var out []paas.Build
	err := s.view(func(t *tx) error {
		return t.eachDown(buildOfBucket, path(app, ""), func(key string, payload []byte) error {
			id, err := decodeJSON[string](buildOfBucket, key, payload)
			if err != nil {
				return err
			}
			b, err := get[paas.Build](t, buildBucket, id)
			out = append(out, b)
			return err
		})
	})
	return out, err
}

// RemoveBuild forgets a build whose image and files are gone; releases of it can no longer be gone back to. Conflict while it is live.
// One that is not there is fine.
func (s *Store) RemoveBuild(id string) error {
	return s.update(func(t *tx) error {
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
	})
}

func (t *tx) refuseLive(build string) error {
	return each(t, appEnvironmentBucket, "", func(_ string, p paas.AppEnvironment) error {
		if p.Live == "" {
			return nil
		}
		rel, err := get[paas.Release](t, releaseBucket, p.Live)
		if err == nil && rel.Build == build {
			return conflict("deploy another version first", "the build is live")
		}
		return err
	})
}
