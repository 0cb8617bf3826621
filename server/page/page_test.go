package page_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/server"
	"github.com/cloudsania/cloudsania/server/servertest"

	"golang.org/x/net/html"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/paas"
)

// browser is a person with pages open.
type browser struct {
	*servertest.Rig
	cookie string
	flash  string
}

func newBrowser(r *servertest.Rig) *browser { return &browser{Rig: r, cookie: r.Session()} }

// open gets a page that must be there.
func (b *browser) page(path string) string {
	b.T.Helper()
	header := map[string]string{"Accept": "text/html"}
	if b.flash != "" {
		header["Cookie"] = "__Host-cs=" + b.cookie + "; __Host-cs-said=" + b.flash
	}
	got := b.Want(http.StatusOK, servertest.Ask{Path: path, Cookie: b.cookie, Header: header}, nil)
	b.flash = ""
	if !strings.HasPrefix(got.Header.Get("Content-Type"), "text/html") || !strings.HasPrefix(got.Body, "<!doctype html>") {
		b.T.Fatalf("%s is no page: %s %.200s", path, got.Header.Get("Content-Type"), got.Body)
	}
	return got.Body
}

func (b *browser) post(path string, form url.Values) servertest.Reply {
	b.T.Helper()
	got := b.Do(servertest.Ask{Method: http.MethodPost, Path: path, Cookie: b.cookie, Raw: strings.NewReader(form.Encode()), Header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}})
	for _, c := range (&http.Response{Header: got.Header}).Cookies() {
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
	b.T.Helper()
	got := b.post(path, form)
	if got.Status != http.StatusSeeOther {
		b.T.Fatalf("POST %s: %d: %s\n%s", path, got.Status, text(got.Body), b.Logs)
	}
	return got.Header.Get("Location")
}

// refusedForm posts a form that must come back with what is wrong in it.
func (b *browser) refusedForm(status int, path string, form url.Values, want ...string) string {
	b.T.Helper()
	got := b.post(path, form)
	if got.Status != status || !strings.HasPrefix(got.Body, "<!doctype html>") {
		b.T.Fatalf("POST %s: %d, want %d: %s", path, got.Status, status, text(got.Body))
	}
	for _, w := range want {
		if !strings.Contains(text(got.Body), w) {
			b.T.Errorf("POST %s does not say %q: %s", path, w, text(got.Body))
		}
	}
	return got.Body
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
	r := servertest.Claimed(t)
	shop := r.App("shop")
	r.GoLive(shop, paas.Source{Kind: paas.SourceGit, Commit: "c41d9e2f7a", Branch: "main", Message: "First", Author: "Grace"})
	r.Clock.Move(time.Minute)
	r.GoLive(shop, paas.Source{Kind: paas.SourceGit, Commit: "5e27c10f7a", Branch: "main", Message: "Second <b>", Author: "Grace"})
	broken := r.App("broken")
	dep, _, err := r.Store.QueueDeployment(paas.System, r.Target(broken), paas.Source{Kind: paas.SourceUpload, Message: "broken.zip"})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Store.BeginDeployment(dep.ID); err != nil {
		t.Fatal(err)
	}
	r.Deploys.Say(dep.ID, paas.StepBuild, "npm error code EUSAGE")
	r.Deploys.Finish(t, dep.ID, paas.StatusFailed, &paas.Failure{Kind: paas.Failed, Step: paas.StepBuild, Message: "npm could not install", Hint: "commit the lockfile", Lines: []string{"npm error code EUSAGE"}})
	busy := r.App("busy")
	dep, _, err = r.Store.QueueDeployment(paas.System, r.Target(busy), paas.Source{Kind: paas.SourceGit, Message: "Going"})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Store.BeginDeployment(dep.ID); err != nil {
		t.Fatal(err)
	}
	r.Deploys.Say(dep.ID, paas.StepSource, "checking out")
	r.App("empty")
	return newBrowser(r)
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
			get, post := matched(b, http.MethodGet, plain), matched(b, http.MethodPost, plain)
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
func matched(b *browser, method, path string) *server.Route {
	for _, r := range b.Routes {
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
	b := newBrowser(servertest.Claimed(t))
	got := b.Do(servertest.Ask{Path: "/apps/nothing", Cookie: b.cookie, Header: map[string]string{"Accept": "text/html"}})
	if got.Status != http.StatusNotFound || !strings.Contains(got.Body, `class="side"`) {
		t.Errorf("%d %.300s", got.Status, got.Body)
	}
	got = b.Do(servertest.Ask{Path: "/no/route", Cookie: b.cookie, Header: map[string]string{"Accept": "text/html"}})
	if got.Status != http.StatusNotFound || !strings.Contains(text(got.Body), "There is nothing at this address") {
		t.Errorf("%d %.300s", got.Status, got.Body)
	}
	var said struct{ Message, Field string }
	got = b.Do(servertest.Ask{Method: http.MethodPost, Path: "/login", Raw: strings.NewReader("email=a&password=b"), Header: map[string]string{"Content-Type": "application/x-www-form-urlencoded", "X-Part": "json"}})
	if err := json.Unmarshal([]byte(got.Body), &said); err != nil || got.Status != http.StatusUnauthorized || said.Message == "" {
		t.Errorf("%d %s %v", got.Status, got.Body, err)
	}
}

func TestPagesAskTheGate(t *testing.T) {
	for _, r := range servertest.New(t).Routes {
		if r.IsAPI() || r.Path == "/static/*" || r.Claiming || strings.HasPrefix(r.Path, "/log") {
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
