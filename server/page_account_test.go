package server

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestAccountPage(t *testing.T) {
	b := newClaimed(t).browser()
	other := b.session()
	says(t, b.page("/account"), "Ada", ownerEmail, "Two-step sign-in", "This one", "Sign out everywhere else")
	b.sent("/account/profile", url.Values{"name": {"Ada L."}, "email": {ownerEmail}})
	b.refusedForm(http.StatusForbidden, "/account/profile", url.Values{"name": {"Ada"}, "email": {"new@example.com"}, "current": {"wrong"}}, "The present password is not right.")
	b.refusedForm(http.StatusForbidden, "/account/password", url.Values{"current": {"wrong"}, "password": {"long enough to be one"}}, "The present password is not right.")
	b.refusedForm(http.StatusBadRequest, "/account/password", url.Values{"current": {ownerPassword}, "password": {"short"}}, "A password has at least 15 characters.")
	got := b.post("/account/second/begin", nil)
	secret := regexp.MustCompile(`name="secret" value="([A-Z2-7]+)"`).FindStringSubmatch(got.body)
	if got.status != http.StatusOK || secret == nil || !strings.Contains(got.body, `class="qr"`) {
		t.Fatalf("%d %s", got.status, text(got.body))
	}
	page := b.refusedForm(http.StatusBadRequest, "/account/second", url.Values{"secret": {secret[1]}, "code": {"000000"}, "current": {ownerPassword}}, "This code is not the right one.")
	if !strings.Contains(page, secret[1]) {
		t.Error("a mistyped code throws the scanned secret away")
	}
	b.sent("/account/second", url.Values{"secret": {secret[1]}, "code": {codeAt(t, secret[1], b.clock.now())}, "current": {ownerPassword}})
	says(t, b.page("/account"), "Two-step sign-in is on.", "Signing in asks for a code")
	if got := b.do(ask{path: "/", cookie: other}); got.status != http.StatusSeeOther {
		t.Errorf("another browser is still signed in: %d", got.status)
	}
	b.clock.move(time.Minute)
	page = (&browser{rig: b.rig}).refusedForm(http.StatusUnauthorized, "/login", url.Values{"email": {ownerEmail}, "password": {ownerPassword}}, "The code of your authenticator app is missing.")
	if strings.Contains(page, `id="code-box" hidden`) {
		t.Error("the code is asked for, but its field is hidden")
	}
	b.sent("/account/second/off", url.Values{"current": {ownerPassword}})
	says(t, b.page("/account"), "Two-step sign-in is off.")
}
