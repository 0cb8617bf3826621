package server

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/paas"
)

// uploads are the directories that there are.
func (r *rig) uploads() []string {
	r.t.Helper()
	entries, err := os.ReadDir(filepath.Join(r.dir, "uploads"))
	if err != nil {
		r.t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func TestUploadsLiveAndDie(t *testing.T) {
	dir := t.TempDir()
	u, err := OpenUploads(filepath.Join(dir, "uploads"))
	if err != nil {
		t.Fatal(err)
	}
	zip := zipOf(t, map[string]string{"top/a.txt": "hello", "top/b/c.txt": "x"})
	up, err := u.Save(bytes.NewReader(zip), "../../a\x00b.zip", "user:usr_1")
	if err != nil || up.Name != "ab.zip" || up.Size != int64(len(zip)) {
		t.Fatalf("%+v %v", up, err)
	}
	found, err := u.Find(up.ID)
	if err != nil || found != up {
		t.Errorf("%+v %v, want %+v", found, err, up)
	}
	out := t.TempDir()
	if err := u.Copy(t.Context(), up.ID, out); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(out, "a.txt")); err != nil || string(b) != "hello" {
		t.Errorf("%q %v", b, err)
	}
	for _, id := range []string{"", "..", "upl_x", "upl_../../../etc/passwd", "app_" + strings.Repeat("0", 26), up.ID + "/x"} {
		if _, err := u.Dir(id); !paas.IsKind(err, paas.NotFound) {
			t.Errorf("%q has a directory: %v", id, err)
		}
		if err := u.Remove(id); err == nil {
			t.Errorf("%q can be removed", id)
		}
	}
	if err := u.Remove(up.ID); err != nil {
		t.Fatal(err)
	}
	if err := u.Remove(up.ID); err != nil {
		t.Errorf("a second time: %v", err)
	}
	if _, err := u.Find(up.ID); !paas.IsKind(err, paas.NotFound) {
		t.Errorf("after removal: %v", err)
	}
}

func TestSweepKeepsWhatIsUsedOrNew(t *testing.T) {
	u, err := OpenUploads(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	save := func() string {
		up, err := u.Save(strings.NewReader("x"), "", "root:")
		if err != nil {
			t.Fatal(err)
		}
		return up.ID
	}
	old, used, touched := save(), save(), save()
	scratch, err := u.Scratch()
	if err != nil {
		t.Fatal(err)
	}
	later := time.Now().Add(uploadLife + time.Hour)
	dir, err := u.Dir(touched)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(dir, later, later); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(u.dir, "not-ours"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := u.Sweep(later, func() (map[string]bool, error) { return nil, errors.New("the store is away") }); err == nil {
		t.Error("sweeps without knowing what is in use")
	}
	if err := u.Sweep(later, func() (map[string]bool, error) { return map[string]bool{used: true}, nil }); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]bool{old: false, used: true, touched: true, filepath.Base(scratch): false, "not-ours": true} {
		if _, err := os.Stat(filepath.Join(u.dir, id)); (err == nil) != want {
			t.Errorf("%s: kept is %v", id, err == nil)
		}
	}
}

func TestServerKnowsWhichUploadsAreInUse(t *testing.T) {
	r := newRig(t)
	a := r.app("shop")
	built, waiting := paas.NewID("upl"), paas.NewID("upl")
	r.goLive(a, paas.Source{Kind: paas.SourceUpload, Upload: built})
	if _, err := r.deploy.Deploy(t.Context(), paas.System, r.target(a), paas.Source{Kind: paas.SourceUpload, Upload: waiting}); err != nil {
		t.Fatal(err)
	}
	used, err := r.uploadsInUse()
	if err != nil || !used[built] || !used[waiting] {
		t.Errorf("%v %v", used, err)
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
	u, err := OpenUploads(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, in := range map[string]error{"broken": io.ErrUnexpectedEOF, "full": syscall.ENOSPC} {
		_, err := u.Save(&failing{100_000, in}, "x", "")
		if err == nil || (name == "full") != paas.IsKind(err, paas.NoSpace) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := u.Save(&countedBody{r: endless{}, left: 1 << 20}, "x", ""); !paas.IsKind(err, paas.TooLarge) {
		t.Errorf("too large: %v", err)
	}
	if entries, err := os.ReadDir(u.dir); err != nil || len(entries) != 0 {
		t.Errorf("%v %v", entries, err)
	}
	if err := u.Room(1 << 60); !paas.IsKind(err, paas.NoSpace) {
		t.Errorf("more than the disk has: %v", err)
	}
}

// What says that it is larger than the limit is refused before a byte of it is read.
func TestHugeUploadIsRefusedAtOnce(t *testing.T) {
	r := newClaimed(t)
	r.app("shop")
	for _, path := range []string{"/api/v1/apps/shop/deployments", "/api/v1/detect"} {
		e := r.refusedRaw(path, 3<<30)
		if e.Kind != "too_large" || !strings.Contains(e.Message, "2 GiB") || e.Hint == "" {
			t.Errorf("%s: %+v", path, e)
		}
	}
}

// A browser that goes away in the middle of an upload leaves nothing behind.
func TestBrokenUploadLeavesNothing(t *testing.T) {
	r := newClaimed(t)
	r.app("shop")
	ctx, cancel := context.WithCancel(t.Context())
	pr, pw := io.Pipe()
	go func() {
		_, _ = pw.Write(make([]byte, 1<<20))
		cancel()
		_ = pw.CloseWithError(errors.New("gone"))
	}()
	_, err := r.try(ctx, ask{method: "POST", path: "/api/v1/apps/shop/deployments", local: true, raw: pr, header: map[string]string{"Content-Type": "application/zip"}})
	if err == nil {
		t.Fatal("the request went through")
	}
	for end := time.Now().Add(10 * time.Second); len(r.uploads()) > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("uploads %v", r.uploads())
		}
	}
}

func TestCleanName(t *testing.T) {
	for in, want := range map[string]string{"a.zip": "a.zip", "/etc/passwd": "passwd", `C:\x\y.zip`: "y.zip", "a\nb": "ab", "a\u202eb": "ab", "\xff.zip": ".zip", "": "", "a/": ""} {
		if got := cleanName(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	for file, want := range map[string]string{"My Shop-main.zip": "my-shop-main", "a.tar.gz": "a", "SITE.ZIP": "site", "x": "x", ".zip": "zip", "": ""} {
		if got := suggestName(file); got != want {
			t.Errorf("%q suggests %q, want %q", file, got, want)
		}
	}
}

// refusedRaw sends only the head of a request with a body of that size, and returns the error of the answer.
func (r *rig) refusedRaw(path string, size int64) api.Error {
	r.t.Helper()
	c, err := net.Dial("unix", filepath.Join(r.dir, "control.sock"))
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		r.t.Fatal(err)
	}
	fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/zip\r\nContent-Length: %d\r\n\r\n", path, size)
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		r.t.Fatal(err)
	}
	var f api.Failed
	if err := json.NewDecoder(resp.Body).Decode(&f); err != nil || resp.StatusCode != http.StatusRequestEntityTooLarge {
		r.t.Fatalf("%d %v", resp.StatusCode, err)
	}
	return f.Error
}
