package page_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/server/servertest"
)

func TestAccountPage(t *testing.T) {
	b := newBrowser(servertest.Claimed(t))
	other := b.Session()
	says(t, b.page("/account"), "Ada", servertest.OwnerEmail, "Two-step sign-in", "This one", "Sign out everywhere else")
	b.sent("/account/profile", url.Values{"name": {"Ada L."}, "email": {servertest.OwnerEmail}})
	b.refusedForm(http.StatusForbidden, "/account/profile", url.Values{"name": {"Ada"}, "email": {"new@example.com"}, "current": {"wrong"}}, "The present password is not right.")
	b.refusedForm(http.StatusForbidden, "/account/password", url.Values{"current": {"wrong"}, "password": {"long enough to be one"}}, "The present password is not right.")
	b.refusedForm(http.StatusBadRequest, "/account/password", url.Values{"current": {servertest.OwnerPassword}, "password": {"short"}}, "A password has at least 15 characters.")
	got := b.post("/account/second/begin", nil)
	secret := regexp.MustCompile(`name="secret" value="([A-Z2-7]+)"`).FindStringSubmatch(got.Body)
	if got.Status != http.StatusOK || secret == nil || !strings.Contains(got.Body, `class="qr"`) {
		t.Fatalf("%d %s", got.Status, text(got.Body))
	}
	page := b.refusedForm(http.StatusBadRequest, "/account/second", url.Values{"secret": {secret[1]}, "code": {"000000"}, "current": {servertest.OwnerPassword}}, "This code is not the right one.")
	if !strings.Contains(page, secret[1]) {
		t.Error("a mistyped code throws the scanned secret away")
	}
	b.sent("/account/second", url.Values{"secret": {secret[1]}, "code": {servertest.CodeAt(t, secret[1], b.Clock.Now())}, "current": {servertest.OwnerPassword}})
	says(t, b.page("/account"), "Two-step sign-in is on.", "Signing in asks for a code")
	if got := b.Do(servertest.Ask{Path: "/", Cookie: other}); got.Status != http.StatusSeeOther {
		t.Errorf("another browser is still signed in: %d", got.Status)
	}
	b.Clock.Move(time.Minute)
	page = (&browser{Rig: b.Rig}).refusedForm(http.StatusUnauthorized, "/login", url.Values{"email": {servertest.OwnerEmail}, "password": {servertest.OwnerPassword}}, "The code of your authenticator app is missing.")
	if strings.Contains(page, `id="code-box" hidden`) {
		t.Error("the code is asked for, but its field is hidden")
	}
	b.sent("/account/second/off", url.Values{"current": {servertest.OwnerPassword}})
	says(t, b.page("/account"), "Two-step sign-in is off.")
}
