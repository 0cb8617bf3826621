package store

import (
	"net/netip"
	"slices"

	"github.com/cloudsania/cloudsania/paas"
)

// HostsOf names the hosts below the base domain that an app has in an environment.
type HostsOf = func(app paas.App, project paas.Project, env paas.Environment) []string

// Table is what the edge must know, as one consistent state: generation, routes and draining instances; the caller fills in Dashboard and
// TLS. An app's own domains are added to hosts. A host that two targets
// would have stays with the one that owns it as a domain, else with the one whose environment is older.
func (t *Tx) Table(hosts HostsOf) (paas.Table, error) {
	table := paas.Table{Routes: []paas.Route{}, Draining: []string{}}
	var err error
	if table.Generation, err = t.generation(); err != nil {
		return table, err
	}
	taken := map[string]bool{}
	err = each(t, appEnvironmentBucket, "", func(_ string, p paas.AppEnvironment) error {
		r, draining, err := t.route(p, hosts)
		if err != nil {
			return err
		}
		r.Hosts = slices.DeleteFunc(r.Hosts, func(h string) bool {
			if taken[h] || t.ownedByOther(h, p.Target) {
				return true
			}
			taken[h] = true
			return false
		})
		table.Routes = append(table.Routes, r)
		table.Draining = append(table.Draining, draining...)
		return nil
	})
	return table, err
}

// NewGeneration makes the table's next generation, for a change that the store does not see, such as other TLS settings.
func (t *Tx) NewGeneration() (uint64, error) { return t.bump() }

func (t *Tx) route(p paas.AppEnvironment, hosts HostsOf) (r paas.Route, draining []string, err error) {
	app, err := get[paas.App](t, appBucket, p.App)
	if err != nil {
		return r, nil, err
	}
	project, err := get[paas.Project](t, projectBucket, app.Project)
	if err != nil {
		return r, nil, err
	}
	env, err := get[environmentRecord](t, environmentBucket, p.Environment)
	if err != nil {
		return r, nil, err
	}
	r = paas.Route{App: p.App, Environment: p.Environment, Name: app.Name, Upstreams: []paas.Upstream{}}
	if project.Name != app.Name {
		r.Name = project.Name + "/" + app.Name
	}
	for _, h := range append(hosts(app, project, env.Environment), p.Domains...) {
		r.Hosts = append(r.Hosts, normalHost(h))
	}
	if p.Live != "" {
		rel, err := get[paas.Release](t, releaseBucket, p.Live)
		if err != nil {
			return r, nil, err
		}
		r.Release = rel.Number
	}
	all, err := t.InstancesOf(p.Target)
	for _, inst := range all {
		switch {
		case !visible(inst), inst.State == paas.Live && inst.Dir == "" && inst.Port == 0:
		case inst.State == paas.Draining:
			draining = append(draining, inst.ID)
		default:
			r.Upstreams = append(r.Upstreams, upstream(inst))
		}
	}
	return r, draining, err
}

func upstream(i paas.Instance) paas.Upstream {
	if i.Dir != "" {
		return paas.Upstream{Instance: i.ID, Dir: i.Dir, SPA: i.SPA}
	}
	return paas.Upstream{Instance: i.ID, Addr: netip.AddrPortFrom(i.Addr, uint16(i.Port))}
}

// ownedByOther reports whether another target has host as its domain. An unreadable record counts: better no route than a wrong one.
func (t *Tx) ownedByOther(host string, target paas.Target) bool {
	owner, ok, err := find[paas.Target](t, hostBucket, host)
	return err != nil || ok && owner != target
}

// generation is the table's present one; 0 before the first app.
func (t *Tx) generation() (uint64, error) {
	n, _, err := find[uint64](t, metaBucket, "generation")
	return n, err
}

// bump makes the next generation.
func (t *Tx) bump() (uint64, error) { return t.count("generation") }
