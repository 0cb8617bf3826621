package store

import (
	"fmt"
	"net/netip"
	"sort"

	"github.com/cloudsania/cloudsania/paas"
)

// Project by id.
func (t *Tx) Project(id string) (paas.Project, error) { return get[paas.Project](t, projectBucket, id) }

// Projects of all clients, by age.
func (t *Tx) Projects() ([]paas.Project, error) { return byAge[paas.Project](t, projectBucket) }

// Environment by id.
func (t *Tx) Environment(id string) (paas.Environment, error) {
	r, err := get[environmentRecord](t, environmentBucket, id)
	return r.Environment, err
}

// Environments of a project, production first, then by name.
func (t *Tx) Environments(project string) ([]paas.Environment, error) {
	if _, err := t.Project(project); err != nil {
		return nil, err
	}
	var out []paas.Environment
	err := each(t, environmentNameBucket, path(project, ""), func(_, id string) error {
		env, err := t.Environment(id)
		out = append(out, env)
		return err
	})
	sort.SliceStable(out, func(i, j int) bool { return out[i].Name == paas.Production && out[j].Name != paas.Production })
	return out, err
}

// Target finds an app in its project's environment of that name; "" is production. NotFound when the app is not in it.
func (t *Tx) Target(app, environment string) (paas.Target, error) {
	if environment == "" {
		environment = paas.Production
	}
	a, err := t.App(app)
	if err != nil {
		return paas.Target{}, err
	}
	id, ok, err := find[string](t, environmentNameBucket, path(a.Project, environment))
	if err != nil {
		return paas.Target{}, err
	}
	out := paas.Target{App: a.ID, Environment: id}
	if !ok || !t.has(appEnvironmentBucket, targetKey(out)) {
		return out, &paas.Error{Kind: paas.NotFound, Field: "environment",
			Msg: fmt.Sprintf("%q is not in an environment %q", a.Name, paas.Clip(environment, 60))}
	}
	return out, nil
}

// PathIn is where an app in an environment hangs in the hierarchy.
func (t *Tx) PathIn(target paas.Target) (paas.Path, error) {
	at, err := t.PathOf(target.App)
	at.Environment = target.Environment
	return at, err
}

// PathOf is where an app hangs in the hierarchy, in any environment.
func (t *Tx) PathOf(app string) (paas.Path, error) {
	a, err := t.App(app)
	if err != nil {
		return paas.Path{}, err
	}
	at, err := t.projectPath(a.Project)
	at.App = a.ID
	return at, err
}

// environmentRecord adds the address that was handed out last: addresses go round the subnet, so that one is not used again at once.
type environmentRecord struct {
	paas.Environment
	LastAddr netip.Addr
}

func (t *Tx) projectPath(project string) (paas.Path, error) {
	p, err := get[paas.Project](t, projectBucket, project)
	if err != nil {
		return paas.Path{}, err
	}
	c, err := get[paas.Client](t, clientBucket, p.Client)
	return paas.Path{Team: c.Team, Client: c.ID, Project: p.ID}, err
}

// ensureProject finds a client's project by name, or makes it.
func (t *Tx) ensureProject(client, name string) (paas.Project, error) {
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
	life, err := t.born()
	if err != nil {
		return paas.Project{}, err
	}
	p := paas.Project{ID: paas.NewID("prj"), Client: client, Name: name, Created: t.now, Life: life}
	if err := t.put(projectNameBucket, path(client, name), p.ID); err != nil {
		return p, err
	}
	return p, t.put(projectBucket, p.ID, p)
}

// ensureEnvironment finds a project's environment by name, or makes it with a subnet of its own.
func (t *Tx) ensureEnvironment(project, name string, avoid []netip.Prefix) (paas.Environment, error) {
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
	life, err := t.born()
	if err != nil {
		return paas.Environment{}, err
	}
	e := paas.Environment{ID: paas.NewID("env"), Project: project, Name: name, Kind: paas.KindOfEnvironment(name), Created: t.now, Life: life}
	if e.Subnet, err = t.takeSubnet(avoid); err != nil {
		return e, err
	}
	if err := t.put(environmentNameBucket, path(project, name), e.ID); err != nil {
		return e, err
	}
	return e, t.put(environmentBucket, e.ID, environmentRecord{Environment: e})
}
