package git

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloudsania/cloudsania/paas"
)

func TestCheckout(t *testing.T) {
	w := newWorld(t)
	dir := w.work()
	commit(t, dir, "only/a.txt", "a")
	commit(t, dir, ".gitattributes", "docs export-ignore\n*.txt export-subst\n")
	commit(t, dir, "docs/kept.txt", "$Format:%H$")
	commit(t, dir, "docs/ünï.txt", "x")
	if err := os.WriteFile(filepath.Join(dir, "run"), []byte("#!"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("only/a.txt", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	head := commit(t, dir, "z", "z")
	git(t, dir, "push", "paas", "main")

	out := t.TempDir()
	if err := w.srv.Checkout(t.Context(), w.app, head, out); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"only/a.txt": "a", "docs/kept.txt": "$Format:%H$", "docs/ünï.txt": "x", "link": "a", "z": "z"} {
		if b, err := os.ReadFile(filepath.Join(out, name)); err != nil || string(b) != want {
			t.Errorf("%s: %q %v, want %q", name, b, err, want)
		}
	}
	if info, err := os.Lstat(filepath.Join(out, "run")); err != nil || info.Mode() != 0o755 {
		t.Errorf("run: %v %v", info, err)
	}
	if list := Warnings(out); len(list) != 0 {
		t.Errorf("warnings: %v", list)
	}

	message, author, err := w.srv.CommitInfo(t.Context(), w.app, head)
	if message != "change z" || author != "Ada" || err != nil {
		t.Errorf("%q by %q, %v", message, author, err)
	}
	for _, c := range []struct {
		name, app, commit string
		kind              paas.Kind
	}{
		{"no such commit", w.app, strings.Repeat("ab", 20), paas.NotFound},
		{"not a hash", w.app, "main", paas.Invalid},
		{"an option", w.app, "--output=/tmp/x", paas.Invalid},
		{"never pushed", paas.NewID("app"), head, paas.NotFound},
	} {
		if err := w.srv.Checkout(t.Context(), c.app, c.commit, t.TempDir()); !paas.IsKind(err, c.kind) {
			t.Errorf("%s: %v, want %s", c.name, err, c.kind)
		}
	}
	if err := w.srv.Checkout(t.Context(), "../x", head, t.TempDir()); err == nil {
		t.Error("a path was taken for an app")
	}
}

func TestCheckoutOfOneDirectoryKeepsIt(t *testing.T) {
	w := newWorld(t)
	dir := w.work()
	git(t, dir, "rm", "-q", "index.html")
	head := commit(t, dir, "public/index.html", "x")
	git(t, dir, "push", "paas", "main")
	out := t.TempDir()
	if err := w.srv.Checkout(t.Context(), w.app, head, out); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(out, "public/index.html")); err != nil {
		t.Error(err)
	}
}

func TestCheckoutRefusesLinksThatLeadOut(t *testing.T) {
	w := newWorld(t)
	dir := w.work()
	if err := os.Symlink("../../../../etc/passwd", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	head := commit(t, dir, "z", "z")
	git(t, dir, "push", "paas", "main")
	err := w.srv.Checkout(t.Context(), w.app, head, t.TempDir())
	if !paas.IsKind(err, paas.Invalid) || !strings.Contains(paas.Public(err).Msg, `"link"`) {
		t.Errorf("%v", err)
	}
}

func TestWarnings(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		".gitmodules":    "[submodule \"lib\"]\n\tpath = lib\n\turl = https://example.com/lib\n",
		".gitattributes": "*.png filter=lfs diff=lfs merge=lfs -text\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(Warnings(dir), "\n"); !strings.Contains(got, "submodules") || !strings.Contains(got, "LFS") {
		t.Errorf("%q", got)
	}
	if got := Warnings(t.TempDir()); got != nil {
		t.Errorf("%q", got)
	}
}

// A submodule is an empty directory, and no reason to fail.
func TestSubmodule(t *testing.T) {
	w := newWorld(t)
	dir := w.work()
	git(t, dir, "update-index", "--add", "--cacheinfo", "160000,"+strings.Repeat("ab", 20)+",lib")
	git(t, dir, "commit", "-q", "-m", "submodule")
	head := git(t, dir, "rev-parse", "HEAD")
	git(t, dir, "push", "paas", "main")
	out := t.TempDir()
	if err := w.srv.Checkout(t.Context(), w.app, head, out); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(out, "lib")); err != nil || !info.IsDir() {
		t.Errorf("%v %v", info, err)
	}
}
