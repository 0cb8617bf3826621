package control

import (
	"fmt"
	"strings"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/store"
)

// Found is what a name led to. The zero value is nothing: its Resource is then absent.
type Found struct {
	App        paas.App
	Deployment paas.Deployment // when a deployment was asked for
	Resource   access.Resource
}

// FindApp resolves an id, "app" or "project/app". What is not there is an absent resource and no error, so that the gate answers it like
// what may not be seen. A short name that several apps have is judged among those that by may see; Conflict when there are several.
func (c *Control) FindApp(by access.Principal, asked string) (found Found, err error) {
	err = c.store.View(func(t *store.Tx) error {
		found, err = findApp(t, by, asked)
		return err
	})
	return found, err
}

func findApp(t *store.Tx, by access.Principal, asked string) (Found, error) {
	app, err := lookUp(t, asked)
	if paas.IsKind(err, paas.Conflict) {
		app, err = onlyVisible(t, by, asked)
	}
	if paas.IsKind(err, paas.NotFound) {
		return Found{Resource: access.Absent("app", asked)}, nil
	}
	if err != nil {
		return Found{}, err
	}
	path, err := t.PathOf(app.ID)
	return Found{App: app, Resource: access.Resource{Kind: "app", Asked: asked, Path: path}}, err
}

func lookUp(t *store.Tx, asked string) (paas.App, error) {
	if paas.IsID("app", asked) {
		return t.App(asked)
	}
	return t.FindApp(asked)
}

// onlyVisible picks the one app of that short name that by may see. Conflict names those that they see, when there are several.
func onlyVisible(t *store.Tx, by access.Principal, name string) (paas.App, error) {
	apps, err := t.Apps()
	if err != nil {
		return paas.App{}, err
	}
	var seen []paas.App
	var full []string
	for _, a := range apps {
		if a.Name != name {
			continue
		}
		path, err := t.PathOf(a.ID)
		if err != nil {
			return paas.App{}, err
		}
		if !by.Sees(path) {
			continue
		}
		project, err := t.Project(a.Project)
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

// FindDeployment resolves a deployment's id; it is as visible as its app.
func (c *Control) FindDeployment(asked string) (found Found, err error) {
	found.Resource = access.Absent("deployment", asked)
	if !paas.IsID("dep", asked) {
		return found, nil
	}
	err = c.store.View(func(t *store.Tx) error {
		dep, err := t.Deployment(asked)
		if paas.IsKind(err, paas.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		app, err := t.App(dep.App)
		if err != nil {
			return err
		}
		path, err := t.PathOf(dep.App)
		found = Found{App: app, Deployment: dep, Resource: access.Resource{Kind: "deployment", Asked: asked, Path: path}}
		return err
	})
	return found, err
}

// Team is the one that owns this installation.
func (c *Control) Team() (paas.Team, error) { return c.store.Team() }

// Installation is the whole of it as a resource: only a scope of the team contains it.
func (c *Control) Installation() (access.Resource, error) {
	team, err := c.store.Team()
	return access.Resource{Kind: "page", Asked: "system", Path: paas.Path{Team: team.ID}}, err
}

// WhereNew is where a new app of that project would be: the project if it is there, else the client that gets a new one.
func (c *Control) WhereNew(project string) (r access.Resource, err error) {
	err = c.store.View(func(t *store.Tx) error {
		r, err = whereNew(t, project)
		return err
	})
	return r, err
}

func whereNew(t *store.Tx, project string) (access.Resource, error) {
	clients, err := t.Clients()
	if err != nil {
		return access.Resource{}, err
	}
	client := clients[0] // the default one: the choice of another comes with clients of agencies
	r := access.Resource{Kind: "project", Asked: project, Path: paas.Path{Team: client.Team, Client: client.ID}}
	projects, err := t.Projects()
	for _, p := range projects {
		if p.Name == project && p.Client == client.ID {
			r.Path.Project = p.ID
		}
	}
	return r, err
}

// PlaceIn finds an app in its project's environment of that name; "" is production. NotFound when the app is not in it.
func (c *Control) PlaceIn(app, environment string) (p Place, err error) {
	err = c.store.View(func(t *store.Tx) error {
		target, err := t.Target(app, environment)
		if err != nil {
			return err
		}
		p, err = placeOf(t, target)
		return err
	})
	return p, err
}

// PlaceOf is where a target is.
func (c *Control) PlaceOf(target paas.Target) (p Place, err error) {
	err = c.store.View(func(t *store.Tx) error {
		p, err = placeOf(t, target)
		return err
	})
	return p, err
}
