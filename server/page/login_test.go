package page_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/cloudsania/cloudsania/server/page"
	"github.com/cloudsania/cloudsania/server/servertest"
)

func TestSigningInAndOut(t *testing.T) {
	b := &browser{Rig: servertest.Claimed(t)}
	got := b.Do(servertest.Ask{Path: "/keys?x=1"})
	if got.Status != http.StatusSeeOther || got.Header.Get("Location") != "/login?next=%2Fkeys%3Fx%3D1" {
		t.Fatalf("%d %v", got.Status, got.Header)
	}
	says(t, b.page("/login?next=%2Fkeys"), "Sign in", "Password")
	page := b.refusedForm(http.StatusUnauthorized, "/login", url.Values{"email": {servertest.OwnerEmail}, "password": {"wrong horse battery"}}, "is not right")
	if !strings.Contains(page, servertest.OwnerEmail) || strings.Contains(page, "wrong horse") {
		t.Error("the form forgets the address, or keeps the password")
	}
	if to := b.sent("/login", url.Values{"email": {servertest.OwnerEmail}, "password": {servertest.OwnerPassword}, "next": {"/keys"}}); to != "/keys" || b.cookie == "" {
		t.Fatalf("to %q", to)
	}
	says(t, b.page("/keys"), "No key yet")
	if to := b.sent("/logout", nil); to != "/login" {
		t.Errorf("signing out leads to %q", to)
	}
	if got := b.Do(servertest.Ask{Path: "/keys", Cookie: b.cookie}); got.Status != http.StatusSeeOther {
		t.Errorf("signed out and still %d", got.Status)
	}
}

func TestSafeNext(t *testing.T) {
	for in, want := range map[string]string{
		"/apps/shop": "/apps/shop", "": "/", "//evil.test": "/", "https://evil.test": "/", `/\evil.test`: "/", "/login?next=/x": "/", "/apps/x/live": "/", "/apps/x/live?after=1": "/", "/apps/liveshop": "/apps/liveshop",
		"/static/x.css": "/", "javascript:alert(1)": "/", "/a\nb": "/", "/" + strings.Repeat("x", 2000): "/",
	} {
		if got := page.SafeNext(in); got != want {
			t.Errorf("safeNext(%q) = %q, want %q", in, got, want)
		}
	}
}
