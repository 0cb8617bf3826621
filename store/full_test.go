package store

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/cloudsania/cloudsania/paas"
)

// fill makes one app after the other until the store refuses, and returns how many there are.
func fill(t *testing.T, s *Store) (int, error) {
	t.Helper()
	pad := paas.NewSecret(strings.Repeat("x", 30_000))
	for n := range 400 {
		name := "app" + string(rune('a'+n/26)) + string(rune('a'+n%26))
		if _, err := s.CreateApp(anna, NewApp{Name: name, Variables: []paas.Variable{{Name: "PAD", Value: pad}}}); err != nil {
			return n, err
		}
	}
	t.Fatal("it was never full")
	return 0, nil
}

// wantIntact checks that everything acknowledged is there, and that writing works again after room was made.
func wantIntact(t *testing.T, s *Store, apps int) {
	t.Helper()
	if all := got(s.Apps())(t); len(all) != apps {
		t.Fatalf("%d apps of %d", len(all), apps)
	}
	must(t, s.Check())
	if r := got(s.VerifyEvents())(t); !r.OK() {
		t.Fatalf("%+v", r.Breaks)
	}
}

func wantNoSpace(t *testing.T, err error) {
	t.Helper()
	wantKind(t, err, paas.NoSpace)
	if e := paas.Public(err); !strings.Contains(e.Msg, "nothing was lost") || e.Hint == "" {
		t.Fatalf("message: %+v", e)
	}
}

func TestLargestSize(t *testing.T) {
	s := opened(t)
	s.db.MaxSize = 2 << 20
	n, err := fill(t, s)
	wantNoSpace(t, err)
	wantIntact(t, s, n)
	s.db.MaxSize = 0
	newSite(t, s, "later")
}

func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size=3m"); err != nil {
		t.Skipf("cannot mount a small file system (needs root): %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	ballast := filepath.Join(dir, "ballast")
	must(t, os.WriteFile(ballast, make([]byte, 512<<10), 0o600))
	o := Options{Path: filepath.Join(dir, "cloudsania.db"), Key: NewKey()}
	s := withPool(t, got(Open(o))(t))
	n, err := fill(t, s)
	wantNoSpace(t, err)
	wantIntact(t, s, n)
	wantNoSpace(t, s.SnapshotFile(filepath.Join(dir, "copy")))
	must(t, os.Remove(ballast))
	newSite(t, s, "later")
	wantIntact(t, s, n+1)
	must(t, s.Close())
	s = got(Open(o))(t)
	wantIntact(t, s, n+1)
	must(t, s.Close())
}

// After any other write error nobody knows what the kernel kept: nothing more is written until a restart has checked the file.
func TestBrokenDiskStopsWriting(t *testing.T) {
	o := options(t)
	s := withPool(t, mustOpen(t, o))
	w := newSite(t, s, "shop")
	before := dump(t, s)
	restore := breakWrites(t, o.Path)
	for n := range 2 {
		if n == 1 {
			restore() // the disk works again, and it makes no difference
		}
		err := note(s, anna, "x", "", paas.Path{}, nil)
		wantKind(t, err, paas.Unavailable)
		if !errors.Is(err, syscall.EBADF) {
			t.Fatalf("the cause is lost: %v", err)
		}
	}
	got(s.App(w.app.ID))(t)
	must(t, s.Close())
	if after := dump(t, mustOpen(t, o)); !maps.Equal(before, after) {
		t.Fatal("a refused write is there after the restart")
	}
}

// breakWrites puts a read-only descriptor in the place of this process's open one of path.
func breakWrites(t *testing.T, path string) (restore func()) {
	t.Helper()
	for _, e := range got(os.ReadDir("/proc/self/fd"))(t) {
		if to, err := os.Readlink("/proc/self/fd/" + e.Name()); err != nil || to != path {
			continue
		}
		fd := got(strconv.Atoi(e.Name()))(t)
		f := got(os.Open(path))(t)
		defer f.Close()
		kept := got(syscall.Dup(fd))(t)
		must(t, syscall.Dup3(int(f.Fd()), fd, syscall.O_CLOEXEC))
		return func() { must(t, errors.Join(syscall.Dup3(kept, fd, syscall.O_CLOEXEC), syscall.Close(kept))) }
	}
	t.Fatal("the database is not open")
	return nil
}

// A panic in a callback, or in bbolt, is an error and leaves the store usable.
func TestPanicIsAnError(t *testing.T) {
	s := opened(t)
	w := newSite(t, s, "shop")
	err := s.UpdateApp(anna, w.app.ID, func(*paas.App) error { panic("oh") })
	wantKind(t, err, paas.Unavailable)
	must(t, note(s, anna, "x", "", paas.Path{}, nil))
}
