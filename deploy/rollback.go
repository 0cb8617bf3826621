package deploy

import (
	"context"
	"fmt"

	"github.com/cloudsania/cloudsania/paas"
)

// Rollback makes a new release of an older one's build and configuration and takes it live, without building.
// Number 0 means the release that was live before the present one.
func (d *Deployer) Rollback(ctx context.Context, by paas.Actor, target paas.Target, number int) (paas.Deployment, error) {
	rel, err := d.rollbackTo(target, number)
	if err != nil {
		return paas.Deployment{}, err
	}
	b, err := d.store.Build(rel.Build)
	if err != nil {
		return paas.Deployment{}, &paas.Error{Kind: paas.Conflict, Msg: fmt.Sprintf("v%d is no longer kept on this server", rel.Number),
			Hint: "choose a newer version, or push the old commit again", Err: err}
	}
	src := b.Source
	src.Kind, src.Build, src.Release, src.Message = paas.SourceRollback, b.ID, rel.ID, fmt.Sprintf("Back to v%d", rel.Number)
	return d.Deploy(ctx, by, target, src)
}

func (d *Deployer) rollbackTo(target paas.Target, number int) (paas.Release, error) {
	p, err := d.store.AppEnvironment(target)
	if err != nil {
		return paas.Release{}, err
	}
	if number > 0 {
		rel, err := d.store.ReleaseNumber(target, number)
		if err == nil && rel.ID == p.Live {
			return rel, &paas.Error{Kind: paas.Conflict, Msg: fmt.Sprintf("v%d is live already", number)}
		}
		return rel, err
	}
	return d.liveBefore(target, p.Live)
}

// liveBefore is the release that visitors saw before the live one: the newest succeeded deployment of another release.
func (d *Deployer) liveBefore(target paas.Target, live string) (paas.Release, error) {
	deps, err := d.store.Deployments(target, 200)
	if err != nil {
		return paas.Release{}, err
	}
	for _, dep := range deps {
		if dep.Status == paas.Succeeded && dep.Release != "" && dep.Release != live {
			return d.store.Release(dep.Release)
		}
	}
	return paas.Release{}, &paas.Error{Kind: paas.Conflict, Msg: "there is no earlier version to go back to",
		Hint: "deploy once more first"}
}
