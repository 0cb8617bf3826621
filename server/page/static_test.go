package page_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/cloudsania/cloudsania/server/page"
	"github.com/cloudsania/cloudsania/server/servertest"
)

func TestStaticFilesStayInTheBrowser(t *testing.T) {
	r := servertest.New(t) // before there is an owner, too
	r.Run()
	b := &browser{Rig: r}
	path := regexp.MustCompile(`/static/cloudsania\.[0-9a-f]+\.css`).FindString(b.page("/claim"))
	got := b.Want(http.StatusOK, servertest.Ask{Path: path}, nil)
	if !strings.Contains(got.Header.Get("Cache-Control"), "immutable") || !strings.HasPrefix(got.Header.Get("Content-Type"), "text/css") || !strings.Contains(got.Body, "--canvas") {
		t.Errorf("%v", got.Header)
	}
	raw := b.Open(servertest.Ask{Path: path, Header: map[string]string{"Accept-Encoding": "gzip"}})
	_ = raw.Body.Close()
	if raw.Header.Get("Content-Encoding") != "gzip" {
		t.Error("it is not compressed")
	}
	if got := b.Do(servertest.Ask{Path: "/static/..%2f..%2fetc%2fpasswd"}); got.Status != http.StatusNotFound {
		t.Errorf("%d", got.Status)
	}
}

// TestRecoveryPage: people get a page with its style, programs the plain answer, and nobody the data directory.
func TestRecoveryPage(t *testing.T) {
	ask := func(path, accept string) *httptest.ResponseRecorder {
		req, rec := httptest.NewRequest(http.MethodGet, path, nil), httptest.NewRecorder()
		req.Header.Set("Accept", accept)
		if !page.Recovery(rec, req) {
			return nil
		}
		return rec
	}
	shown := ask("/apps/shop", "text/html")
	if shown == nil || shown.Code != http.StatusServiceUnavailable || !strings.Contains(text(shown.Body.String()), "Apps that are live stay live") {
		t.Fatalf("%+v", shown)
	}
	style := regexp.MustCompile(`/static/cloudsania\.[0-9a-f]+\.css`).FindString(shown.Body.String())
	if css := ask(style, "*/*"); css == nil || css.Code != http.StatusOK {
		t.Errorf("its style sheet: %+v", css)
	}
	if ask("/api/v1/apps", "application/json") != nil || ask("/static/nothing.css", "*/*") != nil {
		t.Error("programs get a page")
	}
}
