package server_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/cloudsania/cloudsania/control"
	"github.com/cloudsania/cloudsania/server"
	"github.com/cloudsania/cloudsania/server/servertest"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/paas"
)

func TestOpenRepository(t *testing.T) {
	r := servertest.New(t)
	r.Claim()
	own, other := r.App("own"), r.App("other")
	team := paas.Path{Team: r.PathOf(own).Team}
	open := func(token, app string, write bool) (paas.App, paas.Actor, error) {
		by, err := r.Auth.Token(paas.NewSecret(token), "203.0.113.9")
		if err != nil {
			return paas.App{}, paas.Actor{}, err
		}
		a, _, err := r.Control.OpenRepository(t.Context(), by, app, write)
		return a, by.Actor(), err
	}
	all, narrow, reader := r.Token(team), r.Token(r.PathOf(own)), r.Token(team, string(access.GitRead))
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
		{"a password", servertest.OwnerPassword, "own", false, paas.Unauthenticated},
		{"nothing", "", "own", false, paas.Unauthenticated},
		{"push to a name that cannot be", all, "a--b", true, paas.Invalid},
		{"push to a fresh app", all, "fresh", true, ""},
		{"push to a fresh app of a project", all, "own/worker", true, ""},
	}
	for _, tt := range tests {
		app, actor, err := open(tt.token, tt.app, tt.write)
		if tt.want == "" && (err != nil || app.ID == "" || actor.Kind != paas.ActorToken || actor.Addr != "203.0.113.9") {
			t.Errorf("%s: %+v %+v %v", tt.name, app, actor, err)
		}
		if tt.want != "" && !paas.IsKind(err, tt.want) {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
	}
	// a foreign app and none at all are the same refusal, hint included
	_, _, foreign := open(narrow, "other", true)
	_, _, absent := open(narrow, "nobody", true)
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
	r := servertest.Claimed(t, func(_ *control.Options, o *server.Options) {
		o.Git = http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			path, auth = q.URL.Path, q.Header.Get("Authorization")
			if auth == "" {
				w.Header().Set("WWW-Authenticate", "Basic")
				w.WriteHeader(http.StatusUnauthorized)
			}
		})
	})
	if got := r.Do(servertest.Ask{Path: "/git/shop.git/info/refs?service=git-receive-pack"}); got.Status != 401 || got.Header.Get("WWW-Authenticate") != "Basic" {
		t.Errorf("%+v", got)
	}
	text := r.Token(paas.Path{})
	a := servertest.Ask{Method: "POST", Path: "/git/shop.git/git-receive-pack", Raw: strings.NewReader("0000"), Header: map[string]string{"Content-Type": "application/x-git-receive-pack-request"}, Drop: []string{"Sec-Fetch-Site"}}
	req, err := http.NewRequest("GET", "/", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("x", text)
	a.Header["Authorization"] = req.Header.Get("Authorization")
	if got := r.Do(a); got.Status != 200 || path != "/git/shop.git/git-receive-pack" || auth == "" {
		t.Errorf("%+v %s", got, path)
	}
}
