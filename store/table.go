package store

import (
	"net/netip"

	"github.com/cloudsania/cloudsania/paas"
)

// Table is what the edge must know, as one consistent state: generation, routes and draining instances; the caller fills in Dashboard and
// TLS.
func (t *Tx) Table() (paas.Table, error) {
	table := paas.Table{Format: paas.TableFormat, Routes: []paas.Route{}, Draining: []string{}}
	var err error
	if table.Generation, err = t.generation(); err != nil {
		return table, err
	}
	hosts, err := t.hostsBy()
	if err != nil {
		return table, err
	}
	err = each(t, appEnvironmentBucket, "", func(_ string, p paas.AppEnvironment) error {
		r, draining, err := t.route(p)
		if err != nil {
			return err
		}
		r.Hosts = hosts[p.Target]
		table.Routes = append(table.Routes, r)
		table.Draining = append(table.Draining, draining...)
		return nil
	})
	return table, err
}

// NewGeneration makes the table's next generation, for a change that the store does not see, such as other TLS settings.
func (t *Tx) NewGeneration() (uint64, error) { return t.bump() }

func (t *Tx) route(p paas.AppEnvironment) (r paas.Route, draining []string, err error) {
	app, err := get[paas.App](t, appBucket, p.App)
	if err != nil {
		return r, nil, err
	}
	project, err := get[paas.Project](t, projectBucket, app.Project)
	if err != nil {
		return r, nil, err
	}
	r = paas.Route{App: p.App, Environment: p.Environment, Name: paas.FullName(app, project), Upstreams: []paas.Upstream{}}
	if p.Live() != "" {
		rel, err := get[paas.Release](t, releaseBucket, p.Live())
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
			up := upstream(inst)
			up.Release, up.Weight = r.Release, 1
			r.Upstreams = append(r.Upstreams, up)
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

// generation is the table's present one; 0 before the first app.
func (t *Tx) generation() (uint64, error) {
	n, _, err := find[uint64](t, metaBucket, "generation")
	return n, err
}

// bump makes the next generation.
func (t *Tx) bump() (uint64, error) { return t.count("generation") }
