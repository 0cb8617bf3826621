package page_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/cloudsania/cloudsania/paas"
)

func TestAuditPage(t *testing.T) {
	b := town(t)
	page := b.page("/audit")
	says(t, page, "The record is complete.", "Cloudsania created shop")
	says(t, b.page("/audit?q=shop+created"), "created shop")
	if p := text(b.page("/audit?q=zebra")); !strings.Contains(p, "Nothing matches “zebra”") {
		t.Error(p)
	}
	if got := b.post("/audit/check", nil); got.Status != http.StatusOK || !strings.Contains(text(got.Body), "form one unbroken chain") {
		t.Errorf("%d %s", got.Status, text(got.Body))
	}
	for range 50 { // as many as a page shows
		if err := b.Store.AppendEvent(paas.System, paas.ClaimOffered{}, "", paas.Path{}); err != nil {
			t.Fatal(err)
		}
	}
	m := regexp.MustCompile(`href="(/audit\?before=\d+[^"]*)"`).FindStringSubmatch(b.page("/audit"))
	if m == nil {
		t.Fatal("there is no way to older entries")
	}
	says(t, b.page(html.UnescapeString(m[1])), "created shop")
}
