package registry

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

func open(t *testing.T, dir string) *Registry {
	t.Helper()
	r, err := Listen(Options{Dir: dir, Addr: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return r
}

// do sends one request; a body is sent as it is.
func do(t *testing.T, r *Registry, auth paas.RegistryAuth, method, path, kind string, body []byte) *http.Response {
	t.Helper()
	url := path
	if strings.HasPrefix(path, "/") {
		url = "http://" + r.Host() + path
	}
	q, err := http.NewRequest(method, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Accept", manifestType+", */*")
	if auth.User != "" {
		q.SetBasicAuth(auth.User, auth.Password.Reveal())
	}
	if kind != "" {
		q.Header.Set("Content-Type", kind)
	}
	resp, err := http.DefaultTransport.RoundTrip(q)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(text))
	return resp
}

func status(t *testing.T, r *Registry, auth paas.RegistryAuth, method, path string) int {
	t.Helper()
	return do(t, r, auth, method, path, "", nil).StatusCode
}

func digestOf(b []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(b)) }

// pushBlob uploads in one piece.
func pushBlob(t *testing.T, r *Registry, auth paas.RegistryAuth, repository string, b []byte) {
	t.Helper()
	resp := do(t, r, auth, "POST", "/v2/"+repository+"/blobs/uploads/", "", nil)
	if resp.StatusCode != http.StatusAccepted {
		t.Fatalf("begin upload: %s", resp.Status)
	}
	resp = do(t, r, auth, "PUT", resp.Header.Get("Location")+"&digest="+digestOf(b), "application/octet-stream", b)
	if resp.StatusCode != http.StatusCreated {
		t.Fatalf("upload: %s", resp.Status)
	}
}

const manifestType = "application/vnd.oci.image.manifest.v1+json"

// pushImage pushes an image of one layer and returns its digest.
func pushImage(t *testing.T, r *Registry, auth paas.RegistryAuth, repository, tag string, layer []byte) string {
	t.Helper()
	config := []byte(`{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}`)
	pushBlob(t, r, auth, repository, config)
	pushBlob(t, r, auth, repository, layer)
	manifest := fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":%q,"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":%q,"size":%d},`+
		`"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":%q,"size":%d}]}`, manifestType, digestOf(config), len(config), digestOf(layer), len(layer))
	resp := do(t, r, auth, "PUT", "/v2/"+repository+"/manifests/"+tag, manifestType, manifest)
	if resp.StatusCode != http.StatusCreated {
		text, _ := io.ReadAll(resp.Body)
		t.Fatalf("push manifest: %s %s", resp.Status, text)
	}
	return digestOf(manifest)
}

func master(r *Registry) paas.RegistryAuth {
	return paas.RegistryAuth{User: user, Password: r.keys.push}
}

func TestContentSurvivesRestart(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	app := paas.NewID("app")
	r, err := Listen(Options{Dir: dir, Addr: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	run, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- r.Run(run) }()
	digest := pushImage(t, r, master(r), Repository(app), "v1", []byte("layer"))
	host, old := r.Host(), master(r)
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}

	r = open(t, dir)
	if r.Host() != host {
		t.Errorf("the port changed from %s to %s", host, r.Host())
	}
	if got, err := r.Digest(ctx, Repository(app), "v1"); err != nil || got != digest {
		t.Errorf("digest %q, %v", got, err)
	}
	img, err := r.Image(ctx, Repository(app), digest)
	if err != nil || len(img.Layers) != 1 || img.Layers[0] != digestOf([]byte("layer")) || img.Config == "" {
		t.Fatalf("image %+v, %v", img, err)
	}
	f, err := r.Open(ctx, Repository(app), img.Layers[0])
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if b, err := io.ReadAll(f); err != nil || string(b) != "layer" {
		t.Errorf("layer %q, %v", b, err)
	}
	if got := status(t, r, old, "GET", "/v2/"); got != http.StatusUnauthorized {
		t.Errorf("a password of the last process: %d", got)
	}
}

func TestBusyPortTakesAnother(t *testing.T) {
	dir := t.TempDir()
	first := open(t, dir)
	second, err := Listen(Options{Dir: dir, Addr: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = second.Close() }()
	if first.Host() == second.Host() {
		t.Error("two registries on one port")
	}
	if _, err := Listen(Options{Dir: dir, Addr: first.Host(), Log: slog.New(slog.DiscardHandler)}); !paas.IsKind(err, paas.Unavailable) {
		t.Errorf("a busy fixed port: %v", err)
	}
	for _, addr := range []string{"0.0.0.0:0", "example.com:80", "127.0.0.1"} {
		if _, err := Listen(Options{Dir: dir, Addr: addr, Log: slog.New(slog.DiscardHandler)}); err == nil {
			t.Errorf("listens on %q", addr)
		}
	}
}

func TestRights(t *testing.T) {
	ctx := context.Background()
	r := open(t, t.TempDir())
	mine, other := paas.NewID("app"), paas.NewID("app")
	secret := []byte("another app's layer")
	pushImage(t, r, master(r), Repository(other), "v1", secret)
	pushImage(t, r, master(r), "run/debian", "abc", []byte("base"))
	grant, revoke, err := r.Grant(ctx, mine)
	if err != nil {
		t.Fatal(err)
	}
	defer revoke()
	blob := "/blobs/" + digestOf(secret)
	anonymous := paas.RegistryAuth{}
	wrong := paas.RegistryAuth{User: user, Password: paas.NewSecret("wrong")}
	for _, c := range []struct {
		who          string
		auth         paas.RegistryAuth
		method, path string
		want         int
	}{
		{"anonymous", anonymous, "GET", "/v2/", 401},
		{"anonymous", anonymous, "GET", "/v2/run/debian/manifests/abc", 401},
		{"wrong", wrong, "GET", "/v2/", 401},
		{"pull", r.Pull(), "GET", "/v2/", 200},
		{"pull", r.Pull(), "GET", "/v2/" + Repository(other) + "/manifests/v1", 200},
		{"pull", r.Pull(), "GET", "/v2/run/debian/manifests/abc", 200},
		{"pull", r.Pull(), "POST", "/v2/" + Repository(other) + "/blobs/uploads/", 403},
		{"pull", r.Pull(), "DELETE", "/v2/" + Repository(other) + "/manifests/v1", 403},
		{"pull", r.Pull(), "GET", "/v2/_catalog", 403},
		{"grant", grant, "GET", "/v2/", 200},
		{"grant", grant, "HEAD", "/v2/run/debian/manifests/abc", 200},
		{"grant", grant, "POST", "/v2/run/debian/blobs/uploads/", 403},
		{"grant", grant, "PUT", "/v2/run/debian/manifests/abc", 403},
		{"grant", grant, "POST", "/v2/" + Repository(mine) + "/blobs/uploads/", 202},
		{"grant", grant, "GET", "/v2/" + Repository(mine) + "/manifests/none", 404},
		{"grant", grant, "DELETE", "/v2/" + Repository(mine) + "/manifests/none", 403},
		{"grant", grant, "GET", "/v2/" + Repository(other) + "/manifests/v1", 403},
		{"grant", grant, "HEAD", "/v2/" + Repository(other) + blob, 403},
		{"grant", grant, "GET", "/v2/" + Repository(other) + "/tags/list", 403},
		{"grant", grant, "POST", "/v2/" + Repository(other) + "/blobs/uploads/", 403},
		{"grant", grant, "GET", "/v2/_catalog", 403},
		// Taking another app's layer over under one's own name.
		{"grant", grant, "POST", "/v2/" + Repository(mine) + "/blobs/uploads/?mount=" + digestOf(secret) + "&from=" + Repository(other), 403},
		{"grant", grant, "POST", "/v2/" + Repository(mine) + "/blobs/uploads/?mount=" + digestOf(secret) + "&from=run/debian&from=" + Repository(other), 403},
		// Paths that a router might read in another way than the check does.
		{"grant", grant, "GET", "/v2/" + Repository(mine) + "/../" + other + "/manifests/v1", 403},
		{"grant", grant, "GET", "/v2/" + Repository(mine) + "%2f..%2f" + other + "/manifests/v1", 403},
		{"grant", grant, "GET", "/v2//" + Repository(other) + "/manifests/v1", 403},
		{"grant", grant, "GET", "/v2/run/debian/manifests/abc/../../../../" + Repository(other) + "/manifests/v1", 403},
		{"grant", grant, "GET", "/v2/" + Repository(mine) + "/blobs/" + Repository(other) + "/manifests/v1", 403},
	} {
		if got := status(t, r, c.auth, c.method, c.path); got != c.want {
			t.Errorf("%s %s %s: %d, want %d", c.who, c.method, c.path, got, c.want)
		}
	}
	form := do(t, r, grant, "POST", "/v2/"+Repository(mine)+"/blobs/uploads/", "application/x-www-form-urlencoded", []byte("mount="+digestOf(secret)+"&from="+Repository(other)))
	if form.StatusCode != http.StatusForbidden {
		t.Errorf("mounting by a form: %s", form.Status)
	}
	pushImage(t, r, grant, Repository(mine), "v1", []byte("my layer"))
	revoke()
	revoke() // twice is fine
	if got := status(t, r, grant, "GET", "/v2/"); got != http.StatusUnauthorized {
		t.Errorf("after its end the grant gets %d", got)
	}
	if _, _, err := r.Grant(ctx, "../run"); err == nil {
		t.Error("a grant for something that is no app")
	}
}

func TestCollect(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	r := open(t, dir)
	if done, err := r.Collect(ctx); !done || err != nil {
		t.Fatalf("an empty registry: %v %v", done, err)
	}
	app := paas.NewID("app")
	repo := Repository(app)
	keep := pushImage(t, r, master(r), repo, "v1", []byte("kept layer"))
	if again := pushImage(t, r, master(r), repo, "v1-again", []byte("kept layer")); again != keep {
		t.Fatal("the same image has two digests")
	}
	gone := pushImage(t, r, master(r), repo, "v2", []byte("lost layer"))
	for _, tag := range []string{"v1", "v2", "never"} {
		if err := r.Untag(ctx, repo, tag); err != nil {
			t.Fatal(err)
		}
	}

	grant, revoke, err := r.Grant(ctx, app)
	if err != nil {
		t.Fatal(err)
	}
	if done, err := r.Collect(ctx); done || err != nil {
		t.Errorf("collected during a build: %v %v", done, err)
	}
	if got := status(t, r, grant, "HEAD", "/v2/"+repo+"/blobs/"+digestOf([]byte("lost layer"))); got != 200 {
		t.Errorf("a layer that the build relies on: %d", got)
	}
	revoke()
	if done, err := r.Collect(ctx); !done || err != nil {
		t.Fatalf("collect: %v %v", done, err)
	}
	if _, err := r.Image(ctx, repo, gone); !paas.IsKind(err, paas.NotFound) {
		t.Errorf("the untagged image: %v", err)
	}
	if _, err := r.Image(ctx, repo, keep); err != nil {
		t.Errorf("the image with another tag: %v", err)
	}
	if got := status(t, r, r.Pull(), "HEAD", "/v2/"+repo+"/blobs/"+digestOf([]byte("lost layer"))); got != 404 {
		t.Errorf("the lost layer: %d", got)
	}
	pushImage(t, r, master(r), repo, "v3", []byte("lost layer")) // what was swept can come back
	if err := r.Tag(ctx, repo, "static", keep); err != nil {
		t.Fatal(err)
	}
	if err := r.RemoveRepository(ctx, repo); err != nil {
		t.Fatal(err)
	}
	if err := r.RemoveRepository(ctx, repo); err != nil {
		t.Errorf("removing it twice: %v", err)
	}
	if _, err := r.Digest(ctx, repo, "v3"); !paas.IsKind(err, paas.NotFound) {
		t.Errorf("a tag of a removed repository: %v", err)
	}
	if done, err := r.Collect(ctx); !done || err != nil {
		t.Fatalf("collect: %v %v", done, err)
	}
	blobs := 0
	_ = filepath.WalkDir(filepath.Join(dir, "docker", "registry", "v2", "blobs"), func(_ string, d os.DirEntry, _ error) error {
		if d != nil && d.Name() == "data" {
			blobs++
		}
		return nil
	})
	if blobs != 0 {
		t.Errorf("%d blobs stay", blobs)
	}
}

func TestPushWaitsForCollection(t *testing.T) {
	r := open(t, t.TempDir())
	if !r.writers.TryAcquire(maxWriters) { // as Collect does
		t.Fatal("a push is going on")
	}
	short, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, _, err := r.Grant(short, paas.NewID("app")); err == nil {
		t.Error("a grant during a collection")
	}
	r.writers.Release(maxWriters)
	err := r.Push(context.Background(), func(auth paas.RegistryAuth) error {
		pushImage(t, r, auth, "run/debian", "x", []byte("x"))
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func FuzzRights(f *testing.F) {
	for _, p := range []string{"/v2/", "/v2/apps/app_1/manifests/x", "/v2/run/debian/blobs/uploads/", "/v2/apps/app_1/../x", "/v2/apps/manifests/blobs/uploads/"} {
		f.Add("GET", p)
		f.Add("PUT", p)
	}
	mine := rights{write: "apps/app_1", read: []string{"run/"}}
	f.Fuzz(func(t *testing.T, method, path string) {
		q, err := http.NewRequest("GET", "http://127.0.0.1/", nil)
		if err != nil {
			t.Fatal(err)
		}
		q.Method, q.URL.Path = method, path
		if !mine.allow(q) || path == "/v2/" {
			return
		}
		write := method != "GET" && method != "HEAD"
		ok := strings.HasPrefix(path, "/v2/apps/app_1/") || !write && strings.HasPrefix(path, "/v2/run/")
		if !ok || strings.Contains(path, "..") && !strings.Contains(path, "/manifests/") {
			t.Errorf("%s %q is allowed", method, path)
		}
	})
}
