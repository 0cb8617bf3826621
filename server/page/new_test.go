package page_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cloudsania/cloudsania/server/servertest"

	"golang.org/x/net/html"

	"github.com/cloudsania/cloudsania/paas"
)

func upload(t *testing.T, name string, files map[string]string) (body *bytes.Buffer, contentType string) {
	t.Helper()
	body = &bytes.Buffer{}
	form := multipart.NewWriter(body)
	part, err := form.CreateFormFile("file", name)
	if err == nil {
		_, err = part.Write(servertest.Zip(t, files))
	}
	if err == nil {
		err = form.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return body, form.FormDataContentType()
}

func TestNewAppFromUpload(t *testing.T) {
	b := newBrowser(servertest.Claimed(t))
	body, kind := upload(t, "My Shop.zip", map[string]string{"app.js": "hello"})
	var answer struct{ Go string }
	b.Want(http.StatusOK, servertest.Ask{Method: http.MethodPost, Path: "/new/upload", Cookie: b.cookie, Raw: body, Header: map[string]string{"Content-Type": kind, "X-Part": "json"}}, &answer)
	if !strings.HasPrefix(answer.Go, "/new?upload=upl_") {
		t.Fatalf("%+v", answer)
	}
	page := b.page(answer.Go)
	says(t, page, "Ready to deploy", "My Shop.zip")
	if !strings.Contains(page, `value="my-shop"`) {
		t.Error("no name is suggested")
	}
	id := strings.TrimPrefix(answer.Go, "/new?upload=")
	b.refusedForm(http.StatusBadRequest, "/new", url.Values{"upload": {id}, "name": {"My Shop!"}}, "cannot be a name", "for instance")
	if to := b.sent("/new", url.Values{"upload": {id}, "name": {"my-shop"}}); to != "/apps/my-shop" {
		t.Fatalf("deploying leads to %q", to)
	}
	if src := b.Deploys.LastSource(); src.Kind != paas.SourceUpload || src.Upload != id {
		t.Errorf("deployed %+v", src)
	}
	b.refusedForm(http.StatusConflict, "/new", url.Values{"upload": {id}, "name": {"my-shop"}}, "is taken")
	body, kind = upload(t, "new.zip", map[string]string{"app.js": "hello again"})
	got := b.Do(servertest.Ask{Method: http.MethodPost, Path: "/apps/my-shop/upload", Cookie: b.cookie, Raw: body, Header: map[string]string{"Content-Type": kind}})
	if got.Status != http.StatusSeeOther || !strings.HasPrefix(got.Header.Get("Location"), "/deploys/dep_") {
		t.Errorf("a new version by upload: %d %s", got.Status, text(got.Body))
	}
}

// TestUploadProblemsAreFindings: what cannot be deployed is said on the page, beside what can be corrected.
func TestUploadProblemsAreFindings(t *testing.T) {
	b := newBrowser(servertest.Claimed(t))
	body, kind := upload(t, "x.zip", map[string]string{"notes.txt": "hello"})
	var answer struct{ Go, Message string }
	b.Want(http.StatusOK, servertest.Ask{Method: http.MethodPost, Path: "/new/upload", Cookie: b.cookie, Raw: body, Header: map[string]string{"Content-Type": kind, "X-Part": "json"}}, &answer)
	says(t, b.page(answer.Go), "Cannot be deployed as it is", "No recognisable language.", "Add a package.json.")
	b.Want(http.StatusBadRequest, servertest.Ask{Method: http.MethodPost, Path: "/new/upload", Cookie: b.cookie, Raw: strings.NewReader(""), Header: map[string]string{"Content-Type": "application/x-www-form-urlencoded", "X-Part": "json"}}, &answer)
	if answer.Message == "" {
		t.Error("a script learns nothing of the error")
	}
}

func TestNewAppForPushing(t *testing.T) {
	b := newBrowser(servertest.Claimed(t))
	got := b.post("/new/push", url.Values{"name": {"first"}})
	if got.Status != http.StatusOK || got.Header.Get("Content-Encoding") != "" {
		t.Fatalf("%d %v", got.Status, got.Header)
	}
	m := regexp.MustCompile(`git remote add cloudsania https://git:(cs_[a-z2-7]+)@cloud\.test/git/first\.git\ngit push cloudsania HEAD:main`).FindStringSubmatch(html.UnescapeString(got.Body))
	if m == nil {
		t.Fatalf("no lines to paste in %s", text(got.Body))
	}
	tok, err := b.Store.TokenByHash(servertest.HashOf(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	app, err := b.Store.FindApp("first")
	if err != nil || tok.Scope.App != app.ID || !slices.Equal(tok.Actions, []string{"git.read", "git.write"}) || tok.Expires.IsZero() {
		t.Errorf("the key is %+v, %v", tok, err)
	}
	if strings.Contains(b.page("/apps/first"), m[1]) {
		t.Error("the key is shown again")
	}
	b.refusedForm(http.StatusConflict, "/new/push", url.Values{"name": {"first"}}, "is taken")
	says(t, b.page("/keys"), "git push to first", "Push and fetch, only first")
}

func TestNewAppFromRepository(t *testing.T) {
	b := newBrowser(servertest.Claimed(t))
	b.refusedForm(http.StatusBadRequest, "/new/url", url.Values{"url": {"git@github.com:you/x"}}, "is not the address of a public repository")
	if to := b.sent("/new/url", url.Values{"url": {"https://example.com/you/My-Shop.git"}, "branch": {"dev"}}); to != "/apps/my-shop" {
		t.Fatalf("leads to %q", to)
	}
	if src := b.Deploys.LastSource(); src.URL != "https://example.com/you/My-Shop.git" || src.Branch != "dev" {
		t.Errorf("%+v", src)
	}
	if to := b.sent("/apps/my-shop/deploy", nil); !strings.HasPrefix(to, "/deploys/dep_") {
		t.Errorf("deploying again leads to %q", to)
	}
}
