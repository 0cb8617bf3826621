package store

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/cloudsania/cloudsania/paas"
)

// ReleaseFrom says what a release is made of: a build (of the same app), and the target's present configuration, or with Release the
// configuration of that older release: its variables, limits and scale.
type ReleaseFrom struct {
	Build, Release string
	Note           string // "" names the rollback by itself
}

// MakeRelease seals build and configuration as the next number of the deployment's target. A deployment has one release: asked again it
// returns the one that was made.
func (t *Tx) MakeRelease(deployment string, from ReleaseFrom) (paas.Release, error) {
	dep, err := t.running(deployment)
	if err != nil {
		return paas.Release{}, err
	}
	if dep.Release != "" {
		return t.Release(dep.Release)
	}
	rel, err := t.makeRelease(dep, from)
	if err != nil {
		return paas.Release{}, err
	}
	dep.Release, dep.Number, dep.Build = rel.ID, rel.Number, rel.Build
	return rel, t.putDeployment(dep)
}

// Release by id.
func (t *Tx) Release(id string) (paas.Release, error) { return get[paas.Release](t, releaseBucket, id) }

// ReleaseNumber finds a target's release by its number.
func (t *Tx) ReleaseNumber(target paas.Target, n int) (paas.Release, error) {
	id, ok, err := find[string](t, releaseOfBucket, path(targetKey(target), number(uint64(n))))
	if err != nil {
		return paas.Release{}, err
	}
	if !ok || n < 1 {
		return paas.Release{}, notFound("release", fmt.Sprintf("v%d", n))
	}
	return t.Release(id)
}

// Releases of a target, the newest first.
func (t *Tx) Releases(target paas.Target) ([]paas.Release, error) {
	return newest[paas.Release](t, releaseOfBucket, path(targetKey(target), ""), releaseBucket, 0)
}

// ReleaseVariables are the variables that a release was sealed with, by name.
func (t *Tx) ReleaseVariables(release string) ([]paas.Variable, error) {
	rel, err := t.Release(release)
	if err != nil {
		return nil, err
	}
	return t.openVariables(releaseVariablesBucket, rel.ID, uint64(rel.Number))
}

func (t *Tx) makeRelease(dep paas.Deployment, from ReleaseFrom) (paas.Release, error) {
	target := paas.Target{App: dep.App, Environment: dep.Environment}
	b, err := get[paas.Build](t, buildBucket, from.Build)
	if err != nil {
		return paas.Release{}, err
	}
	p, err := t.AppEnvironment(target)
	if err != nil {
		return paas.Release{}, err
	}
	rel := paas.Release{ID: paas.NewID("rel"), App: dep.App, Environment: dep.Environment, Number: p.LastNumber + 1, Build: b.ID, Image: b.Image, Tree: b.Tree,
		Processes: processesOf(b.Plan, p), Health: healthOf(b.Plan, p), Limits: p.Limits, Scale: p.Scale(), Mounts: p.Mounts,
		Commit: b.Source.Commit, Author: b.Source.Author, Message: b.Source.Message, Actor: dep.Actor, Note: from.Note, Created: t.now}
	vars, err := t.variables(p)
	if from.Release != "" {
		rel, vars, err = t.configuredLike(rel, from.Release)
	}
	if err != nil {
		return rel, err
	}
	if rel.Life, err = t.born(); err != nil {
		return rel, err
	}
	if b.App != dep.App {
		return rel, fmt.Errorf("make release: the build %q is of another app", b.ID)
	}
	rel.VariableNames = variableNames(vars)
	return rel, t.keepRelease(rel, p, vars)
}

// configuredLike gives rel the configuration of an older release of the same target.
func (t *Tx) configuredLike(rel paas.Release, release string) (paas.Release, []paas.Variable, error) {
	old, err := get[paas.Release](t, releaseBucket, release)
	if err != nil {
		return rel, nil, err
	}
	if old.App != rel.App || old.Environment != rel.Environment {
		return rel, nil, fmt.Errorf("make release: %q is of another target", release) // its variables are not for this one
	}
	rel.Limits, rel.Processes, rel.Health = old.Limits, old.Processes, old.Health
	if rel.Note == "" {
		rel.Note = fmt.Sprintf("rollback to v%d", old.Number)
	}
	vars, err := t.openVariables(releaseVariablesBucket, old.ID, uint64(old.Number))
	return rel, vars, err
}

// processesOf a plan with what the app environment says of them.
func processesOf(plan paas.Plan, p paas.AppEnvironment) []paas.ReleaseProcess {
	var out []paas.ReleaseProcess
	for _, process := range plan.Processes {
		s := p.Process(process.Type)
		out = append(out, paas.ReleaseProcess{Type: process.Type, Command: chosen(s.Command, process.Command), Limits: s.Limits})
	}
	if len(plan.Processes) == 0 {
		s := p.Process(paas.WebProcess)
		out = append(out, paas.ReleaseProcess{Type: paas.WebProcess, Command: chosen(s.Command, plan.StartCommand), Limits: s.Limits})
	}
	return out
}

// chosen is the owner's command where it is not the one in the image.
func chosen(command, built string) string {
	if command == built {
		return ""
	}
	return command
}

func healthOf(plan paas.Plan, p paas.AppEnvironment) paas.HealthCheck {
	return paas.HealthCheck{Path: cmp.Or(p.Health.Path, plan.HealthPath)}
}

// updateRelease changes what may change of a release: when it was live, and what is kept of it. One that is gone is fine.
func (t *Tx) updateRelease(id string, fn func(*paas.Release)) error {
	rel, ok, err := find[paas.Release](t, releaseBucket, id)
	if err != nil || !ok {
		return err
	}
	fn(&rel)
	return t.put(releaseBucket, id, rel)
}

func (t *Tx) keepRelease(rel paas.Release, p paas.AppEnvironment, vars []paas.Variable) error {
	p.LastNumber = rel.Number
	err := errors.Join(
		t.put(releaseBucket, rel.ID, rel),
		t.put(releaseOfBucket, path(targetKey(p.Target), number(uint64(rel.Number))), rel.ID),
		t.sealVariables(releaseVariablesBucket, rel.ID, uint64(rel.Number), vars),
		t.put(appEnvironmentBucket, targetKey(p.Target), p),
	)
	if err != nil {
		return err
	}
	at, err := t.PathIn(p.Target)
	if err != nil {
		return err
	}
	return t.as(rel.Actor).event(paas.ReleaseCreated{
		Environment: rel.Environment,
		Number:      rel.Number,
		Build:       rel.Build,
		Note:        rel.Note,
	}, rel.ID, at)
}
