package server

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

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
		"/apps/shop": "/apps/shop", "": "/", "//evil.test": "/", "https://evil.test": "/", `/\evil.test`: "/", "/login?next=/x": "/", "/apps/x/live": "/", "/apps/x/live?after=1": "/", "/apps/liveshop": "/apps/liveshop",
		"/static/x.css": "/", "javascript:alert(1)": "/", "/a\nb": "/", "/" + strings.Repeat("x", 2000): "/",
	} {
		if got := safeNext(in); got != want {
			t.Errorf("safeNext(%q) = %q, want %q", in, got, want)
		}
	}
}
