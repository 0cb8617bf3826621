package server

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/paas"
)

func TestAuthorizeGit(t *testing.T) {
	r := newRig(t)
	r.claimIt()
	own, other := r.app("own"), r.app("other")
	team := paas.Path{Team: r.pathOf(own).Team}
	q := withPeer(&http.Request{Header: http.Header{"X-Forwarded-For": {"203.0.113.9"}}}, peer{known: true, edge: true})
	all, narrow, reader := r.token(team), r.token(r.pathOf(own)), r.token(team, string(access.GitRead))
	tests := []struct {
		name, token, app string
		write            bool
		want             paas.Kind
	}{
		{"own, fetch", all, "own", false, ""},
		{"own, push", all, "own", true, ""},
		{"by project and name", all, "own/own", true, ""},
		{"by id", all, own.ID, true, ""},
		{"own app only", narrow, "own", true, ""},
		{"another app", narrow, "other", false, paas.NotFound},
		{"push to another app", narrow, "other", true, paas.NotFound},
		{"push to an app that is not there, without the right", narrow, "fresh", true, paas.NotFound},
		{"fetch with a token for that", reader, "other", false, ""},
		{"push with a token for fetching", reader, "other", true, paas.Forbidden},
		{"push with it to an app that is not there", reader, "fresh", true, paas.NotFound},
		{"fetch from an app that is not there", all, "fresh", false, paas.NotFound},
		{"a wrong token", "cs_x", "own", false, paas.Unauthenticated},
		{"a password", ownerPassword, "own", false, paas.Unauthenticated},
		{"nothing", "", "own", false, paas.Unauthenticated},
		{"push to a name that cannot be", all, "a--b", true, paas.Invalid},
		{"push to a fresh app", all, "fresh", true, ""},
		{"push to a fresh app of a project", all, "own/worker", true, ""},
	}
	for _, tt := range tests {
		app, actor, err := r.Doors.AuthorizeGit(t.Context(), q, paas.NewSecret(tt.token), tt.app, tt.write)
		if tt.want == "" && (err != nil || app.ID == "" || actor.Kind != paas.ActorToken || actor.Addr != "203.0.113.9") {
			t.Errorf("%s: %+v %+v %v", tt.name, app, actor, err)
		}
		if tt.want != "" && !paas.IsKind(err, tt.want) {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
	}
	// a foreign app and none at all are the same refusal, hint included
	_, _, foreign := r.Doors.AuthorizeGit(t.Context(), q, paas.NewSecret(narrow), "other", true)
	_, _, absent := r.Doors.AuthorizeGit(t.Context(), q, paas.NewSecret(narrow), "nobody", true)
	var f, a *paas.Error
	if !errors.As(foreign, &f) || !errors.As(absent, &a) || strings.ReplaceAll(f.Msg+f.Hint, "other", "nobody") != a.Msg+a.Hint {
		t.Errorf("%v %v", foreign, absent)
	}
	if _, err := r.Store.App(other.ID); err != nil {
		t.Error(err)
	}
}

// The git remote gets requests as they are, and asks for credentials by itself.
func TestGitIsReached(t *testing.T) {
	var path, auth string
	r := newClaimed(t, func(o *Options) {
		o.Git = http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			path, auth = q.URL.Path, q.Header.Get("Authorization")
			if auth == "" {
				w.Header().Set("WWW-Authenticate", "Basic")
				w.WriteHeader(http.StatusUnauthorized)
			}
		})
	})
	if got := r.do(ask{path: "/git/shop.git/info/refs?service=git-receive-pack"}); got.status != 401 || got.header.Get("WWW-Authenticate") != "Basic" {
		t.Errorf("%+v", got)
	}
	text := r.token(paas.Path{})
	a := ask{method: "POST", path: "/git/shop.git/git-receive-pack", raw: strings.NewReader("0000"), header: map[string]string{"Content-Type": "application/x-git-receive-pack-request"}, drop: []string{"Sec-Fetch-Site"}}
	req, err := http.NewRequest("GET", "/", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("x", text)
	a.header["Authorization"] = req.Header.Get("Authorization")
	if got := r.do(a); got.status != 200 || path != "/git/shop.git/git-receive-pack" || auth == "" {
		t.Errorf("%+v %s", got, path)
	}
}
