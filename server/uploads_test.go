package server

import (
	"bufio"
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

func TestSuggestName(t *testing.T) {
	for file, want := range map[string]string{"My Shop-main.zip": "my-shop-main", "a.tar.gz": "a", "SITE.ZIP": "site", "x": "x", ".zip": "zip", "": ""} {
		if got := suggestName(file); got != want {
			t.Errorf("%q suggests %q, want %q", file, got, want)
		}
	}
}

func TestBodyWithoutEndIsTooLarge(t *testing.T) {
	if _, err := io.Copy(io.Discard, &countedBody{r: endless{}, left: 1 << 20}); !paas.IsKind(err, paas.TooLarge) {
		t.Error(err)
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
