package server

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/auth"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/store"
)

// sessionCookie is the cookie of that name in an answer.
func sessionCookie(t *testing.T, got reply, name string) *http.Cookie {
	t.Helper()
	for _, c := range (&http.Response{Header: got.header}).Cookies() {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("no cookie %s in %v", name, got.header)
	return nil
}

func loginAs(email, password string) ask {
	return ask{method: "POST", path: "/api/v1/login", body: fmt.Sprintf(`{"email":%q,"password":%q}`, email, password)}
}

func TestLoginSetsAStrictCookie(t *testing.T) {
	r := newClaimed(t)
	got := r.want(http.StatusOK, loginAs(ownerEmail, ownerPassword), nil)
	c := sessionCookie(t, got, "__Host-cs")
	if !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || len(c.Value) < 50 {
		t.Errorf("cookie %+v", c)
	}
	r.want(http.StatusOK, ask{path: "/api/v1/users/me", cookie: c.Value}, nil)

	a := loginAs(ownerEmail, ownerPassword)
	a.plain = true
	got = r.want(http.StatusOK, a, nil)
	if p := sessionCookie(t, got, "cs"); p.Secure || !p.HttpOnly {
		t.Errorf("cookie without TLS %+v", p)
	}
	if _, err := r.Store.Session(c.Value); !paas.IsKind(err, paas.NotFound) {
		t.Error("the store knows the cookie itself, and not its hash")
	}
	// the plain name is not read on a secure connection: an app on a sibling host could set it
	r.refused(http.StatusUnauthorized, ask{path: "/api/v1/users/me", header: map[string]string{"Cookie": "cs=" + c.Value}})
	// nor does a cookie count on the local socket, or before a wrong token
	r.refused(http.StatusUnauthorized, ask{path: "/api/v1/users/me", cookie: c.Value, token: "cs_no"})
}

// A cookie that was there before the login is worth nothing after it.
func TestSessionFixation(t *testing.T) {
	r := newClaimed(t)
	old := r.session()
	a := loginAs(ownerEmail, ownerPassword)
	a.cookie = old
	fresh := sessionCookie(t, r.want(http.StatusOK, a, nil), "__Host-cs").Value
	if fresh == old {
		t.Error("the session keeps its id at the login")
	}
	r.refused(http.StatusUnauthorized, ask{path: "/api/v1/users/me", cookie: old})
	a.cookie = "chosen-by-an-attacker"
	if got := sessionCookie(t, r.want(http.StatusOK, a, nil), "__Host-cs").Value; got == a.cookie {
		t.Error("the server takes over a cookie that somebody else made")
	}
}

// Who does not know the password cannot tell whether there is such an account, nor whether it has a second factor.
func TestLoginTellsNothing(t *testing.T) {
	r := newClaimed(t)
	if err := r.Store.SealTOTP(r.owner.ID, auth.NewEnrolment("", paas.Secret{}).Secret); err != nil {
		t.Fatal(err)
	}
	var bodies []string
	for _, a := range []ask{loginAs(ownerEmail, "wrong"), loginAs("nobody@example.com", "wrong"), loginAs(ownerEmail, strings.Repeat("x", 5000)), loginAs(strings.Repeat("x", 5000), "wrong"), loginAs("", "")} {
		got := r.want(http.StatusUnauthorized, a, nil)
		bodies = append(bodies, strings.ReplaceAll(got.body, got.header.Get("X-Request-Id"), ""))
	}
	for _, b := range bodies[1:] {
		if b != bodies[0] {
			t.Errorf("%s differs from %s", b, bodies[0])
		}
	}
	if strings.Contains(r.logs.String(), ownerEmail) {
		t.Error("the log has the address of whoever did not get in")
	}
	events, err := r.Store.Events(store.EventFilter{Subject: r.owner.ID})
	if err != nil || len(events) == 0 || events[0].Action != "session.refused" || events[0].Actor.Addr != "203.0.113.9" {
		t.Errorf("the refusals are not on record: %+v %v", events, err)
	}
}

func TestSessionsAreListedAndRevoked(t *testing.T) {
	r := newClaimed(t)
	here, there := r.session(), r.session()
	var list api.Sessions
	r.want(http.StatusOK, ask{path: "/api/v1/sessions", cookie: here}, &list)
	if len(list.Sessions) != 2 {
		t.Fatalf("%+v", list)
	}
	current, other := list.Sessions[0], list.Sessions[1]
	if !current.Current {
		current, other = other, current
	}
	if !current.Current || other.Current || strings.HasPrefix(hashOf(here), other.ID) {
		t.Errorf("%+v", list)
	}
	r.want(http.StatusNoContent, ask{method: "DELETE", path: "/api/v1/sessions/" + other.ID, cookie: here}, nil)
	r.refused(http.StatusUnauthorized, ask{path: "/api/v1/sessions", cookie: there})
	r.refused(http.StatusNotFound, ask{method: "DELETE", path: "/api/v1/sessions/" + other.ID, cookie: here})
	third := r.session()
	r.want(http.StatusNoContent, ask{method: "DELETE", path: "/api/v1/sessions", cookie: here}, nil)
	r.refused(http.StatusUnauthorized, ask{path: "/api/v1/sessions", cookie: third})
	r.want(http.StatusOK, ask{path: "/api/v1/sessions", cookie: here}, nil)
}

func TestSigningOutTakesTheCookieAway(t *testing.T) {
	r := newClaimed(t)
	cookie := r.session()
	got := r.want(http.StatusNoContent, ask{method: "POST", path: "/api/v1/logout", cookie: cookie}, nil)
	if c := sessionCookie(t, got, "__Host-cs"); c.MaxAge >= 0 || c.Value != "" {
		t.Errorf("signing out leaves %+v", c)
	}
	r.refused(http.StatusUnauthorized, ask{path: "/api/v1/users/me", cookie: cookie})
}

// What voids every session signs the browser that asked in again.
func TestAccountChangesKeepThisBrowserSignedIn(t *testing.T) {
	r := newClaimed(t)
	cookie := r.session()
	renewed := func(status int, method, path, body string, out any) {
		t.Helper()
		got := r.want(status, ask{method: method, path: "/api/v1/users/me" + path, cookie: cookie, body: body}, out)
		r.refused(http.StatusUnauthorized, ask{path: "/api/v1/users/me", cookie: cookie})
		cookie = sessionCookie(t, got, "__Host-cs").Value
		r.want(http.StatusOK, ask{path: "/api/v1/users/me", cookie: cookie}, nil)
	}
	change := ask{method: "POST", path: "/api/v1/users/me/password", cookie: cookie, body: `{"password":"wrong","new":"another horse battery"}`}
	if e := r.refused(http.StatusForbidden, change); e.Field != "password" {
		t.Errorf("a wrong password: %+v", e)
	}
	renewed(http.StatusNoContent, "POST", "/password", fmt.Sprintf(`{"password":%q,"new":"another horse battery"}`, ownerPassword), nil)
	var e api.EnrolmentSecret
	r.want(http.StatusOK, ask{method: "POST", path: "/api/v1/users/me/totp", cookie: cookie}, &e)
	code := codeAt(t, e.Secret, r.clock.now())
	var u api.User
	renewed(http.StatusOK, "PUT", "/totp", fmt.Sprintf(`{"secret":%q,"code":%q,"password":"another horse battery"}`, e.Secret, code), &u)
	if !u.TOTP {
		t.Errorf("%+v", u)
	}
	renewed(http.StatusOK, "DELETE", "/totp", `{"password":"another horse battery"}`, &u)
	if u.TOTP {
		t.Errorf("%+v", u)
	}
	r.refused(http.StatusForbidden, ask{method: "PATCH", path: "/api/v1/users/me", cookie: cookie, body: `{"email":"eve@example.com"}`})
	body := `{"email":"new@example.com","name":"Ada L","password":"another horse battery"}`
	r.want(http.StatusOK, ask{method: "PATCH", path: "/api/v1/users/me", cookie: cookie, body: body}, &u)
	if u.Email != "new@example.com" || u.Name != "Ada L" {
		t.Errorf("%+v", u)
	}
}

func TestGuessingIsToldWhenToComeBack(t *testing.T) {
	r := newClaimed(t)
	for range 5 {
		r.refused(http.StatusUnauthorized, loginAs(ownerEmail, "wrong"))
	}
	got := r.do(loginAs(ownerEmail, ownerPassword))
	if got.status != http.StatusTooManyRequests || got.header.Get("Retry-After") != "2" {
		t.Errorf("%d, Retry-After %q", got.status, got.header.Get("Retry-After"))
	}
}
