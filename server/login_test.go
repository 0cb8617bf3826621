package server

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/api"
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

func TestSessionsEnd(t *testing.T) {
	r := newClaimed(t)
	alive := func(cookie string) bool {
		return r.do(ask{path: "/api/v1/users/me", cookie: cookie}).status == http.StatusOK
	}
	idle := r.session()
	r.clock.move(sessionIdle - time.Minute)
	if !alive(idle) {
		t.Fatal("a session ends too early")
	}
	r.clock.move(sessionIdle - time.Minute)
	if !alive(idle) {
		t.Error("use does not keep a session alive")
	}
	r.clock.move(sessionIdle + time.Minute)
	if alive(idle) {
		t.Error("an idle session lives on")
	}
	busy := r.session()
	for at := time.Duration(0); at < sessionLife; at += 6 * time.Hour {
		if !alive(busy) {
			t.Fatalf("a busy session ended after %s", at)
		}
		r.clock.move(6 * time.Hour)
	}
	if alive(busy) {
		t.Error("a session lives for more than a week")
	}
	out := r.session()
	got := r.want(http.StatusNoContent, ask{method: "POST", path: "/api/v1/logout", cookie: out}, nil)
	if c := sessionCookie(t, got, "__Host-cs"); c.MaxAge >= 0 || c.Value != "" {
		t.Errorf("signing out leaves %+v", c)
	}
	if alive(out) {
		t.Error("a session lives on after signing out")
	}
}

func TestPasswordChangeEndsEverySession(t *testing.T) {
	r := newClaimed(t)
	here, there := r.session(), r.session()
	change := ask{method: "POST", path: "/api/v1/users/me/password", cookie: here, body: `{"password":"not it at all","new":"another horse battery"}`}
	if e := r.refused(http.StatusForbidden, change); e.Field != "password" {
		t.Errorf("a wrong password: %+v", e)
	}
	change.body = fmt.Sprintf(`{"password":%q,"new":"short"}`, ownerPassword)
	r.refused(http.StatusBadRequest, change)
	change.body = fmt.Sprintf(`{"password":%q,"new":"another horse battery"}`, ownerPassword)
	fresh := sessionCookie(t, r.want(http.StatusNoContent, change, nil), "__Host-cs").Value
	for name, cookie := range map[string]string{"here": here, "there": there} {
		if got := r.do(ask{path: "/api/v1/users/me", cookie: cookie}); got.status != http.StatusUnauthorized {
			t.Errorf("%s: the old session still works", name)
		}
	}
	r.want(http.StatusOK, ask{path: "/api/v1/users/me", cookie: fresh}, nil)
	r.refused(http.StatusUnauthorized, loginAs(ownerEmail, ownerPassword))
	r.want(http.StatusOK, loginAs(ownerEmail, "another horse battery"), nil)
}

func TestSecondFactor(t *testing.T) {
	r := newClaimed(t)
	cookie := r.session()
	var e api.EnrolmentSecret
	r.want(http.StatusOK, ask{method: "POST", path: "/api/v1/users/me/totp", cookie: cookie}, &e)
	on := func(password, code string) ask {
		return ask{method: "PUT", path: "/api/v1/users/me/totp", cookie: cookie, body: fmt.Sprintf(`{"secret":%q,"code":%q,"password":%q}`, e.Secret, code, password)}
	}
	code := codeAt(t, e.Secret, r.clock.now())
	r.refused(http.StatusForbidden, on("wrong", code))
	r.refused(http.StatusBadRequest, on(ownerPassword, "12345"))
	var u api.User
	got := r.want(http.StatusOK, on(ownerPassword, code), &u)
	if !u.TOTP {
		t.Errorf("%+v", u)
	}
	r.refused(http.StatusUnauthorized, ask{path: "/api/v1/users/me", cookie: cookie})
	cookie = sessionCookie(t, got, "__Host-cs").Value

	// The same code on many connections at once: exactly one gets in.
	r.clock.move(2 * totpPeriod * time.Second)
	code = codeAt(t, e.Secret, r.clock.now())
	body := fmt.Sprintf(`{"email":%q,"password":%q,"code":%q}`, ownerEmail, ownerPassword, code)
	var mu sync.Mutex
	in := 0
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			got := r.do(ask{method: "POST", path: "/api/v1/login", body: body, header: map[string]string{"X-Forwarded-For": fmt.Sprintf("192.0.%d.1", i)}})
			mu.Lock()
			defer mu.Unlock()
			if got.status == http.StatusOK {
				in++
			}
		})
	}
	wg.Wait()
	if in != 1 {
		t.Errorf("one code signed %d browsers in", in)
	}
	off := ask{method: "DELETE", path: "/api/v1/users/me/totp", cookie: cookie, body: `{"password":"wrong"}`}
	r.refused(http.StatusForbidden, off)
	off.body = fmt.Sprintf(`{"password":%q}`, ownerPassword)
	r.want(http.StatusOK, off, &u)
	if u.TOTP {
		t.Errorf("%+v", u)
	}
	r.want(http.StatusOK, loginAs(ownerEmail, ownerPassword), nil)
}

// Who does not know the password cannot tell whether there is such an account, nor whether it has a second factor.
func TestLoginTellsNothing(t *testing.T) {
	r := newClaimed(t)
	if err := r.Store.SealTOTP(r.owner.ID, paas.NewSecret(NewEnrolment("").Secret)); err != nil {
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

func TestLoginIsThrottledPerAccountAndNetwork(t *testing.T) {
	r := newClaimed(t)
	from := func(a ask, addr string) ask { a.header = map[string]string{"X-Forwarded-For": addr}; return a }
	// an attacker with many networks: the account slows them down
	for i := range freeTries {
		r.refused(http.StatusUnauthorized, from(loginAs(ownerEmail, "wrong"), fmt.Sprintf("192.0.%d.1", i)))
	}
	r.refused(http.StatusTooManyRequests, from(loginAs(ownerEmail, "wrong"), "192.0.99.1"))
	r.refused(http.StatusTooManyRequests, from(loginAs(ownerEmail, ownerPassword), "192.0.98.1"))
	// but where the owner is signed in, that does not keep them out
	r.session() // from 198.51.100.7
	r.want(http.StatusOK, from(loginAs(ownerEmail, ownerPassword), "198.51.100.200"), nil)
	// one network against many accounts: neighbours in it share the delay
	for i := range freeTries {
		r.refused(http.StatusUnauthorized, from(loginAs(fmt.Sprintf("user%d@example.com", i), "wrong"), fmt.Sprintf("203.0.113.%d", i)))
	}
	r.refused(http.StatusTooManyRequests, from(loginAs("another@example.com", "wrong"), "203.0.113.77"))
	r.clock.move(time.Minute)
	r.refused(http.StatusUnauthorized, from(loginAs("another@example.com", "wrong"), "203.0.113.77"))
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

func TestChangeOfAddressNeedsThePassword(t *testing.T) {
	r := newClaimed(t)
	cookie := r.session()
	me := ask{method: "PATCH", path: "/api/v1/users/me", cookie: cookie}
	me.body = `{"email":"eve@example.com"}`
	r.refused(http.StatusForbidden, me)
	me.body = fmt.Sprintf(`{"email":"new@example.com","name":"Ada L","password":%q}`, ownerPassword)
	var u api.User
	r.want(http.StatusOK, me, &u)
	if u.Email != "new@example.com" || u.Name != "Ada L" {
		t.Errorf("%+v", u)
	}
}

func TestOldHashesAreRenewed(t *testing.T) {
	r := newClaimed(t)
	weak := "$argon2id$v=19$m=64,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$"
	h, err := decodeHash(weak + "AAAA")
	if err != nil {
		t.Fatal(err)
	}
	weak += rawKey(ownerPassword, h)
	if err := r.Store.UpdateUser(paas.System, r.owner.ID, func(u *paas.User) error { u.PasswordHash = weak; return nil }); err != nil {
		t.Fatal(err)
	}
	r.want(http.StatusOK, loginAs(ownerEmail, ownerPassword), nil)
	u, err := r.Store.User(r.owner.ID)
	if err != nil || u.PasswordHash == weak {
		t.Errorf("the weak hash stays: %v", err)
	}
	if ok, stale, err := r.passwords.verify(context.Background(), u.PasswordHash, ownerPassword); !ok || stale || err != nil {
		t.Errorf("the new one: %v %v %v", ok, stale, err)
	}
}
