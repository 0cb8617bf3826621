package page_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/cloudsania/cloudsania/server/servertest"

	"github.com/cloudsania/cloudsania/paas"
)

func TestRollbackSaysWhatChanges(t *testing.T) {
	r := servertest.Claimed(t)
	shop := r.App("shop")
	target := r.Target(shop)
	set := func(name, value string) {
		t.Helper()
		if err := r.Store.SetVariables(paas.System, target, []paas.Variable{{Name: name, Value: paas.NewSecret(value)}}, nil); err != nil {
			t.Fatal(err)
		}
	}
	set("SAME", "1")
	set("OTHER", "old-value")
	r.GoLive(shop, paas.Source{Kind: paas.SourceGit, Message: "First"})
	set("OTHER", "new-value")
	set("ADDED", "1")
	if err := r.Store.SetVariables(paas.System, target, nil, []string{"SAME"}); err != nil {
		t.Fatal(err)
	}
	r.GoLive(shop, paas.Source{Kind: paas.SourceGit, Message: "Second"})
	b := newBrowser(r)
	page := b.page("/apps/shop/rollback")
	says(t, page, "Roll back shop to v1?", "Keep v2", "“First”", "ADDED goes, OTHER changes, SAME returns", "finish on the version that they started with", "to main replaces v1 again")
	if strings.Contains(page, "old-value") || strings.Contains(page, "new-value") {
		t.Error("a value is shown")
	}
	part := b.Want(http.StatusOK, servertest.Ask{Path: "/apps/shop/rollback?to=1", Cookie: b.cookie, Header: map[string]string{"X-Part": "body"}}, nil)
	if strings.Contains(part.Body, "<html") || !strings.Contains(part.Body, "Roll back shop to v1?") {
		t.Errorf("the dialog is %s", part.Body)
	}
	if to := b.sent("/apps/shop/rollback", url.Values{"to": {"1"}}); !strings.HasPrefix(to, "/deploys/dep_") || r.Deploys.LastSource().Message != "Back to v1" {
		t.Errorf("leads to %q, asked %v", to, r.Deploys.Called())
	}
	if got := b.Do(servertest.Ask{Path: "/apps/shop/rollback?to=2", Cookie: b.cookie}); got.Status != http.StatusConflict {
		t.Errorf("going back to what is live: %d", got.Status)
	}
}
