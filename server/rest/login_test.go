package rest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/cloudsania/cloudsania/server/servertest"

	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/auth"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/store"
)

// sessionCookie is the cookie of that name in an answer.
func sessionCookie(t *testing.T, got servertest.Reply, name string) *http.Cookie {
	t.Helper()
	for _, c := range (&http.Response{Header: got.Header}).Cookies() {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("no cookie %s in %v", name, got.Header)
	return nil
}

func loginAs(email, password string) servertest.Ask {
	return servertest.Ask{Method: "POST", Path: "/api/v1/login", Body: fmt.Sprintf(`{"email":%q,"password":%q}`, email, password)}
}

func TestLoginSetsAStrictCookie(t *testing.T) {
	r := servertest.Claimed(t)
	got := r.Want(http.StatusOK, loginAs(servertest.OwnerEmail, servertest.OwnerPassword), nil)
	c := sessionCookie(t, got, "__Host-cs")
	if !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || len(c.Value) < 50 {
		t.Errorf("cookie %+v", c)
	}
	r.Want(http.StatusOK, servertest.Ask{Path: "/api/v1/users/me", Cookie: c.Value}, nil)

	a := loginAs(servertest.OwnerEmail, servertest.OwnerPassword)
	a.Plain = true
	got = r.Want(http.StatusOK, a, nil)
	if p := sessionCookie(t, got, "cs"); p.Secure || !p.HttpOnly {
		t.Errorf("cookie without TLS %+v", p)
	}
	if _, err := r.Store.Session(c.Value); !paas.IsKind(err, paas.NotFound) {
		t.Error("the store knows the cookie itself, and not its hash")
	}
	// the plain name is not read on a secure connection: an app on a sibling host could set it
	r.Refused(http.StatusUnauthorized, servertest.Ask{Path: "/api/v1/users/me", Header: map[string]string{"Cookie": "cs=" + c.Value}})
	// nor does a cookie count on the local socket, or before a wrong token
	r.Refused(http.StatusUnauthorized, servertest.Ask{Path: "/api/v1/users/me", Cookie: c.Value, Token: "cs_no"})
}

// A cookie that was there before the login is worth nothing after it.
func TestSessionFixation(t *testing.T) {
	r := servertest.Claimed(t)
	old := r.Session()
	a := loginAs(servertest.OwnerEmail, servertest.OwnerPassword)
	a.Cookie = old
	fresh := sessionCookie(t, r.Want(http.StatusOK, a, nil), "__Host-cs").Value
	if fresh == old {
		t.Error("the session keeps its id at the login")
	}
	r.Refused(http.StatusUnauthorized, servertest.Ask{Path: "/api/v1/users/me", Cookie: old})
	a.Cookie = "chosen-by-an-attacker"
	if got := sessionCookie(t, r.Want(http.StatusOK, a, nil), "__Host-cs").Value; got == a.Cookie {
		t.Error("the server takes over a cookie that somebody else made")
	}
}

// Who does not know the password cannot tell whether there is such an account, nor whether it has a second factor.
func TestLoginTellsNothing(t *testing.T) {
	r := servertest.Claimed(t)
	if err := r.Store.SealTOTP(r.Owner.ID, auth.NewEnrolment("", paas.Secret{}).Secret); err != nil {
		t.Fatal(err)
	}
	var bodies []string
	for _, a := range []servertest.Ask{loginAs(servertest.OwnerEmail, "wrong"), loginAs("nobody@example.com", "wrong"), loginAs(servertest.OwnerEmail, strings.Repeat("x", 5000)), loginAs(strings.Repeat("x", 5000), "wrong"), loginAs("", "")} {
		got := r.Want(http.StatusUnauthorized, a, nil)
		bodies = append(bodies, strings.ReplaceAll(got.Body, got.Header.Get("X-Request-Id"), ""))
	}
	for _, b := range bodies[1:] {
		if b != bodies[0] {
			t.Errorf("%s differs from %s", b, bodies[0])
		}
	}
	if strings.Contains(r.Logs.String(), servertest.OwnerEmail) {
		t.Error("the log has the address of whoever did not get in")
	}
	events, err := r.Store.Events(store.EventFilter{Subject: r.Owner.ID})
	if err != nil || len(events) == 0 || events[0].Action != "session.refused" || events[0].Actor.Addr != "203.0.113.9" {
		t.Errorf("the refusals are not on record: %+v %v", events, err)
	}
}

func TestSessionsAreListedAndRevoked(t *testing.T) {
	r := servertest.Claimed(t)
	here, there := r.Session(), r.Session()
	var list api.Sessions
	r.Want(http.StatusOK, servertest.Ask{Path: "/api/v1/sessions", Cookie: here}, &list)
	if len(list.Sessions) != 2 {
		t.Fatalf("%+v", list)
	}
	current, other := list.Sessions[0], list.Sessions[1]
	if !current.Current {
		current, other = other, current
	}
	if !current.Current || other.Current || strings.HasPrefix(servertest.HashOf(here), other.ID) {
		t.Errorf("%+v", list)
	}
	r.Want(http.StatusNoContent, servertest.Ask{Method: "DELETE", Path: "/api/v1/sessions/" + other.ID, Cookie: here}, nil)
	r.Refused(http.StatusUnauthorized, servertest.Ask{Path: "/api/v1/sessions", Cookie: there})
	r.Refused(http.StatusNotFound, servertest.Ask{Method: "DELETE", Path: "/api/v1/sessions/" + other.ID, Cookie: here})
	third := r.Session()
	r.Want(http.StatusNoContent, servertest.Ask{Method: "DELETE", Path: "/api/v1/sessions", Cookie: here}, nil)
	r.Refused(http.StatusUnauthorized, servertest.Ask{Path: "/api/v1/sessions", Cookie: third})
	r.Want(http.StatusOK, servertest.Ask{Path: "/api/v1/sessions", Cookie: here}, nil)
}

func TestSigningOutTakesTheCookieAway(t *testing.T) {
	r := servertest.Claimed(t)
	cookie := r.Session()
	got := r.Want(http.StatusNoContent, servertest.Ask{Method: "POST", Path: "/api/v1/logout", Cookie: cookie}, nil)
	if c := sessionCookie(t, got, "__Host-cs"); c.MaxAge >= 0 || c.Value != "" {
		t.Errorf("signing out leaves %+v", c)
	}
	r.Refused(http.StatusUnauthorized, servertest.Ask{Path: "/api/v1/users/me", Cookie: cookie})
}

// What voids every session signs the browser that asked in again.
func TestAccountChangesKeepThisBrowserSignedIn(t *testing.T) {
	r := servertest.Claimed(t)
	cookie := r.Session()
	renewed := func(status int, method, path, body string, out any) {
		t.Helper()
		got := r.Want(status, servertest.Ask{Method: method, Path: "/api/v1/users/me" + path, Cookie: cookie, Body: body}, out)
		r.Refused(http.StatusUnauthorized, servertest.Ask{Path: "/api/v1/users/me", Cookie: cookie})
		cookie = sessionCookie(t, got, "__Host-cs").Value
		r.Want(http.StatusOK, servertest.Ask{Path: "/api/v1/users/me", Cookie: cookie}, nil)
	}
	change := servertest.Ask{Method: "POST", Path: "/api/v1/users/me/password", Cookie: cookie, Body: `{"password":"wrong","new":"another horse battery"}`}
	if e := r.Refused(http.StatusForbidden, change); e.Field != "password" {
		t.Errorf("a wrong password: %+v", e)
	}
	renewed(http.StatusNoContent, "POST", "/password", fmt.Sprintf(`{"password":%q,"new":"another horse battery"}`, servertest.OwnerPassword), nil)
	var e api.EnrolmentSecret
	r.Want(http.StatusOK, servertest.Ask{Method: "POST", Path: "/api/v1/users/me/totp", Cookie: cookie}, &e)
	code := servertest.CodeAt(t, e.Secret, r.Clock.Now())
	var u api.User
	renewed(http.StatusOK, "PUT", "/totp", fmt.Sprintf(`{"secret":%q,"code":%q,"password":"another horse battery"}`, e.Secret, code), &u)
	if !u.TOTP {
		t.Errorf("%+v", u)
	}
	renewed(http.StatusOK, "DELETE", "/totp", `{"password":"another horse battery"}`, &u)
	if u.TOTP {
		t.Errorf("%+v", u)
	}
	r.Refused(http.StatusForbidden, servertest.Ask{Method: "PATCH", Path: "/api/v1/users/me", Cookie: cookie, Body: `{"email":"eve@example.com"}`})
	body := `{"email":"new@example.com","name":"Ada L","password":"another horse battery"}`
	r.Want(http.StatusOK, servertest.Ask{Method: "PATCH", Path: "/api/v1/users/me", Cookie: cookie, Body: body}, &u)
	if u.Email != "new@example.com" || u.Name != "Ada L" {
		t.Errorf("%+v", u)
	}
}

func TestGuessingIsToldWhenToComeBack(t *testing.T) {
	r := servertest.Claimed(t)
	for range 5 {
		r.Refused(http.StatusUnauthorized, loginAs(servertest.OwnerEmail, "wrong"))
	}
	got := r.Do(loginAs(servertest.OwnerEmail, servertest.OwnerPassword))
	if got.Status != http.StatusTooManyRequests || got.Header.Get("Retry-After") != "2" {
		t.Errorf("%d, Retry-After %q", got.Status, got.Header.Get("Retry-After"))
	}
}
