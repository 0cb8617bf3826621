package server

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func TestStaticFilesStayInTheBrowser(t *testing.T) {
	r := newRig(t) // before there is an owner, too
	r.run()
	b := &browser{rig: r}
	path := regexp.MustCompile(`/static/cloudsania\.[0-9a-f]+\.css`).FindString(b.page("/claim"))
	got := b.want(http.StatusOK, ask{path: path}, nil)
	if !strings.Contains(got.header.Get("Cache-Control"), "immutable") || !strings.HasPrefix(got.header.Get("Content-Type"), "text/css") || !strings.Contains(got.body, "--canvas") {
		t.Errorf("%v", got.header)
	}
	raw := b.open(ask{path: path, header: map[string]string{"Accept-Encoding": "gzip"}})
	_ = raw.Body.Close()
	if raw.Header.Get("Content-Encoding") != "gzip" {
		t.Error("it is not compressed")
	}
	if got := b.do(ask{path: "/static/..%2f..%2fetc%2fpasswd"}); got.status != http.StatusNotFound {
		t.Errorf("%d", got.status)
	}
}

// TestRecoveryPage: people get a page with its style, programs the plain answer, and nobody the data directory.
func TestRecoveryPage(t *testing.T) {
	ask := func(path, accept string) *httptest.ResponseRecorder {
		req, rec := httptest.NewRequest(http.MethodGet, path, nil), httptest.NewRecorder()
		req.Header.Set("Accept", accept)
		if !recoveryPage(rec, req) {
			return nil
		}
		return rec
	}
	page := ask("/apps/shop", "text/html")
	if page == nil || page.Code != http.StatusServiceUnavailable || !strings.Contains(text(page.Body.String()), "Apps that are live stay live") {
		t.Fatalf("%+v", page)
	}
	style := regexp.MustCompile(`/static/cloudsania\.[0-9a-f]+\.css`).FindString(page.Body.String())
	if css := ask(style, "*/*"); css == nil || css.Code != http.StatusOK {
		t.Errorf("its style sheet: %+v", css)
	}
	if ask("/api/v1/apps", "application/json") != nil || ask("/static/nothing.css", "*/*") != nil {
		t.Error("programs get a page")
	}
}
