package server

import (
	"context"
	"net/http"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/store"
)

const gitPath = "/git/*"

// gitRoutes hand everything below /git/ to the git remote, which asks Doors.AuthorizeGit for each repository. It asks for a token from the
// start: git sends one only when it is asked, and the administrator may have made one before there is an owner.
func gitRoutes() []Route {
	var out []Route
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		out = append(out, Route{Method: method, Path: gitPath, Action: access.GitOpen, Resource: nowhere, Handle: (*Server).serveGit, Stream: true, Raw: true, Unclaimed: true})
	}
	return out
}

func (s *Server) serveGit(c *Call) error {
	s.Git.ServeHTTP(c.Response().Writer, c.Request())
	return nil
}

// AuthorizeGit finds the app of a repository for whoever holds token, and checks that they may fetch (or push, with write). A push to an
// app that is not there makes it when they may; what they may not see looks like what is not there.
func (d *Doors) AuthorizeGit(ctx context.Context, r *http.Request, token paas.Secret, name string, write bool) (paas.App, paas.Actor, error) {
	p, err := d.Auth.Token(token, addrOf(r))
	if err != nil {
		return paas.App{}, paas.Actor{}, err
	}
	action := access.GitRead
	if write {
		action = access.GitWrite
	}
	app, res, err := d.findApp(p, name)
	if err != nil {
		return app, p.Actor(), err
	}
	err = access.Authorize(p, action, res)
	if write && paas.IsKind(err, paas.NotFound) {
		app, err = d.createForPush(ctx, p, name)
	}
	return app, p.Actor(), err
}

// createForPush makes the app that somebody pushed to. To who may not, a foreign app of that name and none at all are the same refusal.
func (d *Doors) createForPush(ctx context.Context, p access.Principal, name string) (paas.App, error) {
	project, short := paas.SplitName(name)
	res, err := d.newAppResource(project)
	if err != nil {
		return paas.App{}, err
	}
	refused := &paas.Error{Kind: paas.NotFound, Msg: access.Absent("app", name).Message(), Hint: "create it first: cloudsania apps create " + name}
	for _, a := range []access.Action{access.AppCreate, access.GitWrite} {
		if access.Authorize(p, a, res) != nil {
			return paas.App{}, refused
		}
	}
	return d.createApp(ctx, p.Actor(), store.NewApp{Name: short, Project: project})
}

// createApp makes an app whose network keeps away from those that this machine has already.
func (d *Doors) createApp(ctx context.Context, by paas.Actor, in store.NewApp) (paas.App, error) {
	if d.Subnets != nil {
		if used, err := d.Subnets(ctx); err == nil { // Docker being away is no reason: the pool was chosen to be free
			in.Avoid = used
		}
	}
	return d.Store.CreateApp(by, in)
}
