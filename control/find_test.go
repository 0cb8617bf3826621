package control

import (
	"strings"
	"testing"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/paas"
)

func TestFindApp(t *testing.T) {
	r := newRig(t)
	first, second, alone := r.app("one/shop"), r.app("two/shop"), r.app("alone")
	for _, tt := range []struct {
		what, asked string
		by          access.Principal
		want        string
	}{
		{"by id", second.App.ID, r.owner, second.App.ID},
		{"by name", "alone", r.owner, alone.App.ID},
		{"by full name", "two/shop", r.owner, second.App.ID},
		{"the only one that a token sees", "shop", r.only(second), second.App.ID},
		{"none that a token sees", "shop", r.only(alone), ""},
		{"no such name", "none", r.owner, ""},
		{"an id of nothing", paas.NewID("app"), r.owner, ""},
		{"no project", "none/shop", r.owner, ""},
	} {
		found, err := r.FindApp(tt.by, tt.asked)
		if err != nil || found.App.ID != tt.want || (found.Resource.Path.App == "") != (tt.want == "") || found.Resource.Asked != tt.asked {
			t.Errorf("%s: %+v %v", tt.what, found, err)
		}
	}
	_, err := r.FindApp(r.owner, "shop")
	fails(t, "two of a name", err, paas.Conflict, "")
	if hint := paas.Public(err).Hint; !strings.Contains(hint, "one/shop") || !strings.Contains(hint, "two/shop") {
		t.Errorf("hint %q", hint)
	}
	if _, err := r.FindApp(r.only(first), "shop"); err != nil {
		t.Errorf("a foreign app of the same name shows: %v", err)
	}
}

func TestFindDeployment(t *testing.T) {
	r := newRig(t)
	p := r.app("shop")
	dep, _, err := r.store.QueueDeployment(paas.System, p.Target(), git("https://example.com"))
	r.must(err)
	found, err := r.FindDeployment(dep.ID)
	if err != nil || found.Deployment.ID != dep.ID || found.App.ID != p.App.ID || found.Resource.Path != appPath(p) {
		t.Errorf("%+v %v", found, err)
	}
	for _, asked := range []string{"", "x", "../x", paas.NewID("dep"), p.App.ID} {
		found, err := r.FindDeployment(asked)
		if err != nil || found.Deployment.ID != "" || found.Resource.Path.Team != "" {
			t.Errorf("%q: %+v %v", asked, found, err)
		}
	}
}

func TestPlaceIn(t *testing.T) {
	r := newRig(t)
	p := r.app("shop")
	for _, name := range []string{"", paas.Production} {
		if got, err := r.PlaceIn(p.App.ID, name); err != nil || got.Target() != p.Target() {
			t.Errorf("%q: %+v %v", name, got, err)
		}
	}
	_, err := r.PlaceIn(p.App.ID, "staging")
	fails(t, "another environment", err, paas.NotFound, "environment")
}

func TestOpenRepository(t *testing.T) {
	r := newRig(t)
	shop, other := r.app("shop"), r.app("other")
	open := func(by access.Principal, name string, write bool) (paas.App, error) {
		app, _, err := r.OpenRepository(t.Context(), by, name, write)
		return app, err
	}
	pusher := r.only(shop, GitActions...)
	if app, err := open(pusher, "shop", true); err != nil || app.ID != shop.App.ID {
		t.Errorf("%+v %v", app, err)
	}
	_, err := open(r.only(shop, access.GitRead), "shop", true)
	fails(t, "who may only fetch", err, paas.Forbidden, "")
	_, foreign := open(pusher, "other", true)
	_, absent := open(pusher, "nobody", true)
	if !paas.IsKind(foreign, paas.NotFound) || strings.ReplaceAll(said(foreign), "other", "nobody") != said(absent) {
		t.Errorf("a foreign app answers %v, one that is not there %v", foreign, absent)
	}
	_, err = open(r.owner, "nobody", false)
	fails(t, "fetching makes nothing", err, paas.NotFound, "")

	whole := access.Principal{Kind: access.Token, ID: "tok_1", Name: "laptop", Scope: r.owner.Scope, User: r.owner.User}
	app, err := open(whole, "team/fresh", true)
	if err != nil || app.Name != "fresh" {
		t.Fatalf("%+v %v", app, err)
	}
	if found, err := r.FindApp(r.owner, "team/fresh"); err != nil || found.App.ID != app.ID {
		t.Errorf("%+v %v", found, err)
	}
	if again, err := open(whole, "team/fresh", true); err != nil || again.ID != app.ID {
		t.Errorf("a second push: %+v %v", again, err)
	}
	narrow := whole
	narrow.Actions = GitActions
	_, err = open(narrow, "another", true)
	fails(t, "a token that makes no apps", err, paas.NotFound, "")
	_, err = open(whole, "Not A Name", true)
	fails(t, "a bad name", err, paas.Invalid, "name")
	if app, err := open(r.only(other, access.GitRead), "other", false); err != nil || app.ID != other.App.ID {
		t.Errorf("%+v %v", app, err)
	}
}

func said(err error) string { e := paas.Public(err); return e.Msg + " " + e.Hint }
