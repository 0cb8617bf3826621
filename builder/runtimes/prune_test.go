package runtimes

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

func TestPrune(t *testing.T) {
	now := time.Now()
	day := 24 * time.Hour
	for _, tt := range []struct {
		name  string
		bytes int64
		want  string
	}{
		{"by age", 1 << 30, "go-1.26.0 node-22.1.0 node-24.1.0 python-3.12.1"},
		{"by size, the longest unused first", 350, "go-1.26.0 node-24.1.0 python-3.12.1"},
		{"by size, but none of today and none that is kept", 0, "go-1.26.0 python-3.12.1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCache(t, t.TempDir(), Mirrors{})
			for dir, used := range map[string]time.Duration{"node-22.1.0": 20 * day, "node-24.1.0": 2 * day, "node-18.0.0": 40 * day, "uv-0.9.0": 31 * day,
				"go-1.26.0": time.Hour, "python-3.12.1": 90 * day, ".index": 90 * day, "foreign-1": 90 * day} {
				dir = filepath.Join(c.Dir(), dir)
				if err := os.MkdirAll(dir, 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, "file"), make([]byte, 100), 0o600); err != nil {
					t.Fatal(err)
				}
				if err := os.Chtimes(dir, now.Add(-used), now.Add(-used)); err != nil {
					t.Fatal(err)
				}
			}
			freed, err := c.Prune(t.Context(), Retention{
				Keep:   func(name, version string) bool { return name == "python" && version == "3.12.1" },
				Unused: now.Add(-30 * day), Bytes: tt.bytes, Recent: now.Add(-day),
			})
			if err != nil {
				t.Fatal(err)
			}
			var left []string
			for _, name := range names(t, c.Dir()) {
				if !strings.HasPrefix(name, ".") && name != "foreign-1" {
					left = append(left, name)
				}
			}
			if got := strings.Join(left, " "); got != tt.want || freed != int64(100*(6-len(left))) {
				t.Errorf("left %s, freed %d; want %s", got, freed, tt.want)
			}
			if all := names(t, c.Dir()); !slices.Contains(all, ".index") || !slices.Contains(all, "foreign-1") {
				t.Errorf("what is no runtime was removed: %q", all)
			}
			if rest := names(t, filepath.Join(c.Dir(), scratch)); len(rest) > 0 {
				t.Errorf("left beside them: %q", rest)
			}
		})
	}
}

// A build that finds a runtime while it is being removed keeps it.
func TestPruneSeesUseMeanwhile(t *testing.T) {
	c := newCache(t, t.TempDir(), Mirrors{})
	dir := filepath.Join(c.Dir(), "node-24.1.0")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(dir, old, old); err != nil {
		t.Fatal(err)
	}
	found, err := c.list(t.Context(), func(string, string) bool { return false })
	if err != nil || len(found) != 1 {
		t.Fatalf("%v %v", found, err)
	}
	if !c.markUsed("node", "24.1.0") {
		t.Error("the runtime is there, but cannot be used")
	}
	if gone, err := c.remove(found[0], time.Now().Add(-time.Minute)); gone || err != nil {
		t.Errorf("removed: %v, %v", gone, err)
	}
	if gone, err := c.remove(found[0], time.Now().Add(time.Minute)); !gone || err != nil {
		t.Errorf("removed: %v, %v", gone, err)
	}
	if c.markUsed("node", "24.1.0") {
		t.Error("a runtime that is gone can be used")
	}
}

// Use counts from the last build, not from the download.
func TestEnsureMarksUse(t *testing.T) {
	m := newMirror(t)
	m.putNode(t, "", "18.20.0")
	c := newCache(t, t.TempDir(), m.mirrors())
	want := paas.Runtime{Name: paas.RuntimeNode, Constraint: "18"}
	dir := filepath.Join(c.Dir(), "node-18.20.0")
	for range 2 {
		if _, _, err := ensure(c, want); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(dir)
		if err != nil || time.Since(info.ModTime()) > time.Minute {
			t.Errorf("used %v (%v)", info, err)
		}
		old := time.Now().Add(-time.Hour)
		if err := os.Chtimes(dir, old, old); err != nil {
			t.Fatal(err)
		}
	}
}

func names(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
