package deploy

import (
	"context"
	"maps"

	"github.com/cloudsania/cloudsania/paas"
)

// Apply makes a new release of what is live with the present variables and limits; when a variable that the build
// reads has changed since, the same source is built again. What is live is decided when the deployment begins:
// newer code that is on its way stays newer. Conflict when nothing is live yet: the next deployment takes the
// changes anyway.
func (d *Deployer) Apply(ctx context.Context, by paas.Actor, target paas.Target) (paas.Deployment, error) {
	_, b, err := d.live(target)
	if err != nil {
		return paas.Deployment{}, err
	}
	src := b.Source
	src.Kind, src.Build, src.Message = paas.SourceConfig, b.ID, "Changed settings"
	return d.Deploy(ctx, by, target, src)
}

// live is what visitors of target see now.
func (d *Deployer) live(target paas.Target) (rel paas.Release, b paas.Build, err error) {
	p, err := d.store.AppEnvironment(target)
	if err != nil {
		return rel, b, err
	}
	if p.Live == "" {
		return rel, b, &paas.Error{Kind: paas.Conflict, Msg: "nothing is live yet",
			Hint: "the first deployment uses the changed variables"}
	}
	if rel, err = d.store.Release(p.Live); err != nil {
		return rel, b, err
	}
	b, err = d.store.Build(rel.Build)
	return rel, b, err
}

// reuse is the live build for a deployment of changed configuration. Not ok means that the configuration reaches
// the build: the source is to be built again.
func (d *Deployer) reuse(target paas.Target) (b paas.Build, ok bool, err error) {
	rel, b, err := d.live(target)
	if err != nil {
		return b, false, err
	}
	then, err := d.store.ReleaseVariables(rel.ID)
	if err != nil {
		return b, false, err
	}
	now, err := d.store.Variables(target)
	if err != nil {
		return b, false, err
	}
	return b, maps.Equal(buildValues(then), buildValues(now)), nil
}

func buildValues(vars []paas.Variable) map[string]paas.Secret {
	out := map[string]paas.Secret{}
	for _, v := range vars {
		if v.Build {
			out[v.Name] = v.Value
		}
	}
	return out
}
