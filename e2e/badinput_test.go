package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// An app that listens elsewhere than PORT is found by looking at which port it opened.
func TestOtherPortIsFound(t *testing.T) {
	t.Parallel()
	w := shared
	w.create(t, "elsewhere")
	r := w.empty(t, "elsewhere")
	r.write(t, "package.json", `{"scripts":{"start":"node index.js"}}`)
	r.write(t, "index.js", "require('http').createServer((q, s) => s.end('on my own port')).listen(4321)")
	r.commit(t, "own port")
	r.push(t)
	w.wantPage(t, "elsewhere", "/", "on my own port")
}

func TestOddNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Upper", "with space", "a/b/c", "../up", "-dash", "dash-", "ünicode", "a--b", strings.Repeat("x", 64), "api", "'; rm -rf /", ""} {
		_, errs, code := shared.try("apps", "create", name)
		if code == 0 || !strings.Contains(errs, "error:") || strings.Contains(errs, "internal") {
			t.Errorf("apps create %q: exit %d %s", name, code, errs)
		}
	}
}

// Uploads: a directory and a zip through the CLI, and hostile archives.
func TestUpload(t *testing.T) {
	t.Parallel()
	w := shared
	w.create(t, "upload")
	w.cli(t, "deploy", "upload", "--dir", filepath.Join("testdata", "apps", "static"))
	w.wantPage(t, "upload", "/", "hello from a static page")
	bad := filepath.Join(t.TempDir(), "bad.zip")
	if err := os.WriteFile(bad, []byte("PK\x03\x04 not really a zip"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, errs, code := w.try("deploy", "upload", "--zip", bad); code == 0 || !strings.Contains(errs, "hint:") {
		t.Errorf("a broken zip: exit %d %s", code, errs)
	}
	w.wantPage(t, "upload", "/", "hello from a static page")
}
