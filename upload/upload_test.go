package upload

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

func zipOf(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	zw := zip.NewWriter(&b)
	for name, content := range files {
		w, err := zw.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestOnlyTheOwnerFindsAnUpload(t *testing.T) {
	d, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	up, err := d.Save(strings.NewReader("x"), "", "user:usr_1")
	if err != nil {
		t.Fatal(err)
	}
	dir, err := d.of(up.ID)
	if err != nil {
		t.Fatal(err)
	}
	long := time.Now().Add(-keptFor)
	if err := os.Chtimes(dir, long, long); err != nil {
		t.Fatal(err)
	}
	_, foreign := d.OwnedBy("user:usr_2", up.ID)
	_, gone := d.OwnedBy("user:usr_2", paas.NewID(idPrefix))
	if !paas.IsKind(foreign, paas.NotFound) || *paas.Public(foreign) != *paas.Public(gone) {
		t.Errorf("a foreign upload (%v) does not look like one that is gone (%v)", foreign, gone)
	}
	if found, err := d.OwnedBy("user:usr_1", up.ID); err != nil || found != up {
		t.Errorf("%+v %v", found, err)
	}
	if err := d.Sweep(time.Now().Add(keptFor-time.Minute), func() (map[string]bool, error) { return nil, nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Find(up.ID); err != nil {
		t.Errorf("looking for it does not keep it: %v", err)
	}
}

func TestUploadsLiveAndDie(t *testing.T) {
	dir := t.TempDir()
	d, err := Open(filepath.Join(dir, "uploads"))
	if err != nil {
		t.Fatal(err)
	}
	zipped := zipOf(t, map[string]string{"top/a.txt": "hello", "top/b/c.txt": "x"})
	up, err := d.Save(bytes.NewReader(zipped), "../../a\x00b.zip", "user:usr_1")
	if err != nil || up.Name != "ab.zip" || up.Size != int64(len(zipped)) {
		t.Fatalf("%+v %v", up, err)
	}
	found, err := d.Find(up.ID)
	if err != nil || found != up {
		t.Errorf("%+v %v, want %+v", found, err, up)
	}
	out := t.TempDir()
	if err := d.Copy(t.Context(), up.ID, out); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(out, "a.txt")); err != nil || string(b) != "hello" {
		t.Errorf("%q %v", b, err)
	}
	for _, id := range []string{"", "..", "upl_x", "upl_../../../etc/passwd", "app_" + strings.Repeat("0", 26), up.ID + "/x"} {
		if _, err := d.of(id); !paas.IsKind(err, paas.NotFound) {
			t.Errorf("%q has a directory: %v", id, err)
		}
		if err := d.Remove(id); err == nil {
			t.Errorf("%q can be removed", id)
		}
	}
	if err := d.Remove(up.ID); err != nil {
		t.Fatal(err)
	}
	if err := d.Remove(up.ID); err != nil {
		t.Errorf("a second time: %v", err)
	}
	if _, err := d.Find(up.ID); !paas.IsKind(err, paas.NotFound) {
		t.Errorf("after removal: %v", err)
	}
}

func TestSweepKeepsWhatIsUsedOrNew(t *testing.T) {
	d, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	save := func() string {
		up, err := d.Save(strings.NewReader("x"), "", "root:")
		if err != nil {
			t.Fatal(err)
		}
		return up.ID
	}
	old, used, touched := save(), save(), save()
	scratch, err := d.Scratch()
	if err != nil {
		t.Fatal(err)
	}
	later := time.Now().Add(keptFor + time.Hour)
	dir, err := d.of(touched)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(dir, later, later); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(d.path, "not-ours"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := d.Sweep(later, func() (map[string]bool, error) { return nil, errors.New("the store is away") }); err == nil {
		t.Error("sweeps without knowing what is in use")
	}
	if err := d.Sweep(later, func() (map[string]bool, error) { return map[string]bool{used: true}, nil }); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]bool{old: false, used: true, touched: true, filepath.Base(scratch): false, "not-ours": true} {
		if _, err := os.Stat(filepath.Join(d.path, id)); (err == nil) != want {
			t.Errorf("%s: kept is %v", id, err == nil)
		}
	}
}

// failing gives some bytes and then an error.
type failing struct {
	left int
	err  error
}

func (f *failing) Read(p []byte) (int, error) {
	if f.left <= 0 {
		return 0, f.err
	}
	n := min(len(p), f.left)
	f.left -= n
	return n, nil
}

func TestFailedUploadsLeaveNothing(t *testing.T) {
	d, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, in := range map[string]error{"broken": io.ErrUnexpectedEOF, "full": syscall.ENOSPC} {
		_, err := d.Save(&failing{100_000, in}, "x", "")
		if err == nil || (name == "full") != paas.IsKind(err, paas.NoSpace) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if entries, err := os.ReadDir(d.path); err != nil || len(entries) != 0 {
		t.Errorf("%v %v", entries, err)
	}
	if err := d.Room(1 << 60); !paas.IsKind(err, paas.NoSpace) {
		t.Errorf("more than the disk has: %v", err)
	}
}

func TestCleanName(t *testing.T) {
	for in, want := range map[string]string{"a.zip": "a.zip", "/etc/passwd": "passwd", `C:\x\y.zip`: "y.zip", "a\nb": "ab", "a\u202eb": "ab", "\xff.zip": ".zip", "": "", "a/": ""} {
		if got := cleanName(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
