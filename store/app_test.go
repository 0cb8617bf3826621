package store

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/cloudsania/cloudsania/paas"
)

func TestCreateAppMakesTheHierarchy(t *testing.T) {
	s := opened(t)
	app := got(s.CreateApp(anna, NewApp{Name: "shop", Source: paas.AppSource{Branch: "live"}, Variables: []paas.Variable{
		{Name: "A", Value: paas.NewSecret("1")}, {Name: "VITE_B", Value: paas.NewSecret("2")}}}))(t)
	if !paas.IsID("app", app.ID) || got(s.AppEnvironment(got(s.Target(app.ID, ""))(t)))(t).Branch != "live" {
		t.Fatalf("%+v", app)
	}
	project := got(s.Project(app.Project))(t)
	envs := got(s.Environments(project.ID))(t)
	if project.Name != "shop" || len(envs) != 1 || envs[0].Name != paas.Production || envs[0].Subnet != mustPrefix("10.202.0.0/26") {
		t.Fatalf("%+v %+v", project, envs)
	}
	at := got(s.PathOf(app.ID))(t)
	if at.App != app.ID || at.Project != project.ID || at.Client != project.Client || at.Team != got(s.Team())(t).ID {
		t.Fatalf("%+v", at)
	}
	target := got(s.Target(app.ID, ""))(t)
	vars := got(s.Variables(target))(t)
	if len(vars) != 2 || vars[0].Name != "A" || vars[0].Build || !vars[1].Build || vars[0].Updated.IsZero() {
		t.Fatalf("%v", variableNames(vars))
	}
	_, err := s.Target(app.ID, "staging")
	wantKind(t, err, paas.NotFound)
	staging := got(s.AddToEnvironment(anna, app.ID, "staging", nil))(t)
	if again := got(s.Target(app.ID, "staging"))(t); again != staging {
		t.Fatal("another target")
	}
	_, err = s.AddToEnvironment(anna, app.ID, "staging", nil)
	wantKind(t, err, paas.Conflict)
	if envs := got(s.Environments(project.ID))(t); len(envs) != 2 || envs[0].Name != paas.Production || envs[1].Subnet == envs[0].Subnet {
		t.Fatalf("%+v", envs)
	}
	if all := got(s.AppEnvironmentsOf(app.ID))(t); len(all) != 2 {
		t.Fatalf("%d app environments", len(all))
	}
}

func TestAppNames(t *testing.T) {
	s := opened(t)
	newSite(t, s, "shop")
	_, err := s.CreateApp(anna, NewApp{Name: "shop"})
	wantKind(t, err, paas.Conflict)
	for _, bad := range []string{"", "Shop", "a--b", "www", strings.Repeat("a", 41), "a/b"} {
		_, err := s.CreateApp(anna, NewApp{Name: bad})
		wantKind(t, err, paas.Invalid)
	}
	_, err = s.CreateApp(anna, NewApp{Name: "ok", Project: "No Good"})
	wantKind(t, err, paas.Invalid)
	_, err = s.CreateApp(anna, NewApp{Name: "ok", Build: paas.BuildSettings{StartCommand: strings.Repeat("x", maxSettingBytes+1)}})
	wantKind(t, err, paas.Invalid)
	api := got(s.CreateApp(anna, NewApp{Name: "back", Project: "shop"}))(t)
	other := got(s.CreateApp(anna, NewApp{Name: "back", Project: "blog"}))(t)

	for name, want := range map[string]string{"shop/back": api.ID, "blog/back": other.ID} {
		if a := got(s.FindApp(name))(t); a.ID != want {
			t.Errorf("%s is another app", name)
		}
	}
	_, err = s.FindApp("back")
	wantKind(t, err, paas.Conflict)
	if hint := paas.Public(err).Hint; !strings.Contains(hint, "shop/back") || !strings.Contains(hint, "blog/back") {
		t.Errorf("hint: %s", hint)
	}
	for _, none := range []string{"hop", "shop/none", "none/shop", ""} {
		_, err := s.FindApp(none)
		wantKind(t, err, paas.NotFound)
	}
}

func TestRename(t *testing.T) {
	s := opened(t)
	shop, blog := newSite(t, s, "shop"), newSite(t, s, "blog")
	api := got(s.CreateApp(anna, NewApp{Name: "back", Project: "blog"}))(t)
	must(t, s.RenameApp(anna, shop.app.ID, "store"))
	if p := got(s.Project(shop.app.Project))(t); p.Name != "store" {
		t.Fatalf("its project is still named %q", p.Name)
	}
	must(t, s.RenameApp(anna, blog.app.ID, "site"))
	if p := got(s.Project(blog.app.Project))(t); p.Name != "blog" {
		t.Fatal("a project of two apps was renamed with one")
	}
	wantKind(t, s.RenameApp(anna, api.ID, "site"), paas.Conflict)
	wantKind(t, s.RenameApp(anna, api.ID, "A B"), paas.Invalid)
	must(t, s.RenameApp(anna, shop.app.ID, "store"))
	_, err := s.FindApp("shop")
	wantKind(t, err, paas.NotFound)
	got(s.FindApp("store"))(t)
	got(s.CreateApp(anna, NewApp{Name: "shop"}))(t)
	wantKind(t, s.RenameApp(anna, shop.app.ID, "shop"), paas.Conflict)
	wantKind(t, s.UpdateApp(anna, shop.app.ID, func(a *paas.App) error { a.Name = "x"; return nil }), paas.Invalid)
}

func TestSubnetsGoRoundThePool(t *testing.T) {
	s := mustOpen(t, options(t))
	must(t, s.SaveSettings(paas.Settings{Pool: mustPrefix("10.9.0.0/24")})) // four of them
	subnet := func(name string, avoid ...netip.Prefix) netip.Prefix {
		t.Helper()
		app := got(s.CreateApp(anna, NewApp{Name: name, Avoid: avoid}))(t)
		target := got(s.Target(app.ID, ""))(t)
		return got(s.Environment(target.Environment))(t).Subnet
	}
	if p := subnet("a", mustPrefix("10.9.0.0/27"), mustPrefix("172.17.0.0/16")); p != mustPrefix("10.9.0.64/26") {
		t.Fatalf("a network of others was taken: %v", p)
	}
	a := got(s.FindApp("a"))(t)
	got(s.DeleteApp(anna, a.ID))(t)
	must(t, s.FinishRemoval(a.ID))
	for name, want := range map[string]string{"b": "10.9.0.128/26"} { // not the one that was just given back
		if p := subnet(name); p != mustPrefix(want) {
			t.Fatalf("%s got %v", name, p)
		}
	}
	subnet("c")
	subnet("d")
	if p := subnet("e"); p != mustPrefix("10.9.0.64/26") {
		t.Fatalf("e got %v", p)
	}
	_, err := s.CreateApp(anna, NewApp{Name: "f"})
	wantKind(t, err, paas.Conflict)

	b := got(s.FindApp("b"))(t)
	got(s.DeleteApp(anna, b.ID))(t)
	_, err = s.CreateApp(anna, NewApp{Name: "f"})
	wantKind(t, err, paas.Conflict) // its network may still be there
	must(t, s.FinishRemoval(b.ID))
	subnet("f")
}

func TestSixtyProjects(t *testing.T) {
	s := opened(t)
	seen := map[netip.Prefix]bool{}
	for i := range 60 {
		w := newSite(t, s, "app"+string(rune('a'+i/26))+string(rune('a'+i%26)))
		seen[got(s.Environment(w.target.Environment))(t).Subnet] = true
	}
	if len(seen) != 60 {
		t.Fatalf("%d subnets", len(seen))
	}
}

func TestDeleteAppTakesEverythingAlong(t *testing.T) {
	s := opened(t)
	before := dump(t, s)
	keep := newSite(t, s, "keep")
	kept := dump(t, s)
	w := newSite(t, s, "shop")
	staging := got(s.AddToEnvironment(anna, w.app.ID, "staging", nil))(t)
	must(t, s.SetVariables(anna, w.target, []paas.Variable{{Name: "A", Value: paas.NewSecret("x")}}, nil))
	must(t, s.UpdateAppEnvironment(anna, staging, func(p *paas.AppEnvironment) error { p.Domains = []string{"www.shop.test"}; return nil }))
	dep, inst := w.deploy(t)
	w.deploy(t)
	waiting, _, err := s.QueueDeployment(anna, w.target, paas.Source{})
	must(t, err)

	removed := got(s.DeleteApp(anna, w.app.ID))(t)
	if removed.App.ID != w.app.ID || len(removed.Instances) != 2 || len(removed.Builds) != 2 || len(removed.Deployments) != 3 || len(removed.Environments) != 2 {
		t.Fatalf("%+v", removed)
	}
	for _, err := range []error{second(s.App(w.app.ID)), second(s.Deployment(dep.ID)), second(s.Instance(inst.ID)), second(s.AppEnvironment(w.target)),
		s.BeginDeployment(waiting.ID), second(s.Project(w.app.Project)), second(s.FindApp("shop")), second(s.DeleteApp(anna, w.app.ID))} {
		wantKind(t, err, paas.NotFound)
	}
	if _, ok, _ := s.HostOwner("www.shop.test"); ok {
		t.Fatal("its domain cannot be used again")
	}
	if open := got(s.Unfinished())(t); len(open) != 0 {
		t.Fatalf("unfinished: %+v", open)
	}
	if all := got(s.Removals())(t); len(all) != 1 || all[0].App.ID != w.app.ID || len(all[0].Instances) != 2 {
		t.Fatalf("%+v", all)
	}
	must(t, s.FinishRemoval(w.app.ID))
	left := dump(t, s)
	for key := range left {
		if _, ok := kept[key]; !ok && !strings.HasPrefix(key, "event") && !strings.HasPrefix(key, "meta/") {
			t.Errorf("left behind: %s", key)
		}
	}
	got(s.App(keep.app.ID))(t)
	if len(before) >= len(left) {
		t.Fatal("other things went with it")
	}
	if e := got(s.Events(EventFilter{Path: paas.Path{App: w.app.ID}, Limit: 1}))(t)[0]; e.Action != "app.deleted" {
		t.Fatalf("%+v", e)
	}
	if r := got(s.VerifyEvents())(t); !r.OK() {
		t.Fatalf("%+v", r.Breaks)
	}
}

func TestDeletingOneOfTwoKeepsTheProject(t *testing.T) {
	s := opened(t)
	w := newSite(t, s, "shop")
	api := got(s.CreateApp(anna, NewApp{Name: "back", Project: "shop"}))(t)
	removed := got(s.DeleteApp(anna, w.app.ID))(t)
	if len(removed.Environments) != 0 {
		t.Fatal("the other app's network would be removed")
	}
	got(s.PathOf(api.ID))(t)
	got(s.Target(api.ID, ""))(t)
}

func second[T any](_ T, err error) error { return err }
