package auth

import (
	"strings"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/paas"
)

func TestSessionsEnd(t *testing.T) {
	r := newClaimed(t)
	idle := r.signIn("")
	r.clock.move(sessionIdle - time.Minute)
	if !r.alive(idle) {
		t.Fatal("a session ends too early")
	}
	r.clock.move(sessionIdle - time.Minute)
	if !r.alive(idle) {
		t.Error("use does not keep a session alive")
	}
	r.clock.move(sessionIdle + time.Minute)
	if r.alive(idle) {
		t.Error("an idle session lives on")
	}
	busy := r.signIn("")
	for at := time.Duration(0); at < sessionLife; at += 6 * time.Hour {
		if !r.alive(busy) {
			t.Fatalf("a busy session ended after %s", at)
		}
		r.clock.move(6 * time.Hour)
	}
	if r.alive(busy) {
		t.Error("a session lives for more than a week")
	}
	out := r.signIn("")
	if err := r.SignOut(r.who(out)); err != nil {
		t.Fatal(err)
	}
	if r.alive(out) {
		t.Error("a session lives on after signing out")
	}
}

func TestSessionOfNothingIsAnonymous(t *testing.T) {
	r := newClaimed(t)
	for _, secret := range []string{"", "x", strings.Repeat("x", 5000), hashOf(r.signIn(""))} {
		p, err := r.Session(paas.NewSecret(secret), "192.0.2.1")
		if err != nil || p.Kind != access.Anonymous || p.Addr != "192.0.2.1" {
			t.Errorf("%.20q is %+v, %v", secret, p, err)
		}
		if err := r.KeepAlive(p); err != nil {
			t.Errorf("%.20q: %v", secret, err)
		}
	}
}

func TestNewSessionReplacesTheOldOne(t *testing.T) {
	r := newClaimed(t)
	old := r.signIn("")
	in := login(ownerEmail, ownerPassword, "", "198.51.100.7")
	in.Browser.Session = old
	fresh, err := r.SignIn(t.Context(), in)
	if err != nil || fresh.Secret == old || fresh.User.ID != r.owner.ID || fresh.Lifetime != sessionLife {
		t.Fatalf("%+v %v", fresh, err)
	}
	if r.alive(old) || !r.alive(fresh.Secret) {
		t.Error("the session before the login is worth something after it")
	}
}

func TestSessionsAreListedAndEnded(t *testing.T) {
	r := newClaimed(t)
	here, there, third := r.signIn(""), r.signIn(""), r.signIn("")
	by := r.who(here)
	r.clock.move(2 * time.Minute)
	r.alive(here)
	list, err := r.Sessions(by)
	if err != nil || len(list) != 3 || !list[0].Current || list[1].Current || list[2].Current {
		t.Fatalf("the last used is not first, or not the current one: %+v %v", list, err)
	}
	if strings.Contains(hashOf(here)[sessionIDChars:], list[0].ID) || len(list[0].ID) != sessionIDChars {
		t.Errorf("session id %q", list[0].ID)
	}
	if err := r.EndSession(by, sessionID(paas.Session{Hash: hashOf(there)})); err != nil {
		t.Fatal(err)
	}
	if r.alive(there) || !r.alive(third) {
		t.Error("ended the wrong session")
	}
	if err := r.EndOtherSessions(by); err != nil {
		t.Fatal(err)
	}
	if r.alive(third) || !r.alive(here) {
		t.Error("signing out elsewhere ended the wrong sessions")
	}
	if list, err := r.Sessions(access.Principal{Kind: access.Root}); err != nil || len(list) != 0 {
		t.Errorf("root has sessions %v, %v", list, err)
	}
}

func TestEpoch(t *testing.T) {
	r := newClaimed(t)
	secret := r.signIn("")
	by := r.who(secret)
	before := r.Epoch()
	changed := func() bool {
		now := r.Epoch()
		was := now != before
		before = now
		return was
	}
	r.clock.move(2 * time.Minute)
	if !r.alive(secret) || changed() {
		t.Error("using a session changes who may what")
	}
	name := "Ada L"
	for what, change := range map[string]func() error{
		"another name": func() error { _, err := r.UpdateProfile(t.Context(), by, Profile{Name: &name}); return err },
		"a token": func() error {
			_, hash := NewToken()
			_, err := r.store.CreateToken(paas.System, paas.Token{Name: "t", Hash: hash})
			return err
		},
		"signing out": func() error { return r.SignOut(by) },
	} {
		if err := change(); err != nil || !changed() {
			t.Errorf("%s: not noticed, %v", what, err)
		}
	}
	if changed() {
		t.Error("it changes by itself")
	}
}
