package server

import (
	"fmt"
	"strings"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/paas"
)

// nowhere is for actions that are about no particular thing.
func nowhere(*Server, *Call) (access.Resource, error) { return access.Resource{}, nil }

// installation is the whole of it: only a scope of the team contains it.
func installation(s *Server, _ *Call) (access.Resource, error) {
	team, err := s.Store.Team()
	return access.Resource{Kind: "page", Asked: "system", Path: paas.Path{Team: team.ID}}, err
}

// oneself is the account of whoever asks.
func oneself(_ *Server, c *Call) (access.Resource, error) {
	return access.Resource{Kind: "account", Asked: "me", Owner: c.Principal.User}, nil
}

// theApp is the app of :app, a name or an id.
func theApp(s *Server, c *Call) (access.Resource, error) {
	app, res, err := s.Doors.findApp(c.Principal, c.asked("app"))
	c.App, c.Where = app, res.Path
	return res, err
}

// theDeployment is the deployment of :deployment; it is as visible as its app.
func theDeployment(s *Server, c *Call) (access.Resource, error) {
	asked := c.asked("deployment")
	dep, err := s.Store.Deployment(asked)
	if paas.IsKind(err, paas.NotFound) || !paas.IsID("dep", asked) {
		return access.Absent("deployment", asked), nil
	}
	if err != nil {
		return access.Resource{}, err
	}
	app, err := s.Store.App(dep.App)
	if err != nil {
		return access.Resource{}, err
	}
	path, err := s.Store.PathOf(dep.App)
	c.App, c.Where, c.Deployment = app, path, dep
	return access.Resource{Kind: "deployment", Asked: asked, Path: path}, err
}

// findApp resolves a name or an id. Absent when there is none, and then no error; a short name that several apps have is judged among
// those that p may see, so that a foreign app of the same name never shows.
func (d *Doors) findApp(p access.Principal, asked string) (paas.App, access.Resource, error) {
	app, err := d.lookUp(asked)
	if paas.IsKind(err, paas.Conflict) {
		app, err = d.onlyVisible(p, asked)
	}
	if paas.IsKind(err, paas.NotFound) {
		return paas.App{}, access.Absent("app", asked), nil
	}
	if err != nil {
		return paas.App{}, access.Resource{}, err
	}
	path, err := d.Store.PathOf(app.ID)
	return app, access.Resource{Kind: "app", Asked: asked, Path: path}, err
}

func (d *Doors) lookUp(asked string) (paas.App, error) {
	if paas.IsID("app", asked) {
		return d.Store.App(asked)
	}
	return d.Store.FindApp(asked)
}

// onlyVisible picks the one app of that short name that p may see. Conflict names those that they see, when there are several.
func (d *Doors) onlyVisible(p access.Principal, name string) (paas.App, error) {
	apps, err := d.Store.Apps()
	if err != nil {
		return paas.App{}, err
	}
	var seen []paas.App
	var full []string
	for _, a := range apps {
		path, err := d.Store.PathOf(a.ID)
		if err != nil {
			return paas.App{}, err
		}
		if a.Name != name || !p.Sees(path) {
			continue
		}
		project, err := d.Store.Project(a.Project)
		if err != nil {
			return paas.App{}, err
		}
		seen, full = append(seen, a), append(full, project.Name+"/"+a.Name)
	}
	switch len(seen) {
	case 0:
		return paas.App{}, &paas.Error{Kind: paas.NotFound, Msg: "there is no such app"}
	case 1:
		return seen[0], nil
	}
	return paas.App{}, &paas.Error{Kind: paas.Conflict, Msg: fmt.Sprintf("several apps are named %q", name), Hint: "name one of " + strings.Join(full, ", ")}
}

// newAppResource is where an app of that project would be: the project if it is there, else the client that gets a new one.
func (d *Doors) newAppResource(project string) (access.Resource, error) {
	clients, err := d.Store.Clients()
	if err != nil {
		return access.Resource{}, err
	}
	client := clients[0] // the default one: others are a later matter of choice
	res := access.Resource{Kind: "project", Asked: project, Path: paas.Path{Team: client.Team, Client: client.ID}}
	projects, err := d.Store.Projects()
	for _, p := range projects {
		if p.Name == project && p.Client == client.ID {
			res.Path.Project = p.ID
		}
	}
	return res, err
}

// findTarget resolves the environment that the query names, once the app is known to be visible.
func (s *Server) findTarget(c *Call) error {
	if c.App.ID == "" {
		return nil
	}
	c.EnvName = c.QueryParam("env")
	if c.EnvName == "" {
		c.EnvName = paas.Production
	}
	if c.Deployment.ID != "" {
		env, err := s.Store.Environment(c.Deployment.Environment)
		c.EnvName, c.Target = env.Name, paas.Target{App: c.App.ID, Environment: env.ID}
		return err
	}
	target, err := s.Store.Target(c.App.ID, c.EnvName)
	c.Target = target
	return err
}
