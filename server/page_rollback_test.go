package server

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/cloudsania/cloudsania/paas"
)

func TestRollbackSaysWhatChanges(t *testing.T) {
	r := newClaimed(t)
	shop := r.app("shop")
	target := r.target(shop)
	set := func(name, value string) {
		t.Helper()
		if err := r.Store.SetVariables(paas.System, target, []paas.Variable{{Name: name, Value: paas.NewSecret(value)}}, nil); err != nil {
			t.Fatal(err)
		}
	}
	set("SAME", "1")
	set("OTHER", "old-value")
	r.goLive(shop, paas.Source{Kind: paas.SourceGit, Message: "First"})
	set("OTHER", "new-value")
	set("ADDED", "1")
	if err := r.Store.SetVariables(paas.System, target, nil, []string{"SAME"}); err != nil {
		t.Fatal(err)
	}
	r.goLive(shop, paas.Source{Kind: paas.SourceGit, Message: "Second"})
	b := r.browser()
	page := b.page("/apps/shop/rollback")
	says(t, page, "Roll back shop to v1?", "Keep v2", "“First”", "ADDED goes, OTHER changes, SAME returns", "finish on the version that they started with", "to main replaces v1 again")
	if strings.Contains(page, "old-value") || strings.Contains(page, "new-value") {
		t.Error("a value is shown")
	}
	part := b.want(http.StatusOK, ask{path: "/apps/shop/rollback?to=1", cookie: b.cookie, header: map[string]string{"X-Part": "body"}}, nil)
	if strings.Contains(part.body, "<html") || !strings.Contains(part.body, "Roll back shop to v1?") {
		t.Errorf("the dialog is %s", part.body)
	}
	if to := b.sent("/apps/shop/rollback", url.Values{"to": {"1"}}); !strings.HasPrefix(to, "/deploys/dep_") || !slices.Contains(r.deploy.called(), "rollback 1") {
		t.Errorf("leads to %q, asked %v", to, r.deploy.called())
	}
	if got := b.do(ask{path: "/apps/shop/rollback?to=2", cookie: b.cookie}); got.status != http.StatusConflict {
		t.Errorf("going back to what is live: %d", got.status)
	}
}
