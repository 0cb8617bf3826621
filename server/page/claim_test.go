package page_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/cloudsania/cloudsania/server/servertest"
)

func TestClaimingInTheBrowser(t *testing.T) {
	r := servertest.New(t)
	secret, _, err := r.Auth.IssueClaim()
	if err != nil {
		t.Fatal(err)
	}
	r.Run()
	b := &browser{Rig: r}
	says(t, b.page("/claim"), "This server is waiting for its owner")
	b.refusedForm(http.StatusUnauthorized, "/claim", url.Values{"claim": {"nope"}}, "This claim is not valid.")
	page := b.page("/claim/" + secret.Reveal())
	says(t, page, "Create your sign-in", "Add two-step sign-in now")
	form := url.Values{"claim": {secret.Reveal()}, "name": {"Ada Lovelace"}, "email": {servertest.OwnerEmail}, "password": {"short"}}
	page = b.refusedForm(http.StatusBadRequest, "/claim", form, "A password has at least 15 characters.")
	if !strings.Contains(page, `value="Ada Lovelace"`) || !strings.Contains(page, `value="`+secret.Reveal()+`"`) {
		t.Error("the form forgets what was right")
	}
	form.Set("password", servertest.OwnerPassword)
	if to := b.sent("/claim", form); to != "/welcome" {
		t.Fatalf("claiming leads to %q", to)
	}
	says(t, b.page("/welcome"), "Your cloud is ready, Ada", "https://cloud.test")
	got := b.Do(servertest.Ask{Path: "/claim", Header: map[string]string{"Accept": "text/html"}})
	if got.Status != http.StatusConflict || !strings.Contains(text(got.Body), "This server has its owner already") {
		t.Errorf("a second claim: %d %s", got.Status, text(got.Body))
	}
}
