package page_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/cloudsania/cloudsania/server/servertest"

	"github.com/cloudsania/cloudsania/paas"
)

func TestKeysInTheBrowser(t *testing.T) {
	b := town(t)
	app, err := b.Store.FindApp("shop")
	if err != nil {
		t.Fatal(err)
	}
	got := b.post("/keys", url.Values{"name": {"laptop"}, "scope": {app.ID}, "days": {"30"}})
	m := regexp.MustCompile(`cs_[a-z2-7]{20,}`).FindString(got.Body)
	if got.Status != http.StatusOK || m == "" {
		t.Fatalf("%d %s", got.Status, text(got.Body))
	}
	tok, err := b.Store.TokenByHash(servertest.HashOf(m))
	if err != nil || tok.Scope.App != app.ID || tok.User != b.Owner.ID {
		t.Errorf("%+v %v", tok, err)
	}
	if strings.Contains(b.page("/keys"), m) {
		t.Error("the key is shown again")
	}
	b.refusedForm(http.StatusBadRequest, "/keys", url.Values{"name": {""}}, "name")
	says(t, b.page("/keys/"+tok.ID+"/end"), "End the key “laptop”?")
	if to := b.sent("/keys/"+tok.ID+"/end", nil); to != "/keys" {
		t.Errorf("leads to %q", to)
	}
	if _, err := b.Store.TokenByHash(servertest.HashOf(m)); !paas.IsKind(err, paas.NotFound) {
		t.Errorf("the key still works: %v", err)
	}
}
