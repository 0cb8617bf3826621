package store

import (
	"bytes"
	"errors"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

// Removed lists what a deleted app leaves behind outside of the store. It is kept until FinishRemoval, so that a crash in between leaves
// nothing behind for ever; until then its subnets are not used again.
type Removed struct {
	App          paas.App
	Instances    []paas.Instance // that were not gone
	Builds       []paas.Build
	Deployments  []string           // whose logs can go
	Environments []paas.Environment // that nothing is in any more: their networks can go
	At           time.Time
}

// DeleteApp removes an app with everything of it in one change; unfinished deployments of it end here. Its project and environments go
// with it when nothing else is in them. Events and usage stay.
func (t *Tx) DeleteApp(id string) (Removed, error) {
	a, err := t.App(id)
	if err != nil {
		return Removed{}, err
	}
	at, err := t.PathOf(id)
	if err != nil {
		return Removed{}, err
	}
	removed := Removed{App: a, At: t.now}
	if err := errors.Join(t.removeAppEnvironments(&removed), t.removeBuilds(&removed)); err != nil {
		return Removed{}, err
	}
	if err := errors.Join(t.delete(appBucket, id), t.delete(appNameBucket, path(a.Project, a.Name))); err != nil {
		return Removed{}, err
	}
	if err := t.removeEmptyProject(a.Project); err != nil {
		return Removed{}, err
	}
	if _, err := t.bump(); err != nil {
		return Removed{}, err
	}
	if err := t.put(removalBucket, id, removed); err != nil {
		return Removed{}, err
	}
	return removed, t.event(paas.AppDeleted{Name: a.Name, Instances: len(removed.Instances)}, id, at)
}

// Removals that are not finished.
func (t *Tx) Removals() ([]Removed, error) { return list[Removed](t, removalBucket, "") }

// FinishRemoval records that nothing is left of a deleted app.
func (t *Tx) FinishRemoval(app string) error { return t.delete(removalBucket, app) }

func (t *Tx) removeAppEnvironments(r *Removed) error {
	places, err := list[paas.AppEnvironment](t, appEnvironmentBucket, "")
	if err != nil {
		return err
	}
	for _, p := range places {
		if p.App != r.App.ID {
			continue
		}
		if err := t.removeAppEnvironment(p, r); err != nil {
			return err
		}
		if err := t.removeEmptyEnvironment(p.Environment, r); err != nil {
			return err
		}
	}
	return nil
}

func (t *Tx) removeAppEnvironment(p paas.AppEnvironment, r *Removed) error {
	key := targetKey(p.Target)
	live, err := t.InstancesOf(p.Target)
	if err != nil {
		return err
	}
	r.Instances = append(r.Instances, live...)
	if err := t.dropHosts(p.Target); err != nil {
		return err
	}
	err = t.drain(releaseOfBucket, path(key, ""), func(id string) error {
		return errors.Join(t.delete(releaseBucket, id), t.delete(releaseVariablesBucket, id))
	})
	if err != nil {
		return err
	}
	err = t.drain(deploymentOfBucket, path(key, ""), func(id string) error {
		r.Deployments = append(r.Deployments, id)
		dep, err := get[paas.Deployment](t, deploymentBucket, id)
		if err != nil {
			return err
		}
		return errors.Join(t.delete(deploymentBucket, id), t.delete(unfinishedBucket, number(dep.Seq)))
	})
	if err != nil {
		return err
	}
	return errors.Join(t.removeInstances(p.Target), t.dropVariables(key), t.delete(appEnvironmentBucket, key))
}

// removeInstances forgets all instances of target, also those that are gone.
func (t *Tx) removeInstances(target paas.Target) error {
	prefix := path(targetKey(target), "")
	keys, err := t.keys(instanceOfBucket, prefix)
	for _, key := range keys {
		err = errors.Join(err, t.delete(instanceBucket, lastPart(key)), t.delete(instanceOfBucket, key))
	}
	return errors.Join(err, t.drain(instanceGoneBucket, prefix, func(id string) error { return t.delete(instanceBucket, id) }))
}

func (t *Tx) removeBuilds(r *Removed) error {
	return t.drain(buildOfBucket, path(r.App.ID, ""), func(id string) error {
		b, err := get[paas.Build](t, buildBucket, id)
		r.Builds = append(r.Builds, b)
		return errors.Join(err, t.delete(buildBucket, id))
	})
}

// drain calls fn with the id in each record of an index below prefix, and removes them.
func (t *Tx) drain(b bucket, prefix string, fn func(id string) error) error {
	index := map[string]string{}
	var order []string
	err := each(t, b, prefix, func(key, id string) error {
		index[key], order = id, append(order, key)
		return nil
	})
	if err != nil {
		return err
	}
	for _, key := range order {
		if err := errors.Join(fn(index[key]), t.delete(b, key)); err != nil {
			return err
		}
	}
	return nil
}

func (t *Tx) removeEmptyEnvironment(id string, r *Removed) error {
	if t.any(appEnvironmentBucket, path(id, "")) {
		return nil
	}
	env, err := get[environmentRecord](t, environmentBucket, id)
	if err != nil {
		return err
	}
	r.Environments = append(r.Environments, env.Environment)
	return errors.Join(t.delete(environmentBucket, id), t.delete(environmentNameBucket, path(env.Project, env.Name)))
}

func (t *Tx) removeEmptyProject(id string) error {
	if t.any(appNameBucket, path(id, "")) || t.any(environmentNameBucket, path(id, "")) {
		return nil
	}
	p, err := get[paas.Project](t, projectBucket, id)
	if err != nil {
		return err
	}
	return errors.Join(t.delete(projectBucket, id), t.delete(projectNameBucket, path(p.Client, p.Name)))
}

// any reports whether a key begins with prefix.
func (t *Tx) any(b bucket, prefix string) bool {
	k, _ := t.branch(b).Cursor().Seek([]byte(prefix))
	return k != nil && bytes.HasPrefix(k, []byte(prefix))
}

// dropVariables forgets all versions of a target's variables.
func (t *Tx) dropVariables(target string) error {
	versions, err := t.keys(variablesBucket, path(target, ""))
	for _, key := range versions {
		err = errors.Join(err, t.delete(variablesBucket, key))
	}
	return err
}
