package control

import (
	"context"
	"errors"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/paas"
)

func TestCreateApp(t *testing.T) {
	r := newRig(t)
	yes := true
	value := paas.NewSecret("v")
	p, err := r.CreateApp(t.Context(), r.owner, NewApp{
		Name:      "shop",
		Source:    paas.AppSource{URL: " https://example.com/shop "},
		Build:     paas.BuildSettings{Root: "web"},
		Variables: []SetVariable{{Name: "A", Value: &value, Build: &yes}},
	})
	r.must(err)
	if p.App.Name != "shop" || p.App.Source.URL != "https://example.com/shop" || p.App.Build.Root != "web" || p.Project.Name != "shop" ||
		p.Environment.Name != paas.Production || p.Path.App != p.App.ID {
		t.Errorf("%+v", p)
	}
	vars, err := r.Variables(r.owner, p.Target())
	if err != nil || len(vars) != 1 || vars[0].Value != value || !vars[0].Build {
		t.Errorf("%+v %v", vars, err)
	}
	if addr := r.Address(p); addr != "https://shop.cloud.test" {
		t.Errorf("address %q", addr)
	}
	long := strings.Repeat("x", 10_000)
	for what, tt := range map[string]struct {
		in    NewApp
		kind  paas.Kind
		field string
	}{
		"a bad name":          {NewApp{Name: "Shop!"}, paas.Invalid, "name"},
		"a name that is kept": {NewApp{Name: "www"}, paas.Invalid, "name"},
		"no name":             {NewApp{}, paas.Invalid, "name"},
		"the same name":       {NewApp{Name: "shop"}, paas.Conflict, "name"},
		"no repository":       {NewApp{Name: "a", Source: paas.AppSource{URL: "ftp://x"}}, paas.Invalid, "url"},
		"a long branch":       {NewApp{Name: "a", Source: paas.AppSource{Branch: long}}, paas.Invalid, "branch"},
		"a long command":      {NewApp{Name: "a", Build: paas.BuildSettings{BuildCommand: long}}, paas.Invalid, "build_command"},
		"a bad variable":      {NewApp{Name: "a", Variables: []SetVariable{{Name: "PORT", Value: &value}}}, paas.Invalid, "name"},
	} {
		_, err := r.CreateApp(t.Context(), r.owner, tt.in)
		fails(t, what, err, tt.kind, tt.field)
	}
	apps, err := r.Apps(r.owner, "")
	if err != nil || len(apps) != 1 {
		t.Errorf("a refused app is there: %+v %v", apps, err)
	}
	_, err = r.CreateApp(t.Context(), r.only(p), NewApp{Name: "new"})
	fails(t, "a token of another app", err, paas.NotFound, "")
	r.wokenFor()
}

// Docker being away is no reason to make no app; what it says is kept away from.
func TestNewNetworksKeepAwayFromOthers(t *testing.T) {
	r := newRig(t)
	taken := netip.MustParsePrefix("10.99.0.0/24")
	r.subnets = func(context.Context) ([]netip.Prefix, error) { return []netip.Prefix{taken}, nil }
	if p := r.app("a"); p.Environment.Subnet.Overlaps(taken) || !p.Environment.Subnet.IsValid() {
		t.Errorf("network %v", p.Environment.Subnet)
	}
	r.subnets = func(context.Context) ([]netip.Prefix, error) { return nil, errors.New("away") }
	r.app("b")
}

func TestChangeApp(t *testing.T) {
	r := newRig(t)
	p := r.app("shop")
	change := func(in AppChange) (*paas.Deployment, error) {
		t.Helper()
		return r.ChangeApp(t.Context(), r.owner, p.Target(), in)
	}
	state := func() AppState {
		t.Helper()
		s, err := r.App(r.owner, p.Target())
		r.must(err)
		return s
	}
	// before anything is live nothing has to be released
	limits := paas.Limits{MemoryMB: 256}
	if dep, err := change(AppChange{Limits: &limits}); err != nil || dep != nil || state().Config.Limits != limits {
		t.Errorf("%+v %v", dep, err)
	}
	r.goLive(p, git("https://example.com/shop"))
	r.wokenFor()

	same := limits
	if dep, err := change(AppChange{Limits: &same}); err != nil || dep != nil {
		t.Errorf("the same limits: %+v %v", dep, err)
	}
	r.wokenFor()
	limits.MemoryMB = 1024
	if dep, err := change(AppChange{Limits: &limits}); err != nil || dep == nil || dep.Source.Kind != paas.SourceConfig {
		t.Errorf("other limits: %+v %v", dep, err)
	}
	r.wokenFor("queued config, 0 superseded")

	scale := map[string]int{"web": 2}
	if dep, err := change(AppChange{Scale: &scale}); err != nil || dep != nil || state().Config.Scale()["web"] != 2 {
		t.Errorf("more copies: %+v %v", dep, err)
	}
	r.wokenFor()     // deploy watches the store
	scale["web"] = 3 // the caller's map is not the store's
	if n := state().Config.Scale()["web"]; n != 2 {
		t.Errorf("%d copies", n)
	}
	scale["web"] = 2
	_, err := change(AppChange{Scale: &scale})
	r.must(err)
	r.wokenFor()

	name := "store"
	source, build := paas.AppSource{URL: "https://example.com/other ", Branch: "next"}, paas.BuildSettings{HealthPath: "/up"}
	if dep, err := change(AppChange{Name: &name, Source: &source, Build: &build}); err != nil || dep != nil {
		t.Errorf("%+v %v", dep, err)
	}
	s := state()
	if s.App.Name != name || s.App.Source.URL != "https://example.com/other" || s.Config.Branch != "next" || s.Config.Health.Path != "/up" ||
		s.Address != "https://store.cloud.test" {
		t.Errorf("%+v", s)
	}
	_, err = change(AppChange{Name: &name}) // its own name
	r.must(err)
	r.wokenFor()
}

func TestChangeAppRefuses(t *testing.T) {
	r := newRig(t)
	p := r.app("team/shop")
	r.app("team/other")
	r.goLive(p, git("https://example.com/shop"))
	r.woken()
	before, err := r.App(r.owner, p.Target())
	r.must(err)
	bad, taken := "Not A Name", "other"
	good := paas.Limits{MemoryMB: 1024}
	large, small := paas.Limits{MemoryMB: 1 << 20}, paas.Limits{MemoryMB: 1}
	many, odd := map[string]int{"web": 1000}, map[string]int{"": 1}
	for what, tt := range map[string]struct {
		in    AppChange
		kind  paas.Kind
		field string
	}{
		"a bad name":             {AppChange{Name: &bad, Limits: &good}, paas.Invalid, "name"},
		"a taken name":           {AppChange{Name: &taken, Limits: &good}, paas.Conflict, "name"},
		"more than the machine":  {AppChange{Limits: &large}, paas.Invalid, "memory_mb"},
		"too little":             {AppChange{Limits: &small}, paas.Invalid, "memory_mb"},
		"too many copies":        {AppChange{Limits: &good, Scale: &many}, paas.Invalid, "scale"},
		"a process without name": {AppChange{Limits: &good, Scale: &odd}, paas.Invalid, "scale"},
		"no repository":          {AppChange{Limits: &good, Source: &paas.AppSource{URL: "x"}}, paas.Invalid, "url"},
		"a long command": {AppChange{Limits: &good, Build: &paas.BuildSettings{StartCommand: strings.Repeat("x", 10_000)}},
			paas.Invalid, "start_command"},
	} {
		_, err := r.ChangeApp(t.Context(), r.owner, p.Target(), tt.in)
		fails(t, what, err, tt.kind, tt.field)
	}
	r.wokenFor()
	after, err := r.App(r.owner, p.Target())
	if err != nil || !reflect.DeepEqual(after.App, before.App) || after.Config.Limits != before.Config.Limits || len(after.Config.Scale()) != len(before.Config.Scale()) {
		t.Errorf("a refused change left %+v, was %+v (%v)", after, before, err)
	}
}

func TestDeleteApp(t *testing.T) {
	r := newRig(t)
	p := r.app("shop")
	wrong, right := "Shop", "shop"
	fails(t, "another name", r.DeleteApp(t.Context(), r.owner, p.App.ID, &wrong), paas.Invalid, "typed")
	r.wokenFor()
	r.must(r.DeleteApp(t.Context(), r.owner, "shop", &right))
	r.wokenFor("removed " + p.App.ID)
	fails(t, "a second time", r.DeleteApp(t.Context(), r.owner, "shop", nil), paas.NotFound, "")
	if again := r.app("shop"); again.App.ID == p.App.ID {
		t.Error("its name is not free again")
	}
	r.must(r.DeleteApp(t.Context(), access.Principal{Kind: access.Root, Name: "root"}, "shop", nil))
}
