package runtimes

import (
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
)

// Two processes that share the directory of runtimes: the second one's start took away what the first one was
// downloading.
func TestAnotherProcessLeavesDownloadsAlone(t *testing.T) {
	o := Options{Dir: t.TempDir(), Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	first, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	dir, done, err := first.beginDownload("node")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "half"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	abandoned := filepath.Join(o.Dir, scratch, "go-1")
	if err := os.MkdirAll(filepath.Join(abandoned, "tree"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := New(o); err != nil { // flock(2) locks belong to open files: it is the same as another process
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "half")); err != nil {
		t.Errorf("a download in progress was removed: %v", err)
	}
	if _, err := os.Stat(abandoned); !os.IsNotExist(err) {
		t.Errorf("an abandoned download is still there: %v", err)
	}
	done()
	if left, err := os.ReadDir(filepath.Join(o.Dir, scratch)); err != nil || len(left) > 0 {
		t.Errorf("after the download: %v, %v", left, err)
	}
}

// The slower of two processes that download the same version finds it in its place.
func TestAnotherProcessWasFaster(t *testing.T) {
	o := Options{Dir: t.TempDir(), Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	fill := func(name string) func(dir string) error {
		return func(dir string) error { return os.WriteFile(filepath.Join(dir, name), nil, 0o600) }
	}
	other, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	err = c.keep("node", "22.1.0", func(dir string) error {
		if err := other.keep("node", "22.1.0", fill("theirs")); err != nil {
			return err
		}
		return fill("ours")(dir)
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(o.Dir, "node-22.1.0", "theirs")); err != nil {
		t.Error(err)
	}
}
