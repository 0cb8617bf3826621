package deploy

import (
	"maps"

	"github.com/cloudsania/cloudsania/paas"
)

// live is what visitors of target see now.
func (d *Deployer) live(target paas.Target) (rel paas.Release, b paas.Build, err error) {
	p, err := d.store.AppEnvironment(target)
	if err != nil {
		return rel, b, err
	}
	if p.Live() == "" {
		return rel, b, &paas.Error{Kind: paas.Conflict, Msg: "nothing is live any more", Hint: "deploy the app again"}
	}
	if rel, err = d.store.Release(p.Live()); err != nil {
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
	return b, maps.Equal(paas.BuildValues(then), paas.BuildValues(now)), nil
}
