package buildpack

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestLimitCache(t *testing.T) {
	now := time.Now()
	for _, tt := range []struct {
		name     string
		limit    int64
		measured time.Duration // ago; 0: never
		emptied  bool
	}{
		{"small", 200, 0, false},
		{"too large", 99, 0, true},
		{"too large, measured a while ago", 99, 25 * time.Hour, true},
		{"too large, but measured today", 99, time.Hour, false},
		{"no limit", 0, 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			modules := filepath.Join(dir, "go/mod/example.com/a@v1.0.0")
			if err := os.MkdirAll(modules, 0o755); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(modules, "a.go")
			if err := os.WriteFile(file, make([]byte, 100), 0o444); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(modules, 0o555); err != nil { // as Go leaves its module cache
				t.Fatal(err)
			}
			if tt.measured > 0 {
				mark := filepath.Join(dir, "measured")
				if err := os.WriteFile(mark, nil, 0o600); err != nil {
					t.Fatal(err)
				}
				if err := os.Chtimes(mark, now.Add(-tt.measured), now.Add(-tt.measured)); err != nil {
					t.Fatal(err)
				}
			}
			var out bytes.Buffer
			b := &build{options: options{Cache: dir, CacheBytes: tt.limit, Out: &out}}
			if err := b.limitCache(now); err != nil {
				t.Fatal(err)
			}
			if exists(file) == tt.emptied || strings.Contains(out.String(), "it is emptied") != tt.emptied || tt.emptied && !exists(b.cached("home")) {
				t.Errorf("emptied: %v, said %q", !exists(file), out.String())
			}
			t.Cleanup(func() { _ = os.Chmod(modules, 0o755) }) // missing when it was emptied
		})
	}
}
