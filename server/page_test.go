package server

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/store"
)

// browser is a person with pages open.
type browser struct {
	*rig
	cookie string
	flash  string
}

func (r *rig) browser() *browser { return &browser{rig: r, cookie: r.session()} }

// open gets a page that must be there.
func (b *browser) page(path string) string {
	b.t.Helper()
	header := map[string]string{"Accept": "text/html"}
	if b.flash != "" {
		header["Cookie"] = "__Host-cs=" + b.cookie + "; __Host-cs-said=" + b.flash
	}
	got := b.want(http.StatusOK, ask{path: path, cookie: b.cookie, header: header}, nil)
	b.flash = ""
	if !strings.HasPrefix(got.header.Get("Content-Type"), "text/html") || !strings.HasPrefix(got.body, "<!doctype html>") {
		b.t.Fatalf("%s is no page: %s %.200s", path, got.header.Get("Content-Type"), got.body)
	}
	return got.body
}

func (b *browser) post(path string, form url.Values) reply {
	b.t.Helper()
	got := b.do(ask{method: http.MethodPost, path: path, cookie: b.cookie, raw: strings.NewReader(form.Encode()), header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}})
	for _, c := range (&http.Response{Header: got.header}).Cookies() {
		switch c.Name {
		case "__Host-cs":
			b.cookie = c.Value
		case "__Host-cs-said":
			b.flash = c.Value
		}
	}
	return got
}

// sent posts a form that must work, and returns where it leads.
func (b *browser) sent(path string, form url.Values) string {
	b.t.Helper()
	got := b.post(path, form)
	if got.status != http.StatusSeeOther {
		b.t.Fatalf("POST %s: %d: %s\n%s", path, got.status, text(got.body), b.logs)
	}
	return got.header.Get("Location")
}

// refusedForm posts a form that must come back with what is wrong in it.
func (b *browser) refusedForm(status int, path string, form url.Values, want ...string) string {
	b.t.Helper()
	got := b.post(path, form)
	if got.status != status || !strings.HasPrefix(got.body, "<!doctype html>") {
		b.t.Fatalf("POST %s: %d, want %d: %s", path, got.status, status, text(got.body))
	}
	for _, w := range want {
		if !strings.Contains(text(got.body), w) {
			b.t.Errorf("POST %s does not say %q: %s", path, w, text(got.body))
		}
	}
	return got.body
}

// text is what a page says, without markup.
func text(page string) string {
	var out []string
	z := html.NewTokenizer(strings.NewReader(page))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return strings.Join(out, " ")
		case html.TextToken:
			if s := strings.TrimSpace(string(z.Text())); s != "" {
				out = append(out, s)
			}
		}
	}
}

func says(t *testing.T, page string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(text(page), w) {
			t.Errorf("the page does not say %q: %s", w, text(page))
		}
	}
}

// town is a claimed server with an app in each state: live twice over, failed, on its way, empty.
func town(t *testing.T) *browser {
	t.Helper()
	r := newClaimed(t)
	shop := r.app("shop")
	r.goLive(shop, paas.Source{Kind: paas.SourceGit, Commit: "c41d9e2f7a", Branch: "main", Message: "First", Author: "Grace"})
	r.clock.move(time.Minute)
	r.goLive(shop, paas.Source{Kind: paas.SourceGit, Commit: "5e27c10f7a", Branch: "main", Message: "Second <b>", Author: "Grace"})
	broken := r.app("broken")
	dep, _, err := r.Store.QueueDeployment(paas.System, r.target(broken), paas.Source{Kind: paas.SourceUpload, Message: "broken.zip"})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Store.BeginDeployment(dep.ID); err != nil {
		t.Fatal(err)
	}
	r.deploy.say(dep.ID, paas.StepBuild, "npm error code EUSAGE")
	r.deploy.finish(t, dep.ID, paas.DeployFail, &paas.Failure{Kind: paas.Failed, Step: paas.StepBuild, Message: "npm could not install", Hint: "commit the lockfile", Lines: []string{"npm error code EUSAGE"}})
	busy := r.app("busy")
	dep, _, err = r.Store.QueueDeployment(paas.System, r.target(busy), paas.Source{Kind: paas.SourceGit, Message: "Going"})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Store.BeginDeployment(dep.ID); err != nil {
		t.Fatal(err)
	}
	r.deploy.say(dep.ID, paas.StepSource, "checking out")
	r.app("empty")
	return r.browser()
}

var hrefs = regexp.MustCompile(`(?:href|action)="(/[^"]*)"`)

// TestEveryLinkLeadsSomewhere opens every page that can be reached from the home page, and finds a route for each form.
func TestEveryLinkLeadsSomewhere(t *testing.T) {
	b := town(t)
	seen, todo := map[string]bool{}, []string{"/", "/audit?q=shop", "/apps/shop/rollback?to=1"}
	for len(todo) > 0 {
		path := todo[0]
		todo = todo[1:]
		body := b.page(path)
		for _, m := range hrefs.FindAllStringSubmatch(body, -1) {
			to := html.UnescapeString(m[1])
			plain, _, _ := strings.Cut(strings.SplitN(to, "#", 2)[0], "?")
			if seen[to] {
				continue
			}
			seen[to] = true
			get, post := matched(http.MethodGet, plain), matched(http.MethodPost, plain)
			switch {
			case get == nil && post == nil:
				t.Errorf("%s points to %s, which is no address", path, to)
			case strings.HasPrefix(m[0], "action") && post == nil && get == nil:
				t.Errorf("%s sends a form to %s, which takes none", path, to)
			case get != nil && strings.HasPrefix(m[0], "href") && !strings.HasSuffix(plain, "/log") && !strings.HasSuffix(plain, "/download") && !strings.HasPrefix(plain, "/static/"):
				todo = append(todo, to)
			}
		}
	}
	if len(seen) < 40 {
		t.Errorf("only %d addresses were found", len(seen))
	}
}

// matched is the page route that answers a path.
func matched(method, path string) *Route {
	for _, r := range pageRoutes() {
		if r.Method != method {
			continue
		}
		pattern := regexp.MustCompile(`:[a-z]+`).ReplaceAllString(strings.TrimSuffix(r.Path, "*"), `[^/]+`)
		if strings.HasSuffix(r.Path, "*") {
			pattern += `.+`
		}
		if regexp.MustCompile("^" + pattern + "$").MatchString(path) {
			return &r
		}
	}
	return nil
}

func TestHomePage(t *testing.T) {
	b := town(t)
	says(t, b.page("/"), "Your app is up.", "One needs you.", "npm could not install. Nothing is online yet.", "Second <b>", "v2")
	if n := newClaimed(t).browser().page("/"); !strings.Contains(text(n), "Put your first app online") {
		t.Errorf("a server without apps says %s", text(n))
	}
}

func TestAppPages(t *testing.T) {
	b := town(t)
	says(t, b.page("/apps/shop"), "Healthy", "v2", "Go back to this", "https://cloud.test/git/shop.git")
	says(t, b.page("/apps/broken"), "The new version did not build", "Commit the lockfile.", "Nothing is online yet, so no visitor is affected")
	says(t, b.page("/apps/busy"), "v1 is on its way", "Stop this deploy", "checking out")
	says(t, b.page("/apps/empty"), "Waiting for code", "Show the lines for git push")
	got := b.do(ask{path: "/apps/nothing", cookie: b.cookie, header: map[string]string{"Accept": "text/html"}})
	if got.status != http.StatusNotFound || !strings.Contains(text(got.body), "There is nothing at this address") {
		t.Errorf("%d %s", got.status, text(got.body))
	}
}

func TestFailedDeployPage(t *testing.T) {
	b := town(t)
	app, err := b.Store.FindApp("broken")
	if err != nil {
		t.Fatal(err)
	}
	deps, err := b.Store.Deployments(b.target(app), 1)
	if err != nil {
		t.Fatal(err)
	}
	page := b.page("/deploys/" + deps[0].ID)
	says(t, page, "What happened", "npm could not install.", "Suggested fix", "Commit the lockfile.", "npm error code EUSAGE")
	if !strings.Contains(page, `<li class="err"`) {
		t.Error("the line that shows the problem is not marked")
	}
	got := b.want(http.StatusOK, ask{path: "/deploys/" + deps[0].ID + "/log", cookie: b.cookie}, nil)
	if !strings.Contains(got.header.Get("Content-Disposition"), `attachment; filename="broken-`) || !strings.Contains(got.body, "npm error code EUSAGE\n") {
		t.Errorf("%v %s", got.header, got.body)
	}
}

func TestSigningInAndOut(t *testing.T) {
	b := &browser{rig: newClaimed(t)}
	got := b.do(ask{path: "/keys?x=1"})
	if got.status != http.StatusSeeOther || got.header.Get("Location") != "/login?next=%2Fkeys%3Fx%3D1" {
		t.Fatalf("%d %v", got.status, got.header)
	}
	says(t, b.page("/login?next=%2Fkeys"), "Sign in", "Password")
	page := b.refusedForm(http.StatusUnauthorized, "/login", url.Values{"email": {ownerEmail}, "password": {"wrong horse battery"}}, "is not right")
	if !strings.Contains(page, ownerEmail) || strings.Contains(page, "wrong horse") {
		t.Error("the form forgets the address, or keeps the password")
	}
	if to := b.sent("/login", url.Values{"email": {ownerEmail}, "password": {ownerPassword}, "next": {"/keys"}}); to != "/keys" || b.cookie == "" {
		t.Fatalf("to %q", to)
	}
	says(t, b.page("/keys"), "No key yet")
	if to := b.sent("/logout", nil); to != "/login" {
		t.Errorf("signing out leads to %q", to)
	}
	if got := b.do(ask{path: "/keys", cookie: b.cookie}); got.status != http.StatusSeeOther {
		t.Errorf("signed out and still %d", got.status)
	}
}

func TestSafeNext(t *testing.T) {
	for in, want := range map[string]string{
		"/apps/shop": "/apps/shop", "": "/", "//evil.test": "/", "https://evil.test": "/", `/\evil.test`: "/", "/login?next=/x": "/", "/apps/x/live": "/",
		"/static/x.css": "/", "javascript:alert(1)": "/", "/a\nb": "/", "/" + strings.Repeat("x", 2000): "/",
	} {
		if got := safeNext(in); got != want {
			t.Errorf("safeNext(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestClaimingInTheBrowser(t *testing.T) {
	r := newRig(t)
	secret, _, err := NewClaim(r.Store, r.clock.now())
	if err != nil {
		t.Fatal(err)
	}
	r.run()
	b := &browser{rig: r}
	says(t, b.page("/claim"), "This server is waiting for its owner")
	b.refusedForm(http.StatusUnauthorized, "/claim", url.Values{"claim": {"nope"}}, "This claim is not valid.")
	page := b.page("/claim/" + secret)
	says(t, page, "Create your sign-in", "Add two-step sign-in now")
	form := url.Values{"claim": {secret}, "name": {"Ada Lovelace"}, "email": {ownerEmail}, "password": {"short"}}
	page = b.refusedForm(http.StatusBadRequest, "/claim", form, "A password has at least 15 characters.")
	if !strings.Contains(page, `value="Ada Lovelace"`) || !strings.Contains(page, `value="`+secret+`"`) {
		t.Error("the form forgets what was right")
	}
	form.Set("password", ownerPassword)
	if to := b.sent("/claim", form); to != "/welcome" {
		t.Fatalf("claiming leads to %q", to)
	}
	says(t, b.page("/welcome"), "Your cloud is ready, Ada", "https://cloud.test")
	got := b.do(ask{path: "/claim", header: map[string]string{"Accept": "text/html"}})
	if got.status != http.StatusConflict || !strings.Contains(text(got.body), "This server has its owner already") {
		t.Errorf("a second claim: %d %s", got.status, text(got.body))
	}
}

func upload(t *testing.T, name string, files map[string]string) (body *bytes.Buffer, contentType string) {
	t.Helper()
	body = &bytes.Buffer{}
	form := multipart.NewWriter(body)
	part, err := form.CreateFormFile("file", name)
	if err == nil {
		_, err = part.Write(zipOf(t, files))
	}
	if err == nil {
		err = form.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return body, form.FormDataContentType()
}

func TestNewAppFromUpload(t *testing.T) {
	b := newClaimed(t).browser()
	body, kind := upload(t, "My Shop.zip", map[string]string{"app.js": "hello"})
	var answer struct{ Go string }
	b.want(http.StatusOK, ask{method: http.MethodPost, path: "/new/upload", cookie: b.cookie, raw: body, header: map[string]string{"Content-Type": kind, "X-Part": "json"}}, &answer)
	if !strings.HasPrefix(answer.Go, "/new?upload=upl_") {
		t.Fatalf("%+v", answer)
	}
	page := b.page(answer.Go)
	says(t, page, "Ready to deploy", "My Shop.zip")
	if !strings.Contains(page, `value="my-shop"`) {
		t.Error("no name is suggested")
	}
	id := strings.TrimPrefix(answer.Go, "/new?upload=")
	b.refusedForm(http.StatusBadRequest, "/new", url.Values{"upload": {id}, "name": {"My Shop!"}}, "cannot be a name", "for instance")
	if to := b.sent("/new", url.Values{"upload": {id}, "name": {"my-shop"}}); to != "/apps/my-shop" {
		t.Fatalf("deploying leads to %q", to)
	}
	if src := b.deploy.lastSource(); src.Kind != paas.SourceUpload || src.Upload != id {
		t.Errorf("deployed %+v", src)
	}
	b.refusedForm(http.StatusConflict, "/new", url.Values{"upload": {id}, "name": {"my-shop"}}, "is taken")
	body, kind = upload(t, "new.zip", map[string]string{"app.js": "hello again"})
	got := b.do(ask{method: http.MethodPost, path: "/apps/my-shop/upload", cookie: b.cookie, raw: body, header: map[string]string{"Content-Type": kind}})
	if got.status != http.StatusSeeOther || !strings.HasPrefix(got.header.Get("Location"), "/deploys/dep_") {
		t.Errorf("a new version by upload: %d %s", got.status, text(got.body))
	}
}

// TestUploadProblemsAreFindings: what cannot be deployed is said on the page, beside what can be corrected.
func TestUploadProblemsAreFindings(t *testing.T) {
	b := newClaimed(t).browser()
	body, kind := upload(t, "x.zip", map[string]string{"notes.txt": "hello"})
	var answer struct{ Go, Message string }
	b.want(http.StatusOK, ask{method: http.MethodPost, path: "/new/upload", cookie: b.cookie, raw: body, header: map[string]string{"Content-Type": kind, "X-Part": "json"}}, &answer)
	says(t, b.page(answer.Go), "Cannot be deployed as it is", "No recognisable language.", "Add a package.json.")
	b.want(http.StatusBadRequest, ask{method: http.MethodPost, path: "/new/upload", cookie: b.cookie, raw: strings.NewReader(""), header: map[string]string{"Content-Type": "application/x-www-form-urlencoded", "X-Part": "json"}}, &answer)
	if answer.Message == "" {
		t.Error("a script learns nothing of the error")
	}
}

func TestNewAppForPushing(t *testing.T) {
	b := newClaimed(t).browser()
	got := b.post("/new/push", url.Values{"name": {"first"}})
	if got.status != http.StatusOK || got.header.Get("Content-Encoding") != "" {
		t.Fatalf("%d %v", got.status, got.header)
	}
	m := regexp.MustCompile(`git remote add cloudsania https://git:(cs_[a-z2-7]+)@cloud\.test/git/first\.git\ngit push cloudsania HEAD:main`).FindStringSubmatch(html.UnescapeString(got.body))
	if m == nil {
		t.Fatalf("no lines to paste in %s", text(got.body))
	}
	tok, err := b.Store.TokenByHash(hashOf(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	app, err := b.Store.FindApp("first")
	if err != nil || tok.Scope.App != app.ID || !slices.Equal(tok.Actions, []string{"git.read", "git.write"}) || tok.Expires.IsZero() {
		t.Errorf("the key is %+v, %v", tok, err)
	}
	if strings.Contains(b.page("/apps/first"), m[1]) {
		t.Error("the key is shown again")
	}
	b.refusedForm(http.StatusConflict, "/new/push", url.Values{"name": {"first"}}, "is taken")
	says(t, b.page("/keys"), "git push to first", "Push and fetch, only first")
}

func TestNewAppFromRepository(t *testing.T) {
	b := newClaimed(t).browser()
	b.refusedForm(http.StatusBadRequest, "/new/url", url.Values{"url": {"git@github.com:you/x"}}, "is not the address of a public repository")
	if to := b.sent("/new/url", url.Values{"url": {"https://example.com/you/My-Shop.git"}, "branch": {"dev"}}); to != "/apps/my-shop" {
		t.Fatalf("leads to %q", to)
	}
	if src := b.deploy.lastSource(); src.URL != "https://example.com/you/My-Shop.git" || src.Branch != "dev" {
		t.Errorf("%+v", src)
	}
	if to := b.sent("/apps/my-shop/deploy", nil); !strings.HasPrefix(to, "/deploys/dep_") {
		t.Errorf("deploying again leads to %q", to)
	}
}

func TestVariablesInTheBrowser(t *testing.T) {
	b := town(t)
	const path = "/apps/shop/variables"
	to := b.sent(path, url.Values{"new_name": {"A", "", "VITE_X"}, "new_value": {"secret-1\r\nsecond line", "", "x"}, "new_build": {"", "", ""}, "env": {"export B='two words' # no\nC=3 # comment\n\n# nothing\nD=\"a\\nb\""}})
	if !strings.HasPrefix(to, "/deploys/dep_") {
		t.Fatalf("leads to %q", to)
	}
	app, err := b.Store.FindApp("shop")
	if err != nil {
		t.Fatal(err)
	}
	got := func() map[string]string {
		vars, err := b.Store.Variables(b.target(app))
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]string{}
		for _, v := range vars {
			out[v.Name] = v.Value.Reveal()
			if v.Build {
				out[v.Name] += " (build)"
			}
		}
		return out
	}
	want := map[string]string{"A": "secret-1\nsecond line", "VITE_X": "x (build)", "B": "two words", "C": "3", "D": "a\nb"}
	if g := got(); !mapsEqual(g, want) {
		t.Fatalf("%q, want %q", g, want)
	}
	page := b.page(path)
	if strings.Contains(page, "secret-1") || strings.Contains(page, "two words") {
		t.Error("a value is shown")
	}
	says(t, page, "VITE_X", "Public", "Saving makes a new version. v2 keeps serving until it is healthy.")
	b.sent(path, url.Values{"old_name": {"A", "B", "C", "D", "VITE_X"}, "old_value": {"new", "", "", "", ""}, "old_build": {"C"}, "remove": {"B"}})
	if g := got(); g["A"] != "new" || g["B"] != "" || g["C"] != "3 (build)" || g["D"] != "a\nb" || g["VITE_X"] != "x (build)" {
		t.Errorf("%q", g)
	}
	if to := b.sent(path, url.Values{"old_name": {"A"}, "old_value": {""}}); to != path {
		t.Errorf("no change leads to %q", to)
	}
	says(t, b.page(path), "Nothing was different.")
	page = b.refusedForm(http.StatusBadRequest, path, url.Values{"new_name": {"1X"}, "new_value": {"hidden-value"}}, `"1X" cannot be a variable's name.`)
	if strings.Contains(page, "hidden-value") || !strings.Contains(page, `value="1X"`) {
		t.Error("the row is forgotten, or its value is not")
	}
	b.refusedForm(http.StatusBadRequest, path, url.Values{"env": {"GOOD=1\nnot a line"}}, `Line 2 of the pasted text has no "=".`)
}

func mapsEqual(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for k, v := range a {
		if b[k] != v {
			return false
		}
	}
	return true
}

func TestSettingsInTheBrowser(t *testing.T) {
	b := town(t)
	if to := b.sent("/apps/shop/settings/build", url.Values{"root": {"web"}, "start_command": {"npm run go"}}); to != "/apps/shop/settings" {
		t.Errorf("leads to %q", to)
	}
	app, err := b.Store.FindApp("shop")
	if err != nil || app.Build.Root != "web" || app.Build.StartCommand != "npm run go" {
		t.Errorf("%+v %v", app.Build, err)
	}
	b.refusedForm(http.StatusBadRequest, "/apps/shop/settings/size", url.Values{"memory_mb": {"a lot"}, "cpus": {"1"}}, "An app has at least 32 MB of memory.")
	b.refusedForm(http.StatusBadRequest, "/apps/shop/settings/size", url.Values{"memory_mb": {"512"}, "cpus": {"NaN"}}, "is not a number of processors")
	if to := b.sent("/apps/shop/settings/size", url.Values{"memory_mb": {"1024"}, "cpus": {"0,5"}}); !strings.HasPrefix(to, "/deploys/dep_") {
		t.Errorf("leads to %q", to)
	}
	if p, err := b.Store.Placement(b.target(app)); err != nil || p.Limits.MemoryMB != 1024 || p.Limits.CPUs != 0.5 {
		t.Errorf("%+v %v", p.Limits, err)
	}
	b.refusedForm(http.StatusConflict, "/apps/shop/settings/name", url.Values{"name": {"empty"}}, "is taken")
	if to := b.sent("/apps/shop/settings/name", url.Values{"name": {"store"}}); to != "/apps/store/settings" {
		t.Errorf("leads to %q", to)
	}
	says(t, b.page("/apps/store/settings"), "Renamed. It is at store.cloud.test now.")
	b.refusedForm(http.StatusBadRequest, "/apps/store/delete", url.Values{"typed": {"shop"}}, "That is not its name.")
	if to := b.sent("/apps/store/delete", url.Values{"typed": {"store"}}); to != "/" {
		t.Errorf("leads to %q", to)
	}
	if _, err := b.Store.FindApp("store"); !paas.IsKind(err, paas.NotFound) {
		t.Errorf("it is still there: %v", err)
	}
}

func TestRollbackSaysWhatChanges(t *testing.T) {
	r := newClaimed(t)
	shop := r.app("shop")
	target := r.target(shop)
	set := func(name, value string) {
		t.Helper()
		if err := r.Store.SetVariables(paas.System, target, []paas.Variable{{Name: name, Value: paas.NewSecret(value)}}, nil); err != nil {
			t.Fatal(err)
		}
	}
	set("SAME", "1")
	set("OTHER", "old-value")
	r.goLive(shop, paas.Source{Kind: paas.SourceGit, Message: "First"})
	set("OTHER", "new-value")
	set("ADDED", "1")
	if err := r.Store.SetVariables(paas.System, target, nil, []string{"SAME"}); err != nil {
		t.Fatal(err)
	}
	r.goLive(shop, paas.Source{Kind: paas.SourceGit, Message: "Second"})
	b := r.browser()
	page := b.page("/apps/shop/rollback")
	says(t, page, "Roll back shop to v1?", "Keep v2", "“First”", "ADDED goes, OTHER changes, SAME returns", "finish on the version that they started with", "to main replaces v1 again")
	if strings.Contains(page, "old-value") || strings.Contains(page, "new-value") {
		t.Error("a value is shown")
	}
	part := b.want(http.StatusOK, ask{path: "/apps/shop/rollback?to=1", cookie: b.cookie, header: map[string]string{"X-Part": "body"}}, nil)
	if strings.Contains(part.body, "<html") || !strings.Contains(part.body, "Roll back shop to v1?") {
		t.Errorf("the dialog is %s", part.body)
	}
	if to := b.sent("/apps/shop/rollback", url.Values{"to": {"1"}}); !strings.HasPrefix(to, "/deploys/dep_") || !slices.Contains(r.deploy.called(), "rollback 1") {
		t.Errorf("leads to %q, asked %v", to, r.deploy.called())
	}
	if got := b.do(ask{path: "/apps/shop/rollback?to=2", cookie: b.cookie}); got.status != http.StatusConflict {
		t.Errorf("going back to what is live: %d", got.status)
	}
}

func TestStoppingAndTryingAgain(t *testing.T) {
	b := town(t)
	app, err := b.Store.FindApp("busy")
	if err != nil {
		t.Fatal(err)
	}
	deps, err := b.Store.Deployments(b.target(app), 1)
	if err != nil {
		t.Fatal(err)
	}
	if to := b.sent("/deploys/"+deps[0].ID+"/stop", nil); to != "/deploys/"+deps[0].ID {
		t.Errorf("leads to %q", to)
	}
	says(t, b.page("/deploys/"+deps[0].ID), "was stopped", "Stopped. What is live was not touched.")
	if to := b.sent("/deploys/"+deps[0].ID+"/again", nil); !strings.HasPrefix(to, "/deploys/dep_") || to == "/deploys/"+deps[0].ID {
		t.Errorf("leads to %q", to)
	}
}

func TestKeysInTheBrowser(t *testing.T) {
	b := town(t)
	app, err := b.Store.FindApp("shop")
	if err != nil {
		t.Fatal(err)
	}
	got := b.post("/keys", url.Values{"name": {"laptop"}, "scope": {app.ID}, "days": {"30"}})
	m := regexp.MustCompile(`cs_[a-z2-7]{20,}`).FindString(got.body)
	if got.status != http.StatusOK || m == "" {
		t.Fatalf("%d %s", got.status, text(got.body))
	}
	tok, err := b.Store.TokenByHash(hashOf(m))
	if err != nil || tok.Scope.App != app.ID || tok.User != b.owner.ID {
		t.Errorf("%+v %v", tok, err)
	}
	if strings.Contains(b.page("/keys"), m) {
		t.Error("the key is shown again")
	}
	b.refusedForm(http.StatusBadRequest, "/keys", url.Values{"name": {""}}, "name")
	says(t, b.page("/keys/"+tok.ID+"/end"), "End the key “laptop”?")
	if to := b.sent("/keys/"+tok.ID+"/end", nil); to != "/keys" {
		t.Errorf("leads to %q", to)
	}
	if _, err := b.Store.TokenByHash(hashOf(m)); !paas.IsKind(err, paas.NotFound) {
		t.Errorf("the key still works: %v", err)
	}
}

func TestAuditPage(t *testing.T) {
	b := town(t)
	page := b.page("/audit")
	says(t, page, "The record is complete.", "Cloudsania created shop")
	says(t, b.page("/audit?q=shop+created"), "created shop")
	if p := text(b.page("/audit?q=zebra")); !strings.Contains(p, "Nothing matches “zebra”") {
		t.Error(p)
	}
	if got := b.post("/audit/check", nil); got.status != http.StatusOK || !strings.Contains(text(got.body), "form one unbroken chain") {
		t.Errorf("%d %s", got.status, text(got.body))
	}
	for range auditRows {
		if err := b.Store.AppendEvent(paas.System, "test.more", "", paas.Path{}, nil); err != nil {
			t.Fatal(err)
		}
	}
	m := regexp.MustCompile(`href="(/audit\?before=\d+[^"]*)"`).FindStringSubmatch(b.page("/audit"))
	if m == nil {
		t.Fatal("there is no way to older entries")
	}
	says(t, b.page(html.UnescapeString(m[1])), "created shop")
}

func TestAccountPage(t *testing.T) {
	b := newClaimed(t).browser()
	other := b.session()
	says(t, b.page("/account"), "Ada", ownerEmail, "Two-step sign-in", "This one", "Sign out everywhere else")
	b.sent("/account/profile", url.Values{"name": {"Ada L."}, "email": {ownerEmail}})
	b.refusedForm(http.StatusForbidden, "/account/profile", url.Values{"name": {"Ada"}, "email": {"new@example.com"}, "current": {"wrong"}}, "The present password is not right.")
	b.refusedForm(http.StatusForbidden, "/account/password", url.Values{"current": {"wrong"}, "password": {"long enough to be one"}}, "The present password is not right.")
	b.refusedForm(http.StatusBadRequest, "/account/password", url.Values{"current": {ownerPassword}, "password": {"short"}}, "A password has at least 15 characters.")
	got := b.post("/account/second/begin", nil)
	secret := regexp.MustCompile(`name="secret" value="([A-Z2-7]+)"`).FindStringSubmatch(got.body)
	if got.status != http.StatusOK || secret == nil || !strings.Contains(got.body, `class="qr"`) {
		t.Fatalf("%d %s", got.status, text(got.body))
	}
	page := b.refusedForm(http.StatusBadRequest, "/account/second", url.Values{"secret": {secret[1]}, "code": {"000000"}, "current": {ownerPassword}}, "This code is not the right one.")
	if !strings.Contains(page, secret[1]) {
		t.Error("a mistyped code throws the scanned secret away")
	}
	b.sent("/account/second", url.Values{"secret": {secret[1]}, "code": {codeAt(t, secret[1], b.clock.now())}, "current": {ownerPassword}})
	says(t, b.page("/account"), "Two-step sign-in is on.", "Signing in asks for a code")
	if got := b.do(ask{path: "/", cookie: other}); got.status != http.StatusSeeOther {
		t.Errorf("another browser is still signed in: %d", got.status)
	}
	b.clock.move(time.Minute)
	page = (&browser{rig: b.rig}).refusedForm(http.StatusUnauthorized, "/login", url.Values{"email": {ownerEmail}, "password": {ownerPassword}}, "The code of your authenticator app is missing.")
	if strings.Contains(page, `id="code-box" hidden`) {
		t.Error("the code is asked for, but its field is hidden")
	}
	b.sent("/account/second/off", url.Values{"current": {ownerPassword}})
	says(t, b.page("/account"), "Two-step sign-in is off.")
}

func TestErrorsAreFramedForPeopleAndShortForScripts(t *testing.T) {
	b := newClaimed(t).browser()
	got := b.do(ask{path: "/apps/nothing", cookie: b.cookie, header: map[string]string{"Accept": "text/html"}})
	if got.status != http.StatusNotFound || !strings.Contains(got.body, `class="side"`) {
		t.Errorf("%d %.300s", got.status, got.body)
	}
	got = b.do(ask{path: "/no/route", cookie: b.cookie, header: map[string]string{"Accept": "text/html"}})
	if got.status != http.StatusNotFound || !strings.Contains(text(got.body), "There is nothing at this address") {
		t.Errorf("%d %.300s", got.status, got.body)
	}
	var said struct{ Message, Field string }
	got = b.do(ask{method: http.MethodPost, path: "/login", raw: strings.NewReader("email=a&password=b"), header: map[string]string{"Content-Type": "application/x-www-form-urlencoded", "X-Part": "json"}})
	if err := json.Unmarshal([]byte(got.body), &said); err != nil || got.status != http.StatusUnauthorized || said.Message == "" {
		t.Errorf("%d %s %v", got.status, got.body, err)
	}
}

func TestStaticFilesStayInTheBrowser(t *testing.T) {
	r := newRig(t) // before there is an owner, too
	r.run()
	b := &browser{rig: r}
	path := regexp.MustCompile(`/static/cloudsania\.[0-9a-f]+\.css`).FindString(b.page("/claim"))
	got := b.want(http.StatusOK, ask{path: path}, nil)
	if !strings.Contains(got.header.Get("Cache-Control"), "immutable") || !strings.HasPrefix(got.header.Get("Content-Type"), "text/css") || !strings.Contains(got.body, "--canvas") {
		t.Errorf("%v", got.header)
	}
	raw := b.open(ask{path: path, header: map[string]string{"Accept-Encoding": "gzip"}})
	_ = raw.Body.Close()
	if raw.Header.Get("Content-Encoding") != "gzip" {
		t.Error("it is not compressed")
	}
	if got := b.do(ask{path: "/static/..%2f..%2fetc%2fpasswd"}); got.status != http.StatusNotFound {
		t.Errorf("%d", got.status)
	}
}

// events reads a stream until n events of that name have come.
func (b *browser) events(ctx context.Context, path, name string, n int) (data []string) {
	b.t.Helper()
	resp, err := b.try(ctx, ask{path: path, cookie: b.cookie})
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		b.t.Fatalf("%s: %d", path, resp.StatusCode)
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	event, body := "", ""
	for lines.Scan() {
		l := lines.Text()
		switch {
		case l == "":
			if event == name {
				if data = append(data, body); len(data) == n {
					return data
				}
			}
			event, body = "", ""
		case strings.HasPrefix(l, "event: "):
			event = l[7:]
		case strings.HasPrefix(l, "data: "):
			body += l[6:] + "\n"
		}
	}
	b.t.Fatalf("%s ended after %d of %d events %q: %v", path, len(data), n, name, lines.Err())
	return nil
}

func TestDeployPageIsLive(t *testing.T) {
	b := town(t)
	app, err := b.Store.FindApp("busy")
	if err != nil {
		t.Fatal(err)
	}
	deps, err := b.Store.Deployments(b.target(app), 1)
	if err != nil {
		t.Fatal(err)
	}
	id := deps[0].ID
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if got := b.events(ctx, "/deploys/"+id+"/live", "parts", 1); !strings.Contains(got[0], `id="deploy-one"`) || !strings.Contains(text(got[0]), "is on its way") {
		t.Errorf("parts: %s", got[0])
	}
	b.deploy.say(id, paas.StepBuild, "\x1b[31mbuilding <b>")
	if got := b.events(ctx, "/deploys/"+id+"/live?after=1", "lines", 1); !strings.Contains(got[0], "building &lt;b&gt;") || strings.Contains(got[0], "checking out") {
		t.Errorf("lines: %s", got[0])
	}
	if got := b.events(ctx, "/apps/busy/live", "lines", 1); !strings.Contains(got[0], "checking out") {
		t.Errorf("lines on the app's page: %s", got[0])
	}
	if got := b.events(ctx, "/live", "parts", 1); !strings.Contains(got[0], `id="fleet-rows"`) {
		t.Errorf("parts of the home page: %s", got[0])
	}
	done := make(chan []string, 1)
	go func() { done <- b.events(ctx, "/deploys/"+id+"/live", "end", 1) }()
	time.Sleep(50 * time.Millisecond) // the stream shall be open before it ends
	b.deploy.finish(t, id, paas.DeployFail, &paas.Failure{Step: paas.StepBuild, Message: "no"})
	select {
	case <-done:
	case <-ctx.Done():
		t.Error("the stream does not end with the deployment")
	}
}

func TestLogPageIsLive(t *testing.T) {
	b := town(t)
	at := b.clock.now()
	b.deploy.mu.Lock()
	b.deploy.app = []AppLogLine{{Time: at, Process: "web", Text: "first"}, {Time: at.Add(time.Second), Process: "jobs", Text: "error second"}}
	b.deploy.mu.Unlock()
	page := b.page("/apps/shop/logs")
	says(t, page, "first", "error second")
	if !strings.Contains(page, `class="err"`) {
		t.Error("the error is not marked")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	got := b.events(ctx, "/apps/shop/logs/live?after="+url.QueryEscape(at.Format(time.RFC3339Nano)), "lines", 1)
	if strings.Contains(got[0], "first") || !strings.Contains(got[0], "second") {
		t.Errorf("lines after the first: %s", got[0])
	}
	if got := b.want(http.StatusOK, ask{path: "/apps/shop/logs/download?process=web", cookie: b.cookie}, nil); !strings.Contains(got.body, "web first") || strings.Contains(got.body, "second") {
		t.Error(got.body)
	}
}

func TestCrashingAppIsDown(t *testing.T) {
	b := town(t)
	app, err := b.Store.FindApp("shop")
	if err != nil {
		t.Fatal(err)
	}
	b.clock.move(time.Second)
	path, err := b.Store.PathOf(app.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Store.AppendEvent(paas.System, "instance.crashing", app.ID, path, map[string]string{"process": "web", "exit_code": "1"}); err != nil {
		t.Fatal(err)
	}
	says(t, b.page("/"), "Your app is down.", "Two need you.", "It stops by itself again and again")
	says(t, b.page("/apps/shop"), "shop is down", "Roll back")
	b.clock.move(crashShown)
	says(t, b.page("/"), "Your app is up.")
}

func TestUsageBecomesLoad(t *testing.T) {
	b := town(t)
	app, err := b.Store.FindApp("shop")
	if err != nil {
		t.Fatal(err)
	}
	target := b.target(app)
	var samples []paas.Usage
	for i := range 3 {
		samples = append(samples, paas.Usage{Instance: "ins_1", App: app.ID, Environment: target.Environment, Time: b.clock.now().Add(-time.Duration(2-i) * time.Minute), CPUMillis: 30000, MemoryBytes: 256 << 20, Requests: 100, SentBytes: 1 << 20})
	}
	if err := b.Store.AddUsage(samples); err != nil {
		t.Fatal(err)
	}
	says(t, b.page("/apps/shop"), "256 MB", "50%", "300", "3 MB")
}

func TestTwoAppsOfOneName(t *testing.T) {
	b := newClaimed(t).browser()
	for _, project := range []string{"red", "blue"} {
		if _, err := b.Store.CreateApp(paas.System, store.NewApp{Name: "web", Project: project}); err != nil {
			t.Fatal(err)
		}
	}
	page := b.page("/")
	says(t, page, "red/web", "blue/web")
	for _, m := range regexp.MustCompile(`class="appname" href="([^"]+)"`).FindAllStringSubmatch(page, -1) {
		if !strings.HasPrefix(m[1], "/apps/app_") {
			t.Errorf("%s could be either", m[1])
		}
		b.page(m[1])
	}
}

func TestPagesAskTheGate(t *testing.T) {
	for _, r := range pageRoutes() {
		if r.Path == "/static/*" || r.Claiming || strings.HasPrefix(r.Path, "/log") {
			continue
		}
		if access.Authorize(access.Principal{}, r.Action, access.Resource{}) == nil {
			t.Errorf("%s %s is open to everybody", r.Method, r.Path)
		}
		if !r.Page {
			t.Errorf("%s %s does not say that it is for people", r.Method, r.Path)
		}
	}
}

// TestRecoveryPage: people get a page with its style, programs the plain answer, and nobody the data directory.
func TestRecoveryPage(t *testing.T) {
	ask := func(path, accept string) *httptest.ResponseRecorder {
		req, rec := httptest.NewRequest(http.MethodGet, path, nil), httptest.NewRecorder()
		req.Header.Set("Accept", accept)
		if !recoveryPage(rec, req) {
			return nil
		}
		return rec
	}
	page := ask("/apps/shop", "text/html")
	if page == nil || page.Code != http.StatusServiceUnavailable || !strings.Contains(text(page.Body.String()), "Apps that are live stay live") {
		t.Fatalf("%+v", page)
	}
	style := regexp.MustCompile(`/static/cloudsania\.[0-9a-f]+\.css`).FindString(page.Body.String())
	if css := ask(style, "*/*"); css == nil || css.Code != http.StatusOK {
		t.Errorf("its style sheet: %+v", css)
	}
	if ask("/api/v1/apps", "application/json") != nil || ask("/static/nothing.css", "*/*") != nil {
		t.Error("programs get a page")
	}
}
