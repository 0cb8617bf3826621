package builder

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/cloudsania/cloudsania/paas"
)

// bare is a Builder without an engine, enough for what needs none.
func bare(t *testing.T) *Builder {
	t.Helper()
	b := &Builder{log: slog.New(slog.DiscardHandler), data: t.TempDir()}
	if err := os.Mkdir(filepath.Join(b.data, "static"), 0o755); err != nil {
		t.Fatal(err)
	}
	return b
}

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if target, ok := strings.CutPrefix(text, "->"); ok {
			if err := os.Symlink(target, file); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func plainSite(t *testing.T, b *Builder, src, dir string) (Result, error) {
	t.Helper()
	return b.Build(context.Background(), Request{App: paas.NewID("app"), Build: paas.NewID("bld"), Dir: src, Out: os.Stderr,
		Plan: paas.Plan{Language: "static", Static: &paas.Static{Dir: dir}}})
}

func siteFiles(t *testing.T, dir string) string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		fi, err := d.Info()
		if err != nil {
			return err
		}
		want := fs.FileMode(0o644)
		if d.IsDir() {
			want = 0o755
		} else {
			rel, _ := filepath.Rel(dir, file)
			names = append(names, rel)
		}
		if fi.Mode().Perm() != want || fi.Mode().Type()&^fs.ModeDir != 0 {
			t.Errorf("%s has mode %v: the edge is another user", file, fi.Mode())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(names, " ")
}

func TestPlainSite(t *testing.T) {
	b := bare(t)
	outside := filepath.Join(t.TempDir(), "secret")
	write(t, filepath.Dir(outside), map[string]string{"secret": "root's"})
	src := t.TempDir()
	write(t, src, map[string]string{
		"index.html": "hi", "css/a.css": "a", ".env": "KEY=1", ".git/config": "x", "css/.DS_Store": "x", ".well-known/security.txt": "s",
		"inside.html": "->index.html", "out": "->" + outside, "up": "->../../etc/passwd", "loop": "->.", "gone": "->nothing",
	})
	res, err := plainSite(t, b, src, ".")
	if err != nil {
		t.Fatal(err)
	}
	if got := siteFiles(t, res.StaticDir); got != ".well-known/security.txt css/a.css index.html inside.html" {
		t.Errorf("the site has: %s", got)
	}
	if res.Image != "" || !strings.HasPrefix(res.Tree, "sha256:") || filepath.Dir(res.StaticDir) != filepath.Join(b.data, "static") {
		t.Errorf("result %+v", res)
	}

	again, err := plainSite(t, b, src, ".")
	if err != nil || again.Tree != res.Tree {
		t.Errorf("the same files have trees %s and %s (%v)", res.Tree, again.Tree, err)
	}
	write(t, src, map[string]string{"css/a.css": "b"})
	if changed, err := plainSite(t, b, src, "."); err != nil || changed.Tree == res.Tree {
		t.Errorf("changed files have the same tree (%v)", err)
	}
	sub, err := plainSite(t, b, src, "css")
	if err != nil || siteFiles(t, sub.StaticDir) != "a.css" {
		t.Errorf("a subdirectory: %+v %v", sub, err)
	}
	for _, dir := range []string{"public", "../" + filepath.Base(src), "/etc", "out"} {
		if res, err := plainSite(t, b, src, dir); err == nil {
			t.Errorf("the directory %q gave a site of: %s", dir, siteFiles(t, res.StaticDir))
		}
	}
	if _, err := plainSite(t, b, t.TempDir(), "."); !paas.IsKind(err, paas.Failed) {
		t.Errorf("an empty source: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(b.data, "static", "*.new")); len(left) > 0 {
		t.Errorf("unfinished: %v", left)
	}
}

func TestSiteLimits(t *testing.T) {
	b := bare(t)
	_, err := b.newSite("bld_x", func(s *site) error {
		for i := range maxSiteFiles {
			s.files[fmt.Sprint(i)] = siteFile{}
		}
		return s.copyFrom(context.Background(), fstest.MapFS{"one": {}}, ".")
	})
	if !paas.IsKind(err, paas.TooLarge) {
		t.Errorf("one file too many: %v", err)
	}
	_, err = b.newSite("bld_x", func(s *site) error {
		s.bytes = maxSiteBytes - 3
		return s.add("big", strings.NewReader("four"))
	})
	if !paas.IsKind(err, paas.TooLarge) {
		t.Errorf("a site that is too large: %v", err)
	}
}

func TestRequestIDs(t *testing.T) {
	b := bare(t)
	for _, r := range []Request{{App: "../x", Build: paas.NewID("bld")}, {App: paas.NewID("app"), Build: "x/../../y"}, {}} {
		if _, err := b.Build(context.Background(), r); err == nil {
			t.Errorf("built %+v", r)
		}
	}
	if b.RemoveBuild(context.Background(), paas.Build{ID: "../..", App: paas.NewID("app")}) == nil || b.Forget(context.Background(), "..") == nil {
		t.Error("removed something that has no id")
	}
}
