package control

import (
	"context"
	"fmt"
	"slices"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/store"
)

// searched is how many deployments are looked through for the release that was live before.
const searched = 200

// Rollback is what going back would change.
type Rollback struct {
	From, To paas.Release
	Source   paas.Source // of the code that To is made of
	SameCode bool
	Goes     []string // variables by name: set now, not then
	Changes  []string // of another value then
	Returns  []string // set then, not now
}

// PreviewRollback says what RollBack would change, before anything does.
func (c *Control) PreviewRollback(by access.Principal, target paas.Target, number int) (out Rollback, err error) {
	err = c.view(by, access.ReleaseRead, target, func(t *store.Tx, _ Place) error {
		out, err = rollbackTo(t, target, number)
		if err != nil {
			return err
		}
		now, err := t.ReleaseVariables(out.From.ID)
		if err != nil {
			return err
		}
		then, err := t.ReleaseVariables(out.To.ID)
		if err != nil {
			return err
		}
		out.compare(now, then)
		return nil
	})
	return out, err
}

// RollBack makes a new release of an older one's build and configuration and takes it live, without building. Number 0 is the release that
// was live before the present one.
func (c *Control) RollBack(ctx context.Context, by access.Principal, target paas.Target, number int) (paas.Deployment, error) {
	if number < 0 {
		return paas.Deployment{}, paas.Invalidf("version", "give a number, or 0 for the one before", "there are no versions below 1")
	}
	var queued queued
	err := c.change(ctx, by, access.ReleaseRollback, target, func(t *store.Tx, _ Place) error {
		back, err := rollbackTo(t, target, number)
		if err != nil {
			return err
		}
		src := back.Source
		src.Kind, src.Build, src.Release, src.Message = paas.SourceRollback, back.To.Build, back.To.ID, fmt.Sprintf("Back to v%d", back.To.Number)
		queued.dep, queued.superseded, err = t.QueueDeployment(target, src)
		return err
	})
	if err != nil {
		return paas.Deployment{}, err
	}
	return *queued.wake(c.deploys), nil
}

// rollbackTo finds what a rollback to that number goes back to. It is the one place that decides.
func rollbackTo(t *store.Tx, target paas.Target, number int) (out Rollback, err error) {
	env, err := t.AppEnvironment(target)
	if err != nil {
		return out, err
	}
	if env.Live() == "" {
		return out, &paas.Error{Kind: paas.Conflict, Msg: "nothing is live, so there is nothing to go back from", Hint: "deploy a version first"}
	}
	if out.From, err = t.Release(env.Live()); err != nil {
		return out, err
	}
	if number > 0 {
		out.To, err = t.ReleaseNumber(target, number)
	} else {
		out.To, err = liveBefore(t, target, out.From)
	}
	if err != nil {
		return out, err
	}
	if out.To.ID == out.From.ID {
		return out, &paas.Error{Kind: paas.Conflict, Msg: fmt.Sprintf("v%d is live already", out.To.Number), Hint: "choose another version"}
	}
	b, err := t.Build(out.To.Build)
	if paas.IsKind(err, paas.NotFound) {
		return out, &paas.Error{Kind: paas.Conflict, Msg: fmt.Sprintf("v%d is no longer kept on this server", out.To.Number),
			Hint: "choose a newer version, or push the old code again", Err: err}
	}
	out.Source, out.SameCode = b.Source, out.To.Build == out.From.Build
	return out, err
}

// liveBefore is the release that visitors saw before the live one: that of the newest deployment that succeeded with another release.
func liveBefore(t *store.Tx, target paas.Target, live paas.Release) (paas.Release, error) {
	deps, err := t.Deployments(target, searched)
	if err != nil {
		return paas.Release{}, err
	}
	for _, d := range deps {
		if d.Status == paas.Succeeded && d.Release != "" && d.Release != live.ID && d.Number < live.Number {
			return t.Release(d.Release)
		}
	}
	return paas.Release{}, &paas.Error{Kind: paas.Conflict, Msg: "there is no earlier version to go back to", Hint: "deploy once more first"}
}

// compare says by name how the sealed variables of two releases differ. Values stay where they are.
func (r *Rollback) compare(now, then []paas.Variable) {
	find := func(vars []paas.Variable, name string) int {
		return slices.IndexFunc(vars, func(v paas.Variable) bool { return v.Name == name })
	}
	for _, v := range now {
		switch i := find(then, v.Name); {
		case i < 0:
			r.Goes = append(r.Goes, v.Name)
		case then[i].Value != v.Value:
			r.Changes = append(r.Changes, v.Name)
		}
	}
	for _, v := range then {
		if find(now, v.Name) < 0 {
			r.Returns = append(r.Returns, v.Name)
		}
	}
}
