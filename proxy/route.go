package proxy

import (
	"sync/atomic"

	"github.com/cloudsania/cloudsania/paas"
)

// router is one table, made ready for looking up. It never changes once it is in force; a new table is a new router.
type router struct {
	table     paas.Table
	targets   map[string]*target // by normalised host
	dashboard []string           // normalised, in the table's order
	skipped   []string           // hosts of the table that are invalid, or belong to another route already
}

// target is where a host's requests go: to control when route is nil.
type target struct {
	route *route
}

type route struct {
	name      string
	upstreams []upstream
	next      atomic.Uint32
}

// upstream is a live instance as a route names it.
type upstream struct {
	paas.Upstream
	in *instance
}

// newRouter never fails: what it cannot use it skips, since the rest of the table is other people's traffic.
func newRouter(table paas.Table, all *instances) *router {
	rt := &router{table: table, targets: map[string]*target{}}
	dashboard := &target{}
	for _, h := range table.Dashboard {
		if host, ok := rt.add(h, dashboard); ok {
			rt.dashboard = append(rt.dashboard, host)
		}
	}
	for _, r := range table.Routes {
		t := &target{route: &route{name: r.Name}}
		for _, u := range r.Upstreams {
			if u.Instance == "" || (!u.Addr.IsValid() && !paas.IsID("bld", u.Dir)) {
				rt.skipped = append(rt.skipped, r.Name+" "+u.Instance)
				continue
			}
			t.route.upstreams = append(t.route.upstreams, upstream{Upstream: u, in: all.get(u.Instance)})
		}
		for _, h := range r.Hosts {
			rt.add(h, t)
		}
	}
	return rt
}

func (rt *router) add(h string, t *target) (string, bool) {
	host, ok := NormalizeHost(h)
	if !ok || (rt.targets[host] != nil && rt.targets[host] != t) {
		rt.skipped = append(rt.skipped, h)
		return "", false
	}
	known := rt.targets[host] != nil
	rt.targets[host] = t
	return host, !known
}

// live and draining are the instances that the table gives new requests to, and those that it only still names.
func (rt *router) live() map[string]bool {
	live := map[string]bool{}
	for _, t := range rt.targets {
		if t.route == nil {
			continue
		}
		for _, u := range t.route.upstreams {
			live[u.Instance] = true
		}
	}
	return live
}

func (rt *router) draining() map[string]bool {
	ids := map[string]bool{}
	for _, id := range rt.table.Draining {
		ids[id] = true
	}
	return ids
}

// pick takes the upstreams in turn, leaving avoid out when there is another.
func (r *route) pick(avoid *instance) (upstream, bool) {
	n := uint32(len(r.upstreams))
	if n == 0 {
		return upstream{}, false
	}
	first := r.next.Add(1)
	for i := range n {
		if u := r.upstreams[(first+i)%n]; u.in != avoid {
			return u, true
		}
	}
	return r.upstreams[first%n], true
}

// claim counts a request on an instance that host's route names. The second look at the table makes "not in the table
// and none active" final: either the count was seen by the reader after the swap, or the swap is seen here. The caller
// releases it.
func (e *Edge) claim(host string, avoid *instance) (upstream, bool) {
	for {
		rt := e.router.Load()
		t := rt.targets[host]
		if t == nil || t.route == nil {
			return upstream{}, false
		}
		up, ok := t.route.pick(avoid)
		if !ok {
			return upstream{}, false
		}
		up.in.active.Add(1)
		if e.router.Load() == rt {
			return up, true
		}
		up.in.release()
	}
}
