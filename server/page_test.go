package server

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/paas"
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
	r.deploy.finish(t, dep.ID, paas.StatusFailed, &paas.Failure{Kind: paas.Failed, Step: paas.StepBuild, Message: "npm could not install", Hint: "commit the lockfile", Lines: []string{"npm error code EUSAGE"}})
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
