package control

import (
	"slices"
	"testing"

	"github.com/cloudsania/cloudsania/paas"
)

func TestChangeVariables(t *testing.T) {
	r := newRig(t)
	p := r.app("shop")
	change := func(in VariableChange) *paas.Deployment {
		t.Helper()
		dep, err := r.ChangeVariables(t.Context(), r.owner, p.Target(), in)
		r.must(err)
		return dep
	}
	one := setting(map[string]string{"A": "1"})
	if dep := change(VariableChange{Set: one}); dep != nil {
		t.Errorf("nothing is live, and yet %+v", dep)
	}
	rel := r.goLive(p, git("https://example.com/shop"))
	r.wokenFor()

	if dep := change(VariableChange{Set: one}); dep != nil {
		t.Errorf("the same value makes a release: %+v", dep)
	}
	if dep := change(VariableChange{Set: setting(map[string]string{"A": "2"}), Hold: true}); dep != nil {
		t.Errorf("told to hold, and yet %+v", dep)
	}
	r.wokenFor()
	live, err := r.store.Release(rel.ID)
	r.must(err)
	dep := change(VariableChange{Set: setting(map[string]string{"A": "3"})})
	if dep == nil || dep.Source.Kind != paas.SourceConfig || dep.Source.Build != live.Build {
		t.Errorf("a variable of the run: %+v", dep)
	}
	r.wokenFor("queued config, 0 superseded")

	yes := true
	dep = change(VariableChange{Set: []SetVariable{{Name: "A", Build: &yes}}})
	if dep == nil || !dep.Intent.NewestConfiguration {
		t.Errorf("a mark for the build: %+v", dep)
	}
	r.wokenFor("queued config, 1 superseded")
	vars, err := r.Variables(r.owner, p.Target())
	if err != nil || len(vars) != 1 || vars[0].Value.Reveal() != "3" || !vars[0].Build {
		t.Errorf("the mark alone changed %+v, %v", vars, err)
	}
	change(VariableChange{Set: []SetVariable{{Name: "EMPTY"}}, Unset: []string{"A"}, Hold: true})
	vars, err = r.Variables(r.owner, p.Target())
	if err != nil || len(vars) != 1 || vars[0].Name != "EMPTY" || !vars[0].Value.IsZero() || vars[0].Build {
		t.Errorf("%+v, %v", vars, err)
	}
}

func TestChangeVariablesRefuses(t *testing.T) {
	r := newRig(t)
	p := r.app("shop")
	r.set(p, map[string]string{"KEPT": "1"})
	good := setting(map[string]string{"A": "1"})
	for what, tt := range map[string]struct {
		in    VariableChange
		kind  paas.Kind
		field string
	}{
		"nothing":     {VariableChange{}, paas.Invalid, "set"},
		"a bad name":  {VariableChange{Set: append(setting(map[string]string{"a-b": "1"}), good...)}, paas.Invalid, "name"},
		"our own":     {VariableChange{Set: append(setting(map[string]string{"CLOUDSANIA_X": "1"}), good...)}, paas.Invalid, "name"},
		"one not set": {VariableChange{Set: good, Unset: []string{"NONE"}}, paas.NotFound, "name"},
	} {
		_, err := r.ChangeVariables(t.Context(), r.owner, p.Target(), tt.in)
		fails(t, what, err, tt.kind, tt.field)
	}
	vars, err := r.Variables(r.owner, p.Target())
	if err != nil || len(vars) != 1 || vars[0].Name != "KEPT" {
		t.Errorf("a refused change left %+v, %v", vars, err)
	}
}

func TestProvide(t *testing.T) {
	given := map[string]paas.Secret{"GIVEN": paas.NewSecret("mine"), "BLANK": {}}
	got := Provide([]paas.Needed{
		{Name: "GIVEN", Generate: true, Default: "d"},
		{Name: "BLANK", Default: "d"},
		{Name: "MADE", Generate: true, Default: "d"},
		{Name: "DEFAULT", Default: "d"},
		{Name: "NONE", Required: true},
		{Name: "PORT", Default: "80"},
	}, given)
	want := map[string]string{"GIVEN": "mine", "BLANK": "d", "DEFAULT": "d"}
	var names []string
	for _, v := range got {
		names = append(names, v.Name)
		if text := v.Value.Reveal(); v.Name != "MADE" && text != want[v.Name] || v.Name == "MADE" && len(text) < 32 {
			t.Errorf("%s is %q", v.Name, text)
		}
	}
	if !slices.Equal(names, []string{"GIVEN", "BLANK", "MADE", "DEFAULT"}) {
		t.Errorf("provides %q", names)
	}
}

func TestWanted(t *testing.T) {
	r := newRig(t)
	p := r.app("shop")
	r.set(p, map[string]string{"SET": "1"})
	s, err := r.App(r.owner, p.Target())
	r.must(err)
	if got, err := r.Wanted(r.owner, s); err != nil || len(got) != 0 {
		t.Errorf("nothing is live, and yet %+v %v", got, err)
	}
	s.Build = &paas.Build{Plan: paas.Plan{Missing: []paas.Needed{
		{Name: "SET", Required: true}, {Name: "REQUIRED", Required: true, Default: "d"}, {Name: "PLAIN"}, {Name: "DEFAULT", Default: "d"},
	}}}
	got, err := r.Wanted(r.owner, s)
	if err != nil || len(got) != 2 || got[0].Name != "REQUIRED" || got[1].Name != "PLAIN" {
		t.Errorf("%+v %v", got, err)
	}
}
