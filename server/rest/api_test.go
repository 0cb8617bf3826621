package rest_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/control"
	"github.com/cloudsania/cloudsania/server"
	"github.com/cloudsania/cloudsania/server/rest"
	"github.com/cloudsania/cloudsania/server/servertest"

	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/store"
)

// control is the client that the command line uses, on the local socket.
func TestAppsFromBeginningToEnd(t *testing.T) {
	r := servertest.Claimed(t)
	c, ctx := r.Client(), t.Context()
	a, err := c.CreateApp(ctx, api.CreateApp{Name: "shop", Variables: []api.SetVariable{{Name: "A", Value: "1"}}})
	if err != nil {
		t.Fatal(err)
	}
	if !paas.IsID("app", a.ID) || a.Name != "shop" || a.URL != "https://shop.cloud.test" || a.Git != servertest.Origin+"/git/shop.git" || a.Live != nil || a.Project != "shop" {
		t.Errorf("%+v", a)
	}
	if _, err := c.CreateApp(ctx, api.CreateApp{Name: "shop"}); !paas.IsKind(err, paas.Conflict) {
		t.Errorf("the same name again: %v", err)
	}
	if b, err := c.CreateApp(ctx, api.CreateApp{Name: "worker", Project: "shop"}); err != nil || b.Git != servertest.Origin+"/git/shop/worker.git" {
		t.Errorf("in the same project: %+v %v", b, err)
	}
	app, err := r.Store.App(a.ID)
	if err != nil {
		t.Fatal(err)
	}
	rel := r.GoLive(app, paas.Source{Kind: paas.SourceGit, Commit: strings.Repeat("c", 40), Branch: "main", Message: "first"})
	for _, name := range []string{"shop", a.ID, "shop/shop"} {
		got, err := c.App(ctx, name, "")
		if err != nil || got.ID != a.ID || got.Live == nil || got.Live.ID != rel.ID || got.Live.Number != 1 || !got.Live.Live || !got.Live.Kept || got.Live.Source.Message != "first" {
			t.Errorf("%s: %+v %v", name, got, err)
		}
		if len(got.Deployments) != 1 || got.Deployments[0].Status != "succeeded" || got.Deployments[0].Number != 1 || got.Latest.ID != got.Deployments[0].ID {
			t.Errorf("%s: deployments %+v", name, got.Deployments)
		}
	}
	if _, err := c.App(ctx, "shop", "staging"); !paas.IsKind(err, paas.NotFound) {
		t.Errorf("in an environment that is not there: %v", err)
	}
	name, scale := "store", map[string]int{"web": 2}
	up, err := c.UpdateApp(ctx, "shop", "", api.UpdateApp{Name: &name, Build: &api.BuildSettings{HealthPath: "/ok"}, Limits: &api.Limits{MemoryMB: 256}, Scale: &scale})
	if err != nil || up.Name != "store" || up.Build.HealthPath != "/ok" || up.Limits.MemoryMB != 256 || up.Limits.CPUs != 1 || up.Scale["web"] != 2 || up.ID != a.ID {
		t.Errorf("%+v %v", up, err)
	}
	if !slices.Contains(r.Deploys.Called(), "queued config") {
		t.Errorf("changed limits make no release: %v", r.Deploys.Called())
	}
	list, err := c.Apps(ctx)
	if err != nil || len(list.Apps) != 2 || list.Apps[0].Name != "store" {
		t.Errorf("%+v %v", list, err)
	}
	if err := c.DeleteApp(ctx, "store"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.App(ctx, a.ID, ""); !paas.IsKind(err, paas.NotFound) {
		t.Errorf("after deleting: %v", err)
	}
}

func TestVariablesAreWriteOnly(t *testing.T) {
	r := servertest.Claimed(t)
	c, ctx := r.Client(), t.Context()
	a := r.App("shop")
	const canary = "canary-value-7f3a"
	yes := true
	vars, err := c.ChangeVariables(ctx, "shop", "", api.ChangeVariables{Set: []api.SetVariable{{Name: "KEY", Value: canary}, {Name: "VITE_X", Value: "p"}, {Name: "B", Value: "b", Build: &yes}}})
	if err != nil || len(vars.Variables) != 3 || vars.Deployment != nil {
		t.Fatalf("%+v %v", vars, err)
	}
	for i, want := range []api.Variable{{Name: "B", Build: true}, {Name: "KEY"}, {Name: "VITE_X", Build: true}} {
		got := vars.Variables[i]
		if got.Name != want.Name || got.Build != want.Build || got.Masked != rest.Masked || got.Updated.IsZero() {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	r.GoLive(a, paas.Source{Kind: paas.SourceGit})
	again := api.ChangeVariables{Set: []api.SetVariable{{Name: "B", Value: "c"}}}
	if vars, err = c.ChangeVariables(ctx, "shop", "", again); err != nil || vars.Deployment == nil || !vars.Variables[0].Build {
		t.Errorf("a live app gets no release, or the mark is lost: %+v %v", vars, err)
	}
	if vars, err = c.ChangeVariables(ctx, "shop", "", again); err != nil || vars.Deployment != nil {
		t.Errorf("the same value again: %+v %v", vars, err)
	}
	if vars, err = c.ChangeVariables(ctx, "shop", "", api.ChangeVariables{Unset: []string{"B"}, Hold: true}); err != nil || vars.Deployment != nil || len(vars.Variables) != 2 {
		t.Errorf("held: %+v %v", vars, err)
	}
	for name, bad := range map[string]api.ChangeVariables{"nothing": {}, "PORT": {Set: []api.SetVariable{{Name: "PORT", Value: "1"}}}, "odd name": {Set: []api.SetVariable{{Name: "a-b", Value: "1"}}}} {
		if _, err := c.ChangeVariables(ctx, "shop", "", bad); !paas.IsKind(err, paas.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// no route gives the value back
	dep, err := r.Store.Deployments(r.Target(a), 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, rt := range r.Routes {
		if rt.Method != http.MethodGet || rt.Stream {
			continue
		}
		path := strings.NewReplacer(":app", a.ID, ":deployment", dep[0].ID).Replace(rt.Path)
		if got := r.Do(servertest.Ask{Path: path, Local: true}); strings.Contains(got.Body, canary) {
			t.Errorf("%s shows the value: %s", rt.Path, got.Body)
		}
	}
	if strings.Contains(r.Logs.String(), canary) {
		t.Error("the value is in the log")
	}
}

func TestRollbackAndReleases(t *testing.T) {
	r := servertest.Claimed(t)
	c, ctx := r.Client(), t.Context()
	a := r.App("shop")
	r.GoLive(a, paas.Source{Kind: paas.SourceGit, Message: "one"})
	second := r.GoLive(a, paas.Source{Kind: paas.SourceGit, Message: "two"})
	list, err := c.Releases(ctx, "shop", "")
	if err != nil || len(list.Releases) != 2 || list.Releases[0].ID != second.ID || !list.Releases[0].Live || list.Releases[1].Live || list.Releases[1].Source.Message != "one" {
		t.Errorf("%+v %v", list, err)
	}
	d, err := c.Rollback(ctx, "shop", "", 1)
	if err != nil || d.Status != "queued" || d.Source.Kind != "rollback" || d.URL == "" || d.Environment != "production" {
		t.Errorf("%+v %v", d, err)
	}
	if _, err := c.Rollback(ctx, "shop", "", 99); !paas.IsKind(err, paas.NotFound) {
		t.Errorf("v99: %v", err)
	}
	if _, err := c.Rollback(ctx, "shop", "", -1); !paas.IsKind(err, paas.Invalid) {
		t.Errorf("v-1: %v", err)
	}
	r.Want(202, servertest.Ask{Method: "POST", Path: "/api/v1/apps/shop/rollback", Local: true}, nil) // without a body
	if got := r.Deploys.Called(); len(got) != 2 || got[0] != "queued rollback" || r.Deploys.LastSource().Message != "Back to v1" {
		t.Errorf("%v %+v", got, r.Deploys.LastSource())
	}
	if d, err = c.Cancel(ctx, d.ID); err == nil || !paas.IsKind(err, paas.Conflict) {
		t.Errorf("cancelling what was superseded: %+v %v", d, err)
	}
}

func TestWhatToDeploy(t *testing.T) {
	r := servertest.Claimed(t)
	c, ctx := r.Client(), t.Context()
	a := r.App("shop")
	other := r.App("other")
	if _, err := c.Deploy(ctx, "shop", "", api.CreateDeployment{}); !paas.IsKind(err, paas.Conflict) {
		t.Errorf("nothing to deploy again: %v", err)
	}
	first, err := c.Deploy(ctx, "shop", "", api.CreateDeployment{Git: &api.AppSource{URL: "https://example.com/repo.git", Branch: "dev"}})
	if err != nil || r.Deploys.LastSource() != (paas.Source{Kind: paas.SourceExternal, URL: "https://example.com/repo.git", Branch: "dev"}) {
		t.Errorf("%+v %v", r.Deploys.LastSource(), err)
	}
	if _, err := c.Deploy(ctx, "shop", "", api.CreateDeployment{}); err != nil || r.Deploys.LastSource().Branch != "dev" {
		t.Errorf("again: %+v %v", r.Deploys.LastSource(), err)
	}
	if _, err := c.Deploy(ctx, "shop", "", api.CreateDeployment{Deployment: first.ID}); err != nil || r.Deploys.LastSource().Branch != "dev" {
		t.Errorf("that one again: %+v %v", r.Deploys.LastSource(), err)
	}
	r.GoLive(a, paas.Source{Kind: paas.SourceGit, Commit: strings.Repeat("a", 40)})
	if _, err := c.Deploy(ctx, "shop", "", api.CreateDeployment{Configuration: true}); err != nil || !slices.Contains(r.Deploys.Called(), "queued config") {
		t.Errorf("the configuration: %v %v", r.Deploys.Called(), err)
	}
	src := &api.AppSource{URL: "https://example.com/app"}
	if _, err := c.UpdateApp(ctx, "shop", "", api.UpdateApp{Source: src}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Deploy(ctx, "shop", "", api.CreateDeployment{}); err != nil || r.Deploys.LastSource().URL != src.URL {
		t.Errorf("from the app's own repository: %+v %v", r.Deploys.LastSource(), err)
	}
	foreign := r.Deployment(other)
	for name, bad := range map[string]api.CreateDeployment{
		"a file":                         {Git: &api.AppSource{URL: "file:///etc"}},
		"ssh":                            {Git: &api.AppSource{URL: "git@github.com:a/b"}},
		"an option":                      {Git: &api.AppSource{URL: "--upload-pack=x"}},
		"two sources":                    {Git: src, Upload: "upl_x"},
		"another app's deployment":       {Deployment: foreign.ID},
		"a deployment that is not there": {Deployment: "dep_x"},
	} {
		if _, err := c.Deploy(ctx, "shop", "", bad); !paas.IsKind(err, paas.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestArchives(t *testing.T) {
	r := servertest.Claimed(t)
	c, ctx := r.Client(), t.Context()
	r.App("shop")
	zip := servertest.Zip(t, map[string]string{"site/app.js": "x", "site/b/c.txt": "y"})
	d, err := c.DeployArchive(ctx, "shop", "", `C:\work\My Shop.zip`, bytes.NewReader(zip), int64(len(zip)))
	if err != nil || d.Source.Kind != "upload" || d.Source.Message != "My Shop.zip" {
		t.Fatalf("%+v %v", d, err)
	}
	up, err := r.Uploads.Find(r.Deploys.LastSource().Upload)
	if err != nil || up.Size != int64(len(zip)) {
		t.Errorf("%+v %v", up, err)
	}
	// the same again, from what is kept
	if _, err := c.Deploy(ctx, "shop", "", api.CreateDeployment{}); err != nil || r.Deploys.LastSource().Upload != up.ID {
		t.Errorf("again: %v", err)
	}
	// a form, as browsers send it
	boundary := "----x"
	form := "--" + boundary + "\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhello\r\n--" + boundary +
		"\r\nContent-Disposition: form-data; name=\"archive\"; filename=\"a.zip\"\r\nContent-Type: application/zip\r\n\r\n" + string(zip) + "\r\n--" + boundary + "--\r\n"
	a := servertest.Ask{Method: "POST", Path: "/api/v1/apps/shop/deployments", Cookie: r.Session(), Raw: strings.NewReader(form), Header: map[string]string{"Content-Type": "multipart/form-data; boundary=" + boundary}}
	r.Want(202, a, nil)
	if up, err := r.Uploads.Find(r.Deploys.LastSource().Upload); err != nil || up.Size != int64(len(zip)) || up.Name != "a.zip" {
		t.Errorf("from a form: %+v %v", up, err)
	}
	// a plan first, then the deployment of what was looked at
	det, err := c.Detect(ctx, "My Shop-main.zip", bytes.NewReader(zip), int64(len(zip)))
	if err != nil || det.Plan.Language != "node" || det.Name != "my-shop-main" || len(det.Missing) != 1 || det.Missing[0].Name != "STRIPE_KEY" || det.Size != int64(len(zip)) {
		t.Fatalf("%+v %v", det, err)
	}
	if _, err := c.Deploy(ctx, "shop", "", api.CreateDeployment{Upload: det.Upload}); err != nil || r.Deploys.LastSource().Upload != det.Upload {
		t.Errorf("what was looked at: %v", err)
	}
	if _, err := r.ClientWith(r.Token(paas.Path{})).Deploy(ctx, "shop", "", api.CreateDeployment{Upload: det.Upload}); !paas.IsKind(err, paas.NotFound) {
		t.Errorf("somebody else's upload: %v", err)
	}
	kept := uploads(r)
	for name, bad := range map[string][]byte{"nothing known in it": servertest.Zip(t, map[string]string{"x.txt": "y"}), "not an archive": []byte("hello"), "empty": {}, "slip": servertest.Zip(t, map[string]string{"../../etc/passwd": "x"})} {
		if _, err := c.Detect(ctx, "x.zip", bytes.NewReader(bad), int64(len(bad))); !paas.IsKind(err, paas.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if now := uploads(r); len(now) != len(kept) {
		t.Errorf("failed uploads stay: %v", now)
	}
	if err := r.Uploads.Remove(r.Deploys.LastSource().Upload); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Deploy(ctx, "shop", "", api.CreateDeployment{}); !paas.IsKind(err, paas.Conflict) {
		t.Errorf("an upload that is gone: %v", err)
	}
	r.Refused(400, servertest.Ask{Method: "POST", Path: "/api/v1/detect", Local: true, Body: `{"a":1}`})
}

func TestTokensAndTheirScope(t *testing.T) {
	r := servertest.Claimed(t)
	c, ctx := r.Client(), t.Context()
	shop := r.App("shop")
	r.App("secret-project")
	tok, err := c.CreateToken(ctx, api.CreateToken{Name: "ci", App: "shop", Actions: []string{"app.list", "app.read", "event.list", "event.read"}})
	if err != nil || !strings.HasPrefix(tok.Text, "cs_") || tok.App != shop.ID || tok.Expires == nil || tok.Expires.Sub(r.Clock.Now()) < 89*24*time.Hour {
		t.Fatalf("%+v %v", tok, err)
	}
	narrow := r.ClientWith(tok.Text)
	apps, err := narrow.Apps(ctx)
	if err != nil || len(apps.Apps) != 1 || apps.Apps[0].Name != "shop" {
		t.Errorf("%+v %v", apps, err)
	}
	events, err := narrow.Events(ctx, api.EventsOptions{})
	if err != nil || len(events.Events) == 0 {
		t.Errorf("%+v %v", events, err)
	}
	for _, e := range events.Events {
		if e.App != shop.ID {
			t.Errorf("an event of another app: %+v", e)
		}
	}
	me, err := narrow.Me(ctx)
	if !paas.IsKind(err, paas.Forbidden) { // not among its actions
		t.Errorf("%+v %v", me, err)
	}
	if _, err := narrow.App(ctx, "secret-project", ""); !paas.IsKind(err, paas.NotFound) {
		t.Errorf("another app: %v", err)
	}
	if _, err := narrow.CreateToken(ctx, api.CreateToken{Name: "more"}); !paas.IsKind(err, paas.NotFound) {
		t.Errorf("a token makes tokens: %v", err)
	}
	if _, err := narrow.Deploy(ctx, "shop", "", api.CreateDeployment{Git: &api.AppSource{URL: "https://a.b/c"}}); !paas.IsKind(err, paas.Forbidden) {
		t.Errorf("what it may not do: %v", err)
	}
	for name, bad := range map[string]api.CreateToken{"no such action": {Name: "a", Actions: []string{"app.raed"}}, "not for tokens": {Name: "a", Actions: []string{"token.create"}},
		"days": {Name: "a", Days: 99999}, "no name": {}} {
		if _, err := c.CreateToken(ctx, bad); !paas.IsKind(err, paas.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := c.CreateToken(ctx, api.CreateToken{Name: "a", App: "nope"}); !paas.IsKind(err, paas.NotFound) {
		t.Errorf("for an app that is not there: %v", err)
	}
	for_ever, err := c.CreateToken(ctx, api.CreateToken{Name: "a", Days: -1})
	if err != nil || for_ever.Expires != nil {
		t.Errorf("%+v %v", for_ever, err)
	}
	r.Clock.Move(91 * 24 * time.Hour)
	if _, err := narrow.Apps(ctx); !paas.IsKind(err, paas.Unauthenticated) {
		t.Errorf("an expired token: %v", err)
	}
	list, err := c.Tokens(ctx)
	if err != nil || len(list.Tokens) != 2 || list.Tokens[1].LastUsed == nil || list.Tokens[0].ID != for_ever.ID {
		t.Errorf("%+v %v", list, err)
	}
	if err := c.RevokeToken(ctx, for_ever.ID); err != nil {
		t.Error(err)
	}
	if _, err := r.ClientWith(for_ever.Text).Apps(ctx); !paas.IsKind(err, paas.Unauthenticated) {
		t.Errorf("a revoked token: %v", err)
	}
}

// A short name that is ambiguous only because of apps that the token cannot see is not ambiguous for it.
func TestAmbiguousNames(t *testing.T) {
	r := servertest.Claimed(t)
	a, err := r.Store.CreateApp(paas.System, store.NewApp{Name: "web", Project: "one"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Store.CreateApp(paas.System, store.NewApp{Name: "web", Project: "two"}); err != nil {
		t.Fatal(err)
	}
	_, err = r.Client().App(t.Context(), "web", "")
	var e *paas.Error
	if !errors.As(err, &e) || e.Kind != paas.Conflict || !strings.Contains(e.Hint, "one/web") || !strings.Contains(e.Hint, "two/web") {
		t.Errorf("%+v", err)
	}
	got, err := r.ClientWith(r.Token(r.PathOf(a))).App(t.Context(), "web", "")
	if err != nil || got.ID != a.ID {
		t.Errorf("%+v %v", got, err)
	}
	none := r.ClientWith(r.Token(paas.Path{Team: r.PathOf(a).Team, Client: "cli_x"}))
	_, err = none.App(t.Context(), "web", "")
	_, absent := none.App(t.Context(), "wob", "")
	if err == nil || absent == nil || strings.ReplaceAll(err.Error(), "web", "wob") != absent.Error() {
		t.Errorf("%v against %v", err, absent)
	}
}

func TestEventsInPages(t *testing.T) {
	r := servertest.Claimed(t)
	c, ctx := r.Client(), t.Context()
	for _, name := range []string{"a", "b", "c", "d"} {
		r.App(name)
	}
	var seqs []uint64
	o := api.EventsOptions{Limit: 3}
	for range 20 {
		page, err := c.Events(ctx, o)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Events {
			seqs = append(seqs, e.Seq)
		}
		if o.Before = page.Before; o.Before == 0 {
			break
		}
	}
	for i, s := range seqs {
		if s != seqs[0]-uint64(i) {
			t.Fatalf("events %v", seqs)
		}
	}
	v, err := c.VerifyEvents(ctx)
	if err != nil || !v.OK || v.Events != uint64(len(seqs)) || len(v.Head) != 64 {
		t.Errorf("%+v, %d listed, %v", v, len(seqs), err)
	}
	if page, err := c.Events(ctx, api.EventsOptions{App: "b"}); err != nil || len(page.Events) == 0 || len(page.Events) >= len(seqs) {
		t.Errorf("of one app: %+v %v", page, err)
	}
	r.Refused(400, servertest.Ask{Path: "/api/v1/events?before=x", Local: true})
	r.Refused(400, servertest.Ask{Path: "/api/v1/events?limit=100000", Local: true})
}

func TestSystemIsHonest(t *testing.T) {
	r := servertest.Claimed(t, func(o *control.Options, _ *server.Options) {
		o.Health.Docker = func(context.Context) (string, string, error) {
			return "", "", &paas.Error{Kind: paas.Unavailable, Msg: "docker does not answer"}
		}
		o.Health.Builder = func() control.BuilderStatus {
			return control.BuilderStatus{Step: "base", Percent: 40, Err: &paas.Error{Kind: paas.Failed, Msg: "no mirror", Hint: "try"}}
		}
	})
	got, err := r.Client().System(t.Context())
	if err != nil || got.Version != "1.2.3" || got.Docker.OK || got.Docker.Error != "docker does not answer" || got.Builder.Error != "no mirror" || got.Builder.Percent != 40 {
		t.Errorf("%+v %v", got, err)
	}
	if got.Memory.Control < 1<<20 || got.Memory.Total < got.Memory.Available || got.Disk.Total <= 0 || got.Disk.Available > got.Disk.Total {
		t.Errorf("%+v %+v", got.Memory, got.Disk)
	}
}
