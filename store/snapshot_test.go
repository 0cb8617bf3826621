package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/cloudsania/cloudsania/paas"
)

func TestSnapshotIsAWholeDatabase(t *testing.T) {
	o := options(t)
	s := withPool(t, mustOpen(t, o))
	w := newSite(t, s, "shop")
	must(t, s.SetVariables(anna, w.target, []paas.Variable{{Name: "A", Value: paas.NewSecret("secret")}}, nil))
	w.deploy(t)
	want := dump(t, s)
	copyPath := filepath.Join(t.TempDir(), "copy.db")
	must(t, s.SnapshotFile(copyPath))
	must(t, s.SnapshotFile(copyPath)) // over an older one
	var b bytes.Buffer
	if n := got(s.Snapshot(&b))(t); n != int64(b.Len()) || n == 0 {
		t.Fatalf("%d bytes said, %d written", n, b.Len())
	}
	wantKind(t, s.SnapshotFile(o.Path), paas.Invalid)
	must(t, note(s, anna, "later", "", paas.Path{}, nil))

	for name, o := range map[string]Options{"file": {Path: copyPath, Key: o.Key}, "stream": {Path: filepath.Join(t.TempDir(), "stream.db"), Key: o.Key}} {
		if name == "stream" {
			must(t, os.WriteFile(o.Path, b.Bytes(), 0o600))
		}
		c := mustOpen(t, o)
		if !maps.Equal(dump(t, c), want) {
			t.Errorf("%s: another content", name)
		}
		if v := got(c.Variables(w.target))(t); v[0].Value.Reveal() != "secret" {
			t.Errorf("%s: secrets are lost", name)
		}
	}
	for _, dir := range []string{filepath.Dir(o.Path), filepath.Dir(copyPath)} {
		for _, e := range got(os.ReadDir(dir))(t) {
			if e.Name()[0] == '.' {
				t.Errorf("left behind: %s", e.Name())
			}
		}
	}
	if info := got(os.Stat(copyPath))(t); info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v", info.Mode())
	}
}

// While everything is written, snapshots must be one moment each.
func TestHotSnapshots(t *testing.T) {
	o := options(t)
	s := mustOpen(t, o)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				if err := note(s, anna, fmt.Sprintf("test.%d", i), "x", paas.Path{}, map[string]string{"pad": "0123456789012345678901234567890123456789"}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i := range 5 {
		path := filepath.Join(t.TempDir(), fmt.Sprintf("%d.db", i))
		must(t, s.SnapshotFile(path))
		must(t, s.Check())
		c := mustOpen(t, Options{Path: path, Key: o.Key})
		if r := got(c.VerifyEvents())(t); !r.OK() {
			t.Fatalf("%+v", r.Breaks)
		}
		must(t, c.Close())
	}
	close(stop)
	wg.Wait()
}

// A reader that is slow, or gives up, must hold up nobody.
func TestSlowReaderOfASnapshot(t *testing.T) {
	s := opened(t)
	r, w := io.Pipe()
	done := make(chan error)
	go func() { _, err := s.Snapshot(w); done <- err }()
	one := make([]byte, 1)
	got(r.Read(one))(t)
	for i := range 200 { // grows the file, which waits for open read transactions
		must(t, note(s, anna, fmt.Sprint(i), "", paas.Path{}, map[string]string{"pad": string(bytes.Repeat([]byte("x"), maxDetailRunes))}))
	}
	gone := errors.New("gone")
	_ = r.CloseWithError(gone)
	if err := <-done; !errors.Is(err, gone) {
		t.Fatalf("got %v", err)
	}
}

func TestSnapshotOfADamagedDatabaseIsNone(t *testing.T) {
	s := opened(t)
	must(t, s.update(func(tx *Tx) error { return tx.branch(appBucket).Put([]byte("app_x"), []byte("no record")) }))
	path := filepath.Join(t.TempDir(), "copy.db")
	if err := s.SnapshotFile(path); !errors.Is(err, ErrCorrupt) {
		t.Fatalf("got %v", err)
	}
	if entries := got(os.ReadDir(filepath.Dir(path)))(t); len(entries) != 0 {
		t.Fatalf("left: %v", entries)
	}
}
