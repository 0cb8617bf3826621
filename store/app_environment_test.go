package store

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cloudsania/cloudsania/paas"
)

func (w site) setDomains(domains ...string) error {
	return w.s.UpdateAppEnvironment(anna, w.target, func(p *paas.AppEnvironment) error { p.Domains = domains; return nil })
}

func TestDomainBelongsToOneTarget(t *testing.T) {
	s := opened(t)
	a, b := newSite(t, s, "a"), newSite(t, s, "b")
	must(t, a.setDomains("Shop.Example.com.", "shop.example.com", "www.shop.test"))
	if p := got(s.AppEnvironment(a.target))(t); strings.Join(p.Domains, " ") != "shop.example.com www.shop.test" {
		t.Fatalf("%v", p.Domains)
	}
	wantKind(t, b.setDomains("SHOP.example.com"), paas.Conflict)
	if owner, ok, err := s.HostOwner("shop.EXAMPLE.com."); err != nil || !ok || owner != a.target {
		t.Fatalf("%+v %v %v", owner, ok, err)
	}
	must(t, a.setDomains("www.shop.test"))
	must(t, b.setDomains("shop.example.com"))
	if _, ok, _ := s.HostOwner("none.example.com"); ok {
		t.Fatal("an owner of nothing")
	}
	must(t, a.setDomains())
	must(t, b.setDomains("shop.example.com", "www.shop.test"))
}

func TestAppEnvironmentIsChecked(t *testing.T) {
	w := newSite(t, opened(t), "shop")
	for _, bad := range []string{"", "localhost", "10.0.0.1", "a b.com", "-a.com", "*.example.com", "http://a.com", strings.Repeat("a.", 130) + "com", "exämple.com"} {
		wantKind(t, w.setDomains(bad), paas.Invalid)
	}
	var many []string
	for i := range maxDomains + 1 {
		many = append(many, fmt.Sprintf("d%d.example.com", i))
	}
	wantKind(t, w.setDomains(many...), paas.Invalid)
	for name, change := range map[string]func(*paas.AppEnvironment){
		"negative memory": func(p *paas.AppEnvironment) { p.Limits.MemoryMB = -1 },
		"negative copies": func(p *paas.AppEnvironment) { p.SetScale(map[string]int{"web": -1}) },
		"too many copies": func(p *paas.AppEnvironment) { p.SetScale(map[string]int{"web": 1000}) },
		"live release":    func(p *paas.AppEnvironment) { p.Traffic = []paas.Share{{Release: "rel_x", Weight: 1}} },
		"version":         func(p *paas.AppEnvironment) { p.VarsVersion++ },
		"target":          func(p *paas.AppEnvironment) { p.App = "app_x" },
	} {
		if err := w.s.UpdateAppEnvironment(anna, w.target, func(p *paas.AppEnvironment) error { change(p); return nil }); !paas.IsKind(err, paas.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	must(t, w.s.UpdateAppEnvironment(anna, w.target, func(p *paas.AppEnvironment) error {
		p.Limits.MemoryMB = 256
		p.SetScale(map[string]int{"web": 2})
		return nil
	}))
	if p := got(w.s.AppEnvironment(w.target))(t); p.Limits.MemoryMB != 256 || p.Scale()["web"] != 2 {
		t.Fatalf("%+v", p)
	}
	_, err := w.s.AppEnvironment(paas.Target{App: w.app.ID, Environment: "env_none"})
	wantKind(t, err, paas.NotFound)
}

func TestVariables(t *testing.T) {
	s := opened(t)
	w := newSite(t, s, "shop")
	set := func(vars []paas.Variable, unset ...string) error { return s.SetVariables(anna, w.target, vars, unset) }
	variable := func(name, value string) []paas.Variable {
		return []paas.Variable{{Name: name, Value: paas.NewSecret(value)}}
	}
	version := func() int { return got(s.AppEnvironment(w.target))(t).VarsVersion }
	if vars := got(s.Variables(w.target))(t); len(vars) != 0 {
		t.Fatal("variables of nothing")
	}
	odd := "bytes \xff\xfe, lines\n, and \u00e4"
	must(t, set(append(variable("B", "2"), variable("A", odd)...)))
	must(t, set(variable("B", "2")))
	if v := version(); v != 1 {
		t.Fatalf("version %d: setting the same is no change", v)
	}
	vars := got(s.Variables(w.target))(t)
	if len(vars) != 2 || vars[0].Name != "A" || vars[0].Value.Reveal() != odd {
		t.Fatalf("%v", variableNames(vars))
	}
	wantKind(t, set(nil, "NONE"), paas.NotFound)
	must(t, set(variable("C", "3"), "A"))
	if vars := got(s.Variables(w.target))(t); strings.Join(variableNames(vars), " ") != "B C" || version() != 2 {
		t.Fatalf("%v", variableNames(vars))
	}
	for name, c := range map[string]struct {
		vars []paas.Variable
		kind paas.Kind
	}{
		"name":      {variable("1A", "x"), paas.Invalid},
		"ours":      {variable("PORT", "x"), paas.Invalid},
		"zero byte": {variable("Z", "a\x00b"), paas.Invalid},
		"large":     {variable("L", strings.Repeat("x", maxVariableBytes+1)), paas.TooLarge},
		"many":      {manyVariables(maxVariables, 1), paas.TooLarge},
		"together":  {manyVariables(30, 60_000), paas.TooLarge},
	} {
		if err := set(c.vars); !paas.IsKind(err, c.kind) {
			t.Errorf("%s: %v", name, err)
		}
	}
	must(t, set(manyVariables(10, 60_000)))
	e := got(s.Events(EventFilter{Subject: w.app.ID, Limit: 2}))(t)[1]
	if e.Action != "variables.changed" || e.Detail["set"] != "C" || e.Detail["unset"] != "A" {
		t.Fatalf("%+v", e)
	}
}

func manyVariables(n, size int) []paas.Variable {
	var vars []paas.Variable
	for i := range n {
		vars = append(vars, paas.Variable{Name: fmt.Sprintf("V%d", i), Value: paas.NewSecret(strings.Repeat("x", size))})
	}
	return vars
}
