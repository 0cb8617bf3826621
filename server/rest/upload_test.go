package rest_test

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
	"github.com/cloudsania/cloudsania/server/servertest"
)

// uploads are the directories that there are.
func uploads(r *servertest.Rig) []string {
	r.T.Helper()
	entries := servertest.Must(os.ReadDir(filepath.Join(r.Dir, "uploads")))(r.T)
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func TestControlKnowsWhichUploadsAreInUse(t *testing.T) {
	r := servertest.New(t)
	a := r.App("shop")
	built, waiting := paas.NewID("upl"), paas.NewID("upl")
	r.GoLive(a, paas.Source{Kind: paas.SourceUpload, Upload: built})
	_, _, err := r.Store.QueueDeployment(paas.System, r.Target(a), paas.Source{Kind: paas.SourceUpload, Upload: waiting})
	servertest.Check(t, err)
	used, err := r.Control.Uploads.InUse()
	if err != nil || !used[built] || !used[waiting] {
		t.Errorf("%v %v", used, err)
	}
}

// What says that it is larger than the limit is refused before a byte of it is read.
func TestHugeUploadIsRefusedAtOnce(t *testing.T) {
	r := servertest.Claimed(t)
	r.App("shop")
	for _, path := range []string{"/api/v1/apps/shop/deployments", "/api/v1/detect"} {
		e := refusedRaw(r, path, 3<<30)
		if e.Kind != "too_large" || !strings.Contains(e.Message, "2 GiB") || e.Hint == "" {
			t.Errorf("%s: %+v", path, e)
		}
	}
}

// A browser that goes away in the middle of an upload leaves nothing behind.
func TestBrokenUploadLeavesNothing(t *testing.T) {
	r := servertest.Claimed(t)
	r.App("shop")
	ctx, cancel := context.WithCancel(t.Context())
	pr, pw := io.Pipe()
	go func() {
		_, _ = pw.Write(make([]byte, 1<<20))
		cancel()
		_ = pw.CloseWithError(errors.New("gone"))
	}()
	_, err := r.Try(ctx, servertest.Ask{Method: "POST", Path: "/api/v1/apps/shop/deployments", Local: true, Raw: pr, Header: map[string]string{"Content-Type": "application/zip"}})
	if err == nil {
		t.Fatal("the request went through")
	}
	for end := time.Now().Add(10 * time.Second); len(uploads(r)) > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("uploads %v", uploads(r))
		}
	}
}

// refusedRaw sends only the head of a request with a body of that size, and returns the error of the answer.
func refusedRaw(r *servertest.Rig, path string, size int64) api.Error {
	r.T.Helper()
	c := servertest.Must(net.Dial("unix", filepath.Join(r.Dir, "control.sock")))(r.T)
	defer func() { _ = c.Close() }()
	servertest.Check(r.T, c.SetDeadline(time.Now().Add(10*time.Second)))
	fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/zip\r\nContent-Length: %d\r\n\r\n", path, size)
	resp := servertest.Must(http.ReadResponse(bufio.NewReader(c), nil))(r.T)
	var f api.Failed
	if err := json.NewDecoder(resp.Body).Decode(&f); err != nil || resp.StatusCode != http.StatusRequestEntityTooLarge {
		r.T.Fatalf("%d %v", resp.StatusCode, err)
	}
	return f.Error
}
