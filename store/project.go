package store

import (
	"fmt"
	"net/netip"
	"sort"

	"github.com/cloudsania/cloudsania/paas"
)

// Project by id.
func (s *Store) Project(id string) (paas.Project, error) {
	return fetch[paas.Project](s, projectBucket, id)
}

// Projects of all clients, by age.
func (s *Store) Projects() ([]paas.Project, error) { return fetchAll[paas.Project](s, projectBucket) }

// Environment by id.
func (s *Store) Environment(id string) (paas.Environment, error) {
	r, err := fetch[environmentRecord](s, environmentBucket, id)
	return r.Environment, err
}

// Environments of a project, production first, then by name.
func (s *Store) Environments(project string) ([]paas.Environment, error) {
	var out []paas.Environment
	err := s.view(func(t *tx) error {
		if _, err := get[paas.Project](t, projectBucket, project); err != nil {
			return err
		}
		return each(t, environmentNameBucket, path(project, ""), func(_, id string) error {
			r, err := get[environmentRecord](t, environmentBucket, id)
			out = append(out, r.Environment)
			return err
		})
	})
	sort.SliceStable(out, func(i, j int) bool { return out[i].Name == paas.Production && out[j].Name != paas.Production })
	return out, err
}

// Target finds an app in its project's environment of that name; "" is production. NotFound when the app is not in it.
func (s *Store) Target(app, environment string) (paas.Target, error) {
	var out paas.Target
	if environment == "" {
		environment = paas.Production
	}
	err := s.view(func(t *tx) error {
		a, err := get[paas.App](t, appBucket, app)
		if err != nil {
			return err
		}
		id, ok, err := find[string](t, environmentNameBucket, path(a.Project, environment))
		if err != nil {
			return err
		}
		out = paas.Target{App: a.ID, Environment: id}
		if !ok || !t.has(appEnvironmentBucket, targetKey(out)) {
			return &paas.Error{Kind: paas.NotFound, Field: "environment",
				Msg: fmt.Sprintf("%q is not in an environment %q", a.Name, paas.Clip(environment, 60))}
		}
		return nil
	})
	return out, err
}

// PathOf is where an app hangs in the hierarchy.
func (s *Store) PathOf(app string) (paas.Path, error) {
	var at paas.Path
	err := s.view(func(t *tx) (err error) { at, err = t.pathOf(app); return err })
	return at, err
}

// environmentRecord adds the address that was handed out last: addresses go round the subnet, so that one is not used again at once.
type environmentRecord struct {
	paas.Environment
	LastAddr netip.Addr
}

func (t *tx) pathOf(app string) (paas.Path, error) {
	a, err := get[paas.App](t, appBucket, app)
	if err != nil {
		return paas.Path{}, err
	}
	at, err := t.projectPath(a.Project)
	at.App = a.ID
	return at, err
}

func (t *tx) projectPath(project string) (paas.Path, error) {
	p, err := get[paas.Project](t, projectBucket, project)
	if err != nil {
		return paas.Path{}, err
	}
	c, err := get[paas.Client](t, clientBucket, p.Client)
	return paas.Path{Team: c.Team, Client: c.ID, Project: p.ID}, err
}

// project finds a client's project by name, or makes it.
func (t *tx) project(client, name string) (paas.Project, error) {
	id, ok, err := find[string](t, projectNameBucket, path(client, name))
	if err != nil {
		return paas.Project{}, err
	}
	if ok {
		return get[paas.Project](t, projectBucket, id)
	}
	if err := paas.CheckName(name); err != nil {
		return paas.Project{}, err
	}
	p := paas.Project{ID: paas.NewID("prj"), Client: client, Name: name, Created: t.now}
	if err := t.put(projectNameBucket, path(client, name), p.ID); err != nil {
		return p, err
	}
	return p, t.put(projectBucket, p.ID, p)
}

// environment finds a project's environment by name, or makes it with a subnet of its own.
func (t *tx) environment(project, name string, avoid []netip.Prefix) (paas.Environment, error) {
	id, ok, err := find[string](t, environmentNameBucket, path(project, name))
	if err != nil {
		return paas.Environment{}, err
	}
	if ok {
		r, err := get[environmentRecord](t, environmentBucket, id)
		return r.Environment, err
	}
	if err := paas.CheckName(name); err != nil {
		return paas.Environment{}, err
	}
	e := paas.Environment{ID: paas.NewID("env"), Project: project, Name: name, Created: t.now}
	if e.Subnet, err = t.takeSubnet(avoid); err != nil {
		return e, err
	}
	if err := t.put(environmentNameBucket, path(project, name), e.ID); err != nil {
		return e, err
	}
	return e, t.put(environmentBucket, e.ID, environmentRecord{Environment: e})
}
