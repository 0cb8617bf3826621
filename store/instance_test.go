package store

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"strings"
	"testing"

	"github.com/cloudsania/cloudsania/paas"
)

// A stale table of an edge may still name an address that was just given up: it must rest for as long as the subnet allows.
func TestAddressesGoRoundTheSubnet(t *testing.T) {
	s := opened(t)
	w := newSite(t, s, "shop")
	dep, _ := w.begun(t)
	subnet := got(s.Environment(w.target.Environment))(t).Subnet
	gateway, broadcast := subnet.Addr().Next(), netip.MustParseAddr("10.202.0.63")
	resting := got(s.NewInstance(dep.ID, "web"))(t)
	must(t, s.InstanceGone(resting.ID))
	held := got(s.NewInstance(dep.ID, "web"))(t)
	var last netip.Addr
	for i := range 59 { // of 61
		inst := got(s.NewInstance(dep.ID, "web"))(t)
		if inst.Addr == resting.Addr || inst.Addr == held.Addr || inst.Addr == gateway || inst.Addr == broadcast || !subnet.Contains(inst.Addr) || inst.Addr == last {
			t.Fatalf("instance %d got %v", i, inst.Addr)
		}
		last = inst.Addr
		must(t, s.InstanceGone(inst.ID))
	}
	if inst := got(s.NewInstance(dep.ID, "web"))(t); inst.Addr != resting.Addr {
		t.Fatalf("after a whole round: %v", inst.Addr)
	}
	if inst := got(s.NewInstance(dep.ID, "web"))(t); inst.Addr == held.Addr {
		t.Fatal("an address in use was handed out")
	}
}

func TestAllAddressesInUse(t *testing.T) {
	s := opened(t)
	w := newSite(t, s, "shop")
	dep, _ := w.begun(t)
	seen := map[netip.Addr]bool{}
	var some string
	for range 61 {
		inst := got(s.NewInstance(dep.ID, "worker"))(t)
		seen[inst.Addr], some = true, inst.ID
	}
	if len(seen) != 61 {
		t.Fatalf("%d addresses", len(seen))
	}
	_, err := s.NewInstance(dep.ID, "web")
	wantKind(t, err, paas.Conflict)
	must(t, s.InstanceGone(some))
	got(s.NewInstance(dep.ID, "web"))(t)
}

// Two apps of one environment share its subnet, and two environments share nothing.
func TestAddressesWithinAnEnvironment(t *testing.T) {
	s := opened(t)
	a := newSite(t, s, "shop")
	api := got(s.CreateApp(anna, NewApp{Name: "back", Project: "shop"}))(t)
	b := site{s, api, got(s.Target(api.ID, ""))(t)}
	_, one := a.deploy(t)
	_, two := b.deploy(t)
	if a.target.Environment != b.target.Environment || one.Addr == two.Addr {
		t.Fatalf("%v %v", one.Addr, two.Addr)
	}
	_, three := newSite(t, s, "other").deploy(t)
	if got(s.Environment(a.target.Environment))(t).Subnet.Contains(three.Addr) {
		t.Fatal("an address of another environment's network")
	}
}

func TestStaticInstanceIsADirectory(t *testing.T) {
	s := opened(t)
	w := newSite(t, s, "site")
	dep, _, err := s.QueueDeployment(anna, w.target, paas.Source{})
	must(t, err)
	must(t, s.BeginDeployment(dep.ID))
	b := paas.Build{ID: paas.NewID("bld"), App: w.app.ID, Tree: "sha256:0", Plan: paas.Plan{Language: "static", Static: &paas.Static{Dir: ".", SPA: true}}}
	must(t, s.RecordBuild(dep.ID, b))
	got(s.MakeRelease(dep.ID, ReleaseFrom{Build: b.ID}))(t)
	inst := got(s.NewInstance(dep.ID, "web"))(t)
	if inst.Addr.IsValid() || inst.Dir != b.ID || !inst.SPA {
		t.Fatalf("%+v", inst)
	}
	got(s.Activate(dep.ID, []string{inst.ID}))(t)
	if up := got(s.Table())(t).Routes[0].Upstreams; len(up) != 1 || up[0].Dir != b.ID || !up[0].SPA || up[0].Addr.IsValid() {
		t.Fatalf("%+v", up)
	}
}

func TestACopyOfWhatIsLive(t *testing.T) {
	s := opened(t)
	site := newSite(t, s, "shop")
	if _, err := s.NewCopy(site.target, "web"); !paas.IsKind(err, paas.Conflict) {
		t.Fatalf("a copy before anything is live: %v", err)
	}
	dep, first := site.deploy(t)
	inst := got(s.NewCopy(site.target, "web"))(t)
	if inst.Release != first.Release || inst.Deployment != "" || inst.State != paas.Starting || !inst.Addr.IsValid() || inst.Addr == first.Addr {
		t.Fatalf("%+v beside %+v", inst, first)
	}
	must(t, s.UpdateInstance(inst.ID, func(i *paas.Instance) error { i.Port, i.State = 8080, paas.Live; return nil }))
	if table := got(s.Table())(t); len(table.Routes[0].Upstreams) != 2 || table.Generation <= dep.Generation {
		t.Fatalf("%+v", table)
	}
}

func TestUpdateInstanceIsBounded(t *testing.T) {
	s := opened(t)
	_, inst := newSite(t, s, "shop").deploy(t)
	for name, change := range map[string]func(*paas.Instance){
		"address":     func(i *paas.Instance) { i.Addr = i.Addr.Next() },
		"app":         func(i *paas.Instance) { i.App = "app_x" },
		"release":     func(i *paas.Instance) { i.Release = "rel_x" },
		"environment": func(i *paas.Instance) { i.Environment = "env_x" },
	} {
		if err := s.UpdateInstance(inst.ID, func(i *paas.Instance) error { change(i); return nil }); err == nil {
			t.Errorf("%s changed", name)
		}
	}
	before := got(s.Table())(t)
	must(t, s.UpdateInstance(inst.ID, func(i *paas.Instance) error { i.Port = 3000; return nil }))
	after := got(s.Table())(t)
	if after.Generation != before.Generation+1 || after.Routes[0].Upstreams[0].Addr.Port() != 3000 {
		t.Fatalf("%+v", after)
	}
	must(t, s.UpdateInstance(inst.ID, func(i *paas.Instance) error { i.State = paas.Draining; return nil }))
	if i := got(s.Instance(inst.ID))(t); i.DrainGeneration != after.Generation+1 || i.DrainedFrom.IsZero() {
		t.Fatalf("%+v", i)
	}
	if table := got(s.Table())(t); table.Generation != after.Generation+1 || len(table.Routes[0].Upstreams) != 0 || len(table.Draining) != 1 {
		t.Fatalf("%+v", table)
	}
}

// Two targets must never answer on one host, whatever they are called and whatever domains they are given.
func TestTableGivesAHostToOneTarget(t *testing.T) {
	s := opened(t)
	a, b := newSite(t, s, "a"), newSite(t, s, "b")
	staging := got(s.AddToEnvironment(anna, a.app.ID, "staging", nil))(t)
	wantKind(t, b.setDomains("a.example.com"), paas.Conflict)
	wantKind(t, b.setDomains("a--staging.example.com"), paas.Conflict)
	must(t, b.setDomains("www.b.test", "c.example.com", "b.example.com"))
	wantKind(t, a.setDomains("b.example.com"), paas.Conflict)
	_, err := s.CreateApp(anna, NewApp{Name: "c"})
	wantKind(t, err, paas.Conflict)
	wantKind(t, s.RenameApp(anna, a.app.ID, "c"), paas.Conflict)

	wantHosts(t, s, map[paas.Target]string{a.target: "a.example.com", staging: "a--staging.example.com",
		b.target: "b.example.com c.example.com www.b.test"})
	must(t, b.setDomains("www.b.test"))
	must(t, s.RenameApp(anna, a.app.ID, "c"))
	wantHosts(t, s, map[paas.Target]string{a.target: "c.example.com", staging: "c--staging.example.com", b.target: "b.example.com www.b.test"})
	must(t, a.setDomains("c.example.net"))
	must(t, s.SaveSettings(paas.Settings{Pool: pool, Domain: "example.net"}))
	wantHosts(t, s, map[paas.Target]string{a.target: "c.example.net", staging: "c--staging.example.net", b.target: "b.example.net www.b.test"})
	must(t, s.SaveSettings(paas.Settings{Pool: pool, Domain: "example.com"}))
	wantHosts(t, s, map[paas.Target]string{a.target: "c.example.com c.example.net", staging: "c--staging.example.com", b.target: "b.example.com www.b.test"})
	got(s.DeleteApp(anna, a.app.ID))(t)
	wantHosts(t, s, map[paas.Target]string{b.target: "b.example.com www.b.test"})
	if h := got(s.Host("WWW.b.test."))(t); h.Kind != paas.HostOwn || h.Owner != b.target || h.Seq == 0 {
		t.Errorf("%+v", h)
	}
	if n := got(s.NewGeneration())(t); n != got(s.Table())(t).Generation {
		t.Fatal("another generation")
	}
	if name := got(s.Table())(t).Routes[0].Name; strings.Contains(name, "/") {
		t.Fatalf("an invisible project is shown: %q", name)
	}
}

// wantHosts compares the hosts of the whole table.
func wantHosts(t *testing.T, s *Store, want map[paas.Target]string) {
	t.Helper()
	have := map[paas.Target]string{}
	for _, r := range got(s.Table())(t).Routes {
		have[paas.Target{App: r.App, Environment: r.Environment}] = strings.Join(r.Hosts, " ")
	}
	if !maps.Equal(have, want) {
		t.Errorf("%v\nwant %v", have, want)
	}
}

// What is gone is remembered for a while only, each target by itself; what is not gone stays.
func TestGoneInstancesEnd(t *testing.T) {
	s := opened(t)
	shop, blog := newSite(t, s, "shop"), newSite(t, s, "blog")
	many := goneKept + 20
	var ids []string
	must(t, s.update(func(tx *Tx) error {
		var err error
		for i := range many {
			n := got(tx.next())(t)
			inst := paas.Instance{ID: fmt.Sprintf("ins_%03d", i), App: shop.app.ID, Environment: shop.target.Environment, State: paas.Gone, Life: paas.Life{Seq: n}}
			other := paas.Instance{ID: fmt.Sprintf("ins_b%d", i), App: blog.app.ID, Environment: blog.target.Environment, State: paas.Live}
			if i < 3 {
				other.State, other.Seq = paas.Gone, n
			}
			ids = append(ids, inst.ID)
			err = errors.Join(err, tx.putInstance(inst), tx.putInstance(other))
		}
		return err
	}))
	for i, id := range ids {
		_, err := s.Instance(id)
		if known := err == nil; known != (i >= many-goneKept) {
			t.Fatalf("instance %d of %d: %v", i, many, err)
		}
	}
	if gone, live := got(s.Instances(paas.Gone))(t), got(s.Instances(paas.Live))(t); len(gone) != goneKept+3 || len(live) != many-3 {
		t.Errorf("%d gone, %d live", len(gone), len(live))
	}
	got(s.DeleteApp(anna, shop.app.ID))(t)
	if gone := got(s.Instances(paas.Gone))(t); len(gone) != 3 {
		t.Errorf("%d are left after the app was deleted", len(gone))
	}
	must(t, s.Check())
}
