package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/cloudsania/cloudsania/server"
	"github.com/cloudsania/cloudsania/server/servertest"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/paas"
)

// walker sends requests through the real gate to handlers that only say that they were reached.
type walker struct {
	*servertest.Rig
	front http.Handler
}

func newWalker(r *servertest.Rig) *walker {
	table := r.Server.Table()
	for i := range table {
		table[i].Handle = func(c *server.Call) error { return c.NoContent(299) }
	}
	return &walker{r, r.Server.Front(table)}
}

// caller is somebody who asks, and what the gate should make of them.
type caller struct {
	name  string
	set   func(*http.Request)
	local bool
	who   access.Principal
	wrong bool // the credential is not valid: 401, whatever is asked
}

func (w *walker) send(rt server.Route, path string, who caller) *httptest.ResponseRecorder {
	body := "{}"
	if rt.Path == "/api/v1/apps" {
		body = `{"name":"fresh"}`
	}
	req := httptest.NewRequest(rt.Method, path, strings.NewReader(body))
	if rt.Method == http.MethodGet {
		req = httptest.NewRequest(rt.Method, path, nil)
	}
	req.Header.Set("Content-Type", "application/json")
	if rt.Page {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if !who.local {
		req.Header.Set("X-Forwarded-Proto", "https")
		req.Header.Set("X-Forwarded-For", "203.0.113.9")
		req.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	if who.set != nil {
		who.set(req)
	}
	rec := httptest.NewRecorder()
	if who.local {
		w.front.ServeHTTP(rec, server.FromRoot(req))
	} else {
		w.front.ServeHTTP(rec, server.FromEdge(req))
	}
	return rec
}

func bearer(text string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+text) }
}

// Every route × every principal × own, other client's and absent resource: a handler is reached exactly when access says so, and what may
// not be seen answers byte for byte like what is not there.
func TestEveryRouteByEveryPrincipal(t *testing.T) {
	r := servertest.New(t)
	r.Claim()
	w := newWalker(r)
	own, other := r.App("own"), r.App("other")
	ownPath, otherPath := r.PathOf(own), r.PathOf(other)
	team := paas.Path{Team: ownPath.Team}
	foreign := paas.Path{Team: ownPath.Team, Client: "cli_00000000000000000000000000"}
	cookie := r.Session()
	people := []caller{
		{name: "anonymous"},
		{name: "owner", set: func(q *http.Request) { q.AddCookie(&http.Cookie{Name: "__Host-cs", Value: cookie}) },
			who: access.Principal{Kind: access.User, User: r.Owner.ID, ID: r.Owner.ID, Role: paas.Owner, Scope: team}},
		{name: "forged session", set: func(q *http.Request) {
			q.AddCookie(&http.Cookie{Name: "__Host-cs", Value: paas.GenerateSecret().Reveal()})
		}},
		{name: "session under the plain name", set: func(q *http.Request) { q.AddCookie(&http.Cookie{Name: "cs", Value: cookie}) }},
		{name: "root", local: true, who: access.Principal{Kind: access.Root}},
		{name: "root with a wrong token", local: true, set: bearer("cs_wrong"), wrong: true},
		{name: "wrong token", set: bearer("cs_" + paas.GenerateSecret().Reveal()), wrong: true},
		{name: "not a token", set: bearer("hunter2"), wrong: true},
		{name: "password as Basic", set: func(q *http.Request) { q.SetBasicAuth(servertest.OwnerEmail, servertest.OwnerPassword) }, wrong: true},
		{name: "Digest", set: func(q *http.Request) { q.Header.Set("Authorization", "Digest x") }, wrong: true},
		{name: "session and wrong token", wrong: true, set: func(q *http.Request) {
			q.AddCookie(&http.Cookie{Name: "__Host-cs", Value: cookie})
			q.Header.Set("Authorization", "Bearer cs_no")
		}},
	}
	for name, scope := range map[string]paas.Path{"team": team, "own app": ownPath, "project": {Team: ownPath.Team, Client: ownPath.Client, Project: ownPath.Project}, "other client": foreign} {
		for _, actions := range [][]access.Action{nil, {access.AppRead}, {access.DeploymentCreate, access.GitWrite}} {
			var names []string
			for _, a := range actions {
				names = append(names, string(a))
			}
			text := r.Token(scope, names...)
			people = append(people, caller{name: fmt.Sprintf("token of %s %v", name, actions), set: bearer(text),
				who: access.Principal{Kind: access.Token, User: r.Owner.ID, Scope: scope, Actions: actions}})
		}
	}
	basic := r.Token(team)
	people = append(people, caller{name: "token as Basic", set: func(q *http.Request) { q.SetBasicAuth("git", basic) },
		who: access.Principal{Kind: access.Token, User: r.Owner.ID, Scope: team}})
	revoked := r.Token(team)
	tok, err := r.Store.TokenByHash(servertest.HashOf(revoked))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Store.RevokeToken(paas.System, tok.ID); err != nil {
		t.Fatal(err)
	}
	people = append(people, caller{name: "revoked token", set: bearer(revoked), wrong: true})

	ownDep := r.Deployment(own)
	otherDep := r.Deployment(other)
	someToken, err := r.Store.TokenByHash(servertest.HashOf(basic))
	if err != nil {
		t.Fatal(err)
	}
	sessions, err := r.Auth.Sessions(access.Principal{User: r.Owner.ID})
	if err != nil {
		t.Fatal(err)
	}
	// names of path parameters → own, other, absent, each with where it is
	type thing struct {
		asked string
		res   access.Resource
	}
	things := map[string][3]thing{
		":app":        {{own.ID, access.Resource{Path: ownPath}}, {other.ID, access.Resource{Path: otherPath}}, {paas.NewID("app"), access.Resource{}}},
		":deployment": {{ownDep.ID, access.Resource{Path: ownPath}}, {otherDep.ID, access.Resource{Path: otherPath}}, {paas.NewID("dep"), access.Resource{}}},
		":token":      {{someToken.ID, access.Resource{Path: team}}, {someToken.ID, access.Resource{Path: team}}, {paas.NewID("tok"), access.Resource{}}},
		":session":    {{sessions[0].ID, access.Resource{Owner: r.Owner.ID}}, {sessions[0].ID, access.Resource{Owner: r.Owner.ID}}, {"0123456789abcdef", access.Resource{}}},
		"":            {{"", access.Resource{}}, {"", access.Resource{}}, {"", access.Resource{}}},
	}
	fixed := map[access.Action]func(access.Principal) access.Resource{
		access.AppCreate: func(access.Principal) access.Resource {
			return access.Resource{Path: paas.Path{Team: ownPath.Team, Client: ownPath.Client}}
		},
	}
	for _, a := range []access.Action{access.SystemRead, access.EventVerify, access.TokenList, access.TokenCreate} {
		fixed[a] = func(access.Principal) access.Resource { return access.Resource{Path: team} }
	}
	for _, a := range []access.Action{access.SelfUpdate, access.SessionList, access.SessionRevoke} {
		fixed[a] = func(p access.Principal) access.Resource { return access.Resource{Owner: p.User} }
	}
	reached, refused := 0, 0
	for _, rt := range r.Server.Table() {
		param := ""
		for _, part := range strings.Split(rt.Path, "/") {
			if strings.HasPrefix(part, ":") {
				param = part
			}
		}
		if _, ok := things[param]; !ok {
			t.Fatalf("%s %s: the walk does not know the parameter %s", rt.Method, rt.Path, param)
		}
		for _, who := range people {
			var bodies [3]string
			for i, th := range things[param] {
				path := strings.Replace(rt.Path, param, th.asked, 1)
				if rt.Path == server.GitPath {
					path = "/git/own.git/info/refs"
				}
				res := th.res
				if f := fixed[rt.Action]; f != nil && param == "" {
					res = f(who.who)
				}
				want := access.Authorize(who.who, rt.Action, res)
				got := w.send(rt, path, who)
				label := fmt.Sprintf("%s %s by %s, resource %d", rt.Method, rt.Path, who.name, i)
				switch {
				case rt.Claiming:
					w.wantRefusal(t, label, rt, got, paas.Conflict)
				case who.wrong:
					w.wantRefusal(t, label, rt, got, paas.Unauthenticated)
				case want == nil && got.Code != 299:
					t.Errorf("%s: %d, want to reach the handler: %s", label, got.Code, got.Body)
				case want == nil:
					reached++
				default:
					refused++
					w.wantRefusal(t, label, rt, got, paas.Public(want).Kind)
				}
				bodies[i] = neutral(t, got, th.asked)
			}
			foreignPath := !who.who.Sees(otherPath)
			if param != "" && !who.wrong && foreignPath && bodies[1] != bodies[2] && param != ":token" && param != ":session" {
				t.Errorf("%s %s by %s: a foreign thing answers\n%s\nan absent one\n%s", rt.Method, rt.Path, who.name, bodies[1], bodies[2])
			}
		}
	}
	if reached < 300 || refused < 300 {
		t.Errorf("the walk was too short: %d reached, %d refused", reached, refused)
	}
}

func (w *walker) wantRefusal(t *testing.T, label string, rt server.Route, got *httptest.ResponseRecorder, kind paas.Kind) {
	t.Helper()
	if rt.Page && got.Code == http.StatusSeeOther && kind == paas.Unauthenticated {
		return
	}
	if got.Code != kind.HTTPStatus() {
		t.Errorf("%s: %d, want %s: %s", label, got.Code, kind, got.Body)
	}
}

// neutral is an answer without what differs between two requests.
func neutral(t *testing.T, got *httptest.ResponseRecorder, asked string) string {
	t.Helper()
	head := got.Header().Clone()
	head.Del("X-Request-Id")
	body := strings.ReplaceAll(got.Body.String(), got.Header().Get("X-Request-Id"), "ID")
	b, err := json.Marshal(head)
	if err != nil {
		t.Fatal(err)
	}
	all := fmt.Sprintf("%d %s %s", got.Code, b, body)
	if asked != "" {
		all = strings.ReplaceAll(all, asked, "ASKED")
	}
	return all
}

// Until there is an owner, nothing but the claim and the git remote's question for a token answers, and all else looks like an address that
// does not exist. What the administrator made on the local socket works: the installer's example app is pushed with it.
func TestUnclaimedAnswersOnlyTheClaim(t *testing.T) {
	r := servertest.New(t)
	w := newWalker(r)
	text := r.Token(paas.Path{})
	nothing := neutral(t, w.send(server.Route{Method: http.MethodGet}, "/api/v1/nothing", caller{}), "")
	for _, rt := range r.Server.Table() {
		path := strings.NewReplacer(":app", "x", ":deployment", "x", ":token", "x", ":session", "x", "*", "x").Replace(rt.Path)
		for _, who := range []caller{{name: "anonymous"}, {name: "wrong token", set: bearer("cs_" + paas.GenerateSecret().Reveal())}, {name: "wrong password", set: func(q *http.Request) { q.SetBasicAuth("a", "b") }}} {
			got := w.send(rt, path, who)
			switch {
			case rt.Claiming && who.set == nil:
				if got.Code != 299 {
					t.Errorf("%s %s by %s: %d, want the claim to answer", rt.Method, rt.Path, who.name, got.Code)
				}
			case rt.Claiming || rt.Unclaimed:
			case rt.IsAPI() && neutral(t, got, "") != nothing:
				t.Errorf("%s %s by %s answers\n%s\nand not as if it were not there\n%s", rt.Method, rt.Path, who.name, neutral(t, got, ""), nothing)
			case !rt.IsAPI() && got.Code != http.StatusNotFound && got.Code != http.StatusSeeOther:
				t.Errorf("%s %s by %s: %d", rt.Method, rt.Path, who.name, got.Code)
			}
		}
		if got := w.send(rt, path, caller{set: bearer(text)}); rt.Path == "/api/v1/apps" && got.Code != 299 {
			t.Errorf("the administrator's token does not reach %s %s: %d", rt.Method, rt.Path, got.Code)
		}
		if got := w.send(rt, path, caller{local: true}); rt.Path == "/api/v1/system" && got.Code != 299 {
			t.Errorf("root does not reach %s %s: %d", rt.Method, rt.Path, got.Code)
		}
	}
	browser := func(q *http.Request) { q.Header.Set("Accept", "text/html") }
	if got := w.send(server.Route{Method: http.MethodGet}, "/apps", caller{set: browser}); got.Code != http.StatusSeeOther || got.Header().Get("Location") != "/claim" {
		t.Errorf("a browser gets %d %s, want the claim page", got.Code, got.Header().Get("Location"))
	}
}

func TestNothingIsMountedOutsideTheTable(t *testing.T) {
	r := servertest.New(t)
	want := map[string]bool{}
	for _, rt := range r.Server.Table() {
		key := rt.Method + " " + rt.Path
		if want[key] {
			t.Errorf("%s is there twice", key)
		}
		want[key] = true
		if rt.Action == "" || rt.Resource == nil || rt.Handle == nil {
			t.Errorf("%s has no action, resource or handler", key)
		}
		if !slices.Contains(access.Actions(), rt.Action) {
			t.Errorf("%s has the unknown action %q", key, rt.Action)
		}
		if rt.Mutates() && rt.Method == http.MethodGet {
			t.Errorf("%s changes something", key)
		}
	}
	for _, e := range r.Server.Mounted() {
		if !want[e.Method+" "+e.Path] {
			t.Errorf("%s %s is mounted outside the table", e.Method, e.Path)
		}
		delete(want, e.Method+" "+e.Path)
	}
	if len(want) > 0 {
		t.Errorf("not mounted: %v", want)
	}
}

func TestAddressesThatDoNotExist(t *testing.T) {
	r := servertest.Claimed(t)
	for _, a := range []servertest.Ask{{Path: "/api/v1/nothing"}, {Path: "/api/v2/apps"}, {Method: "DELETE", Path: "/api/v1/health"}, {Method: "TRACE", Path: "/api/v1/apps"},
		{Path: "/api/v1/apps/"}, {Path: "/api/v1/apps/a/b/c"}, {Path: "/api/v1/../v1/nothing"}} {
		if e := r.Refused(http.StatusNotFound, a); e.Kind != string(paas.NotFound) {
			t.Errorf("%s: %+v", a.Path, e)
		}
	}
	var e api.Failed
	r.Want(http.StatusNotFound, servertest.Ask{Path: "/api/v1/nothing"}, &e)
	if got := r.Do(servertest.Ask{Path: "/nothing/here"}); got.Status != http.StatusNotFound {
		t.Errorf("a page that is not there: %d", got.Status)
	}
}
