package control

import (
	"context"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/store"
)

// OpenRepository finds the app of a repository for by, and checks that they may fetch (or push, with write); branch is the one whose pushes
// are deployed, "" for main, else master. A push to an app that is not there makes it when they may; what they may not see looks like what
// is not there.
func (c *Control) OpenRepository(ctx context.Context, by access.Principal, name string, write bool) (app paas.App, branch string, err error) {
	action := access.GitRead
	if write {
		action = access.GitWrite
	}
	found, err := c.FindApp(by, name)
	if err != nil {
		return paas.App{}, "", err
	}
	err = access.Authorize(by, action, found.Resource)
	if write && paas.IsKind(err, paas.NotFound) {
		app, err := c.createForPush(ctx, by, name)
		return app, "", err
	}
	if err != nil {
		return paas.App{}, "", err
	}
	config, err := c.productionOf(found.App.ID)
	return found.App, config.Branch, err
}

// productionOf is an app in production; zero when it is not there.
func (c *Control) productionOf(app string) (p paas.AppEnvironment, err error) {
	err = c.store.View(func(t *store.Tx) error {
		target, err := t.Target(app, paas.Production)
		if paas.IsKind(err, paas.NotFound) {
			return nil
		}
		if err == nil {
			p, err = t.AppEnvironment(target)
		}
		return err
	})
	return p, err
}

// createForPush makes the app that somebody pushed to. To who may not, a foreign app of that name and none at all are the same refusal.
func (c *Control) createForPush(ctx context.Context, by access.Principal, name string) (paas.App, error) {
	project, short := paas.SplitName(name)
	where, err := c.WhereNew(project)
	if err != nil {
		return paas.App{}, err
	}
	for _, a := range []access.Action{access.AppCreate, access.GitWrite} {
		if access.Authorize(by, a, where) != nil {
			return paas.App{}, &paas.Error{Kind: paas.NotFound, Msg: access.Absent("app", name).Message(), Hint: "create it first: cloudsania apps create " + name}
		}
	}
	p, err := c.CreateApp(ctx, by, NewApp{Name: short, Project: project})
	return p.App, err
}
