package server

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/store"
)

// control is the client that the command line uses, on the local socket.
func (r *rig) control() *api.Client {
	r.t.Helper()
	c, err := api.NewClient(api.Options{Socket: filepath.Join(r.dir, "control.sock")})
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

func (r *rig) withToken(text string) *api.Client {
	r.t.Helper()
	c, err := api.NewClient(api.Options{Socket: filepath.Join(r.dir, "control.sock"), Token: paas.NewSecret(text)})
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

func TestAppsFromBeginningToEnd(t *testing.T) {
	r := newClaimed(t)
	c, ctx := r.control(), t.Context()
	a, err := c.CreateApp(ctx, api.CreateApp{Name: "shop", Variables: []api.SetVariable{{Name: "A", Value: "1"}}})
	if err != nil {
		t.Fatal(err)
	}
	if !paas.IsID("app", a.ID) || a.Name != "shop" || a.URL != "https://shop.cloud.test" || a.Git != testOrigin+"/git/shop.git" || a.Live != nil || a.Project != "shop" {
		t.Errorf("%+v", a)
	}
	if _, err := c.CreateApp(ctx, api.CreateApp{Name: "shop"}); !paas.IsKind(err, paas.Conflict) {
		t.Errorf("the same name again: %v", err)
	}
	if b, err := c.CreateApp(ctx, api.CreateApp{Name: "worker", Project: "shop"}); err != nil || b.Git != testOrigin+"/git/shop/worker.git" {
		t.Errorf("in the same project: %+v %v", b, err)
	}
	app, err := r.Store.App(a.ID)
	if err != nil {
		t.Fatal(err)
	}
	rel := r.goLive(app, paas.Source{Kind: paas.SourceGit, Commit: strings.Repeat("c", 40), Branch: "main", Message: "first"})
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
	if !slices.Contains(r.deploy.called(), "apply") {
		t.Errorf("changed limits make no release: %v", r.deploy.called())
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
	r := newClaimed(t)
	c, ctx := r.control(), t.Context()
	a := r.app("shop")
	const canary = "canary-value-7f3a"
	yes := true
	vars, err := c.ChangeVariables(ctx, "shop", "", api.ChangeVariables{Set: []api.SetVariable{{Name: "KEY", Value: canary}, {Name: "VITE_X", Value: "p"}, {Name: "B", Value: "b", Build: &yes}}})
	if err != nil || len(vars.Variables) != 3 || vars.Deployment != nil {
		t.Fatalf("%+v %v", vars, err)
	}
	for i, want := range []api.Variable{{Name: "B", Build: true}, {Name: "KEY"}, {Name: "VITE_X", Build: true}} {
		got := vars.Variables[i]
		if got.Name != want.Name || got.Build != want.Build || got.Masked != masked || got.Updated.IsZero() {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	r.goLive(a, paas.Source{Kind: paas.SourceGit})
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
	dep, err := r.Store.Deployments(r.target(a), 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, rt := range routes() {
		if rt.Method != http.MethodGet || rt.Stream {
			continue
		}
		path := strings.NewReplacer(":app", a.ID, ":deployment", dep[0].ID).Replace(rt.Path)
		if got := r.do(ask{path: path, local: true}); strings.Contains(got.body, canary) {
			t.Errorf("%s shows the value: %s", rt.Path, got.body)
		}
	}
	if strings.Contains(r.logs.String(), canary) {
		t.Error("the value is in the log")
	}
}

func TestRollbackAndReleases(t *testing.T) {
	r := newClaimed(t)
	c, ctx := r.control(), t.Context()
	a := r.app("shop")
	r.goLive(a, paas.Source{Kind: paas.SourceGit, Message: "one"})
	second := r.goLive(a, paas.Source{Kind: paas.SourceGit, Message: "two"})
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
	r.want(202, ask{method: "POST", path: "/api/v1/apps/shop/rollback", local: true}, nil) // without a body
	if got := r.deploy.called(); !slices.Contains(got, "rollback 1") || !slices.Contains(got, "rollback 0") {
		t.Errorf("%v", got)
	}
	if d, err = c.Cancel(ctx, d.ID); err == nil || !paas.IsKind(err, paas.Conflict) {
		t.Errorf("cancelling what was superseded: %+v %v", d, err)
	}
}

func TestWhatToDeploy(t *testing.T) {
	r := newClaimed(t)
	c, ctx := r.control(), t.Context()
	a := r.app("shop")
	other := r.app("other")
	if _, err := c.Deploy(ctx, "shop", "", api.CreateDeployment{}); !paas.IsKind(err, paas.Conflict) {
		t.Errorf("nothing to deploy again: %v", err)
	}
	first, err := c.Deploy(ctx, "shop", "", api.CreateDeployment{Git: &api.AppSource{URL: "https://example.com/repo.git", Branch: "dev"}})
	if err != nil || r.deploy.lastSource() != (paas.Source{Kind: paas.SourceExternal, URL: "https://example.com/repo.git", Branch: "dev"}) {
		t.Errorf("%+v %v", r.deploy.lastSource(), err)
	}
	if _, err := c.Deploy(ctx, "shop", "", api.CreateDeployment{}); err != nil || r.deploy.lastSource().Branch != "dev" {
		t.Errorf("again: %+v %v", r.deploy.lastSource(), err)
	}
	if _, err := c.Deploy(ctx, "shop", "", api.CreateDeployment{Deployment: first.ID}); err != nil || r.deploy.lastSource().Branch != "dev" {
		t.Errorf("that one again: %+v %v", r.deploy.lastSource(), err)
	}
	r.goLive(a, paas.Source{Kind: paas.SourceGit, Commit: strings.Repeat("a", 40)})
	if _, err := c.Deploy(ctx, "shop", "", api.CreateDeployment{Configuration: true}); err != nil || !slices.Contains(r.deploy.called(), "apply") {
		t.Errorf("the configuration: %v %v", r.deploy.called(), err)
	}
	src := &api.AppSource{URL: "https://example.com/app"}
	if _, err := c.UpdateApp(ctx, "shop", "", api.UpdateApp{Source: src}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Deploy(ctx, "shop", "", api.CreateDeployment{}); err != nil || r.deploy.lastSource().URL != src.URL {
		t.Errorf("from the app's own repository: %+v %v", r.deploy.lastSource(), err)
	}
	foreign, err := r.deploy.Deploy(ctx, paas.System, r.target(other), paas.Source{Kind: paas.SourceGit})
	if err != nil {
		t.Fatal(err)
	}
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
	r := newClaimed(t)
	c, ctx := r.control(), t.Context()
	r.app("shop")
	zip := zipOf(t, map[string]string{"site/app.js": "x", "site/b/c.txt": "y"})
	d, err := c.DeployArchive(ctx, "shop", "", `C:\work\My Shop.zip`, bytes.NewReader(zip), int64(len(zip)))
	if err != nil || d.Source.Kind != "upload" || d.Source.Message != "My Shop.zip" {
		t.Fatalf("%+v %v", d, err)
	}
	up, err := r.Uploads.Find(r.deploy.lastSource().Upload)
	if err != nil || up.Size != int64(len(zip)) {
		t.Errorf("%+v %v", up, err)
	}
	// the same again, from what is kept
	if _, err := c.Deploy(ctx, "shop", "", api.CreateDeployment{}); err != nil || r.deploy.lastSource().Upload != up.ID {
		t.Errorf("again: %v", err)
	}
	// a form, as browsers send it
	boundary := "----x"
	form := "--" + boundary + "\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhello\r\n--" + boundary +
		"\r\nContent-Disposition: form-data; name=\"archive\"; filename=\"a.zip\"\r\nContent-Type: application/zip\r\n\r\n" + string(zip) + "\r\n--" + boundary + "--\r\n"
	a := ask{method: "POST", path: "/api/v1/apps/shop/deployments", cookie: r.session(), raw: strings.NewReader(form), header: map[string]string{"Content-Type": "multipart/form-data; boundary=" + boundary}}
	r.want(202, a, nil)
	if up, err := r.Uploads.Find(r.deploy.lastSource().Upload); err != nil || up.Size != int64(len(zip)) || up.Name != "a.zip" {
		t.Errorf("from a form: %+v %v", up, err)
	}
	// a plan first, then the deployment of what was looked at
	det, err := c.Detect(ctx, "My Shop-main.zip", bytes.NewReader(zip), int64(len(zip)))
	if err != nil || det.Plan.Language != "node" || det.Name != "my-shop-main" || len(det.Missing) != 1 || det.Missing[0].Name != "STRIPE_KEY" || det.Size != int64(len(zip)) {
		t.Fatalf("%+v %v", det, err)
	}
	if _, err := c.Deploy(ctx, "shop", "", api.CreateDeployment{Upload: det.Upload}); err != nil || r.deploy.lastSource().Upload != det.Upload {
		t.Errorf("what was looked at: %v", err)
	}
	if _, err := r.withToken(r.token(paas.Path{})).Deploy(ctx, "shop", "", api.CreateDeployment{Upload: det.Upload}); !paas.IsKind(err, paas.NotFound) {
		t.Errorf("somebody else's upload: %v", err)
	}
	kept := r.uploads()
	for name, bad := range map[string][]byte{"nothing known in it": zipOf(t, map[string]string{"x.txt": "y"}), "not an archive": []byte("hello"), "empty": {}, "slip": zipOf(t, map[string]string{"../../etc/passwd": "x"})} {
		if _, err := c.Detect(ctx, "x.zip", bytes.NewReader(bad), int64(len(bad))); !paas.IsKind(err, paas.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if now := r.uploads(); len(now) != len(kept) {
		t.Errorf("failed uploads stay: %v", now)
	}
	if err := r.Uploads.Remove(r.deploy.lastSource().Upload); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Deploy(ctx, "shop", "", api.CreateDeployment{}); !paas.IsKind(err, paas.Conflict) {
		t.Errorf("an upload that is gone: %v", err)
	}
	r.refused(400, ask{method: "POST", path: "/api/v1/detect", local: true, body: `{"a":1}`})
}

func TestTokensAndTheirScope(t *testing.T) {
	r := newClaimed(t)
	c, ctx := r.control(), t.Context()
	shop := r.app("shop")
	r.app("secret-project")
	tok, err := c.CreateToken(ctx, api.CreateToken{Name: "ci", App: "shop", Actions: []string{"app.list", "app.read", "event.list", "event.read"}})
	if err != nil || !strings.HasPrefix(tok.Text, "cs_") || tok.App != shop.ID || tok.Expires == nil || tok.Expires.Sub(r.clock.now()) < 89*24*time.Hour {
		t.Fatalf("%+v %v", tok, err)
	}
	narrow := r.withToken(tok.Text)
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
	r.clock.move(91 * 24 * time.Hour)
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
	if _, err := r.withToken(for_ever.Text).Apps(ctx); !paas.IsKind(err, paas.Unauthenticated) {
		t.Errorf("a revoked token: %v", err)
	}
}

// A short name that is ambiguous only because of apps that the token cannot see is not ambiguous for it.
func TestAmbiguousNames(t *testing.T) {
	r := newClaimed(t)
	a, err := r.Store.CreateApp(paas.System, store.NewApp{Name: "web", Project: "one"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Store.CreateApp(paas.System, store.NewApp{Name: "web", Project: "two"}); err != nil {
		t.Fatal(err)
	}
	_, err = r.control().App(t.Context(), "web", "")
	var e *paas.Error
	if !errors.As(err, &e) || e.Kind != paas.Conflict || !strings.Contains(e.Hint, "one/web") || !strings.Contains(e.Hint, "two/web") {
		t.Errorf("%+v", err)
	}
	got, err := r.withToken(r.token(r.pathOf(a))).App(t.Context(), "web", "")
	if err != nil || got.ID != a.ID {
		t.Errorf("%+v %v", got, err)
	}
	none := r.withToken(r.token(paas.Path{Team: r.pathOf(a).Team, Client: "cli_x"}))
	_, err = none.App(t.Context(), "web", "")
	_, absent := none.App(t.Context(), "wob", "")
	if err == nil || absent == nil || strings.ReplaceAll(err.Error(), "web", "wob") != absent.Error() {
		t.Errorf("%v against %v", err, absent)
	}
}

func TestEventsInPages(t *testing.T) {
	r := newClaimed(t)
	c, ctx := r.control(), t.Context()
	for _, name := range []string{"a", "b", "c", "d"} {
		r.app(name)
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
	r.refused(400, ask{path: "/api/v1/events?before=x", local: true})
	r.refused(400, ask{path: "/api/v1/events?limit=100000", local: true})
}

func TestSystemIsHonest(t *testing.T) {
	r := newClaimed(t, func(o *Options) {
		o.Health.Docker = func(context.Context) (string, string, error) {
			return "", "", &paas.Error{Kind: paas.Unavailable, Msg: "docker does not answer"}
		}
		o.Health.Builder = func() BuilderStatus {
			return BuilderStatus{Step: "base", Percent: 40, Err: &paas.Error{Kind: paas.Failed, Msg: "no mirror", Hint: "try"}}
		}
	})
	got, err := r.control().System(t.Context())
	if err != nil || got.Version != "1.2.3" || got.Docker.OK || got.Docker.Error != "docker does not answer" || got.Builder.Error != "no mirror" || got.Builder.Percent != 40 {
		t.Errorf("%+v %v", got, err)
	}
	if got.Memory.Control < 1<<20 || got.Memory.Total < got.Memory.Available || got.Disk.Total <= 0 || got.Disk.Available > got.Disk.Total {
		t.Errorf("%+v %+v", got.Memory, got.Disk)
	}
}
