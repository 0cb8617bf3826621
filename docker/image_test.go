package docker_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/cloudsania/cloudsania/docker"
	"github.com/cloudsania/cloudsania/docker/dockertest"
	"github.com/cloudsania/cloudsania/paas"
)

func tarOf(t *testing.T, files map[string]string) io.Reader {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for name, content := range files {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(content))}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &b
}

func newRef() string { return "cloudsania-test/x:" + paas.NewID("bld") }

func imageConfig(t *testing.T, e *docker.Engine, ref string) client.ImageInspectResult {
	t.Helper()
	r, err := e.Raw().ImageInspect(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestImportImage(t *testing.T) {
	t.Parallel()
	e := dockertest.Engine(t)
	ref := newRef()
	if ok, err := e.ImageExists(t.Context(), ref); ok || err != nil {
		t.Fatalf("before: %v, %v", ok, err)
	}
	if _, err := e.ImageLabels(t.Context(), ref); !paas.IsKind(err, paas.NotFound) {
		t.Errorf("labels of a missing image: %v", err)
	}
	nasty := `a "b" $HOME ${x:-y} \ \n 'c' # é`
	cfg := paas.ImageConfig{Env: []string{"PATH=/bin:/usr/bin", "EMPTY=", "NASTY=" + nasty}, User: "1000:1000", Dir: "/work space", Labels: map[string]string{"l one": nasty, "cloudsania.installation": "forged"}}
	if err := e.ImportImage(t.Context(), ref, tarOf(t, map[string]string{"f": "1"}), cfg); err != nil {
		t.Fatal(err)
	}
	if ok, err := e.ImageExists(t.Context(), ref); !ok || err != nil {
		t.Errorf("after: %v, %v", ok, err)
	}
	c := imageConfig(t, e, ref).Config
	if want := []string{"PATH=/bin:/usr/bin", "EMPTY=", "NASTY=" + nasty}; !reflect.DeepEqual(c.Env, want) || c.User != "1000:1000" || c.WorkingDir != "/work space" {
		t.Errorf("config %+v", c)
	}
	labels, err := e.ImageLabels(t.Context(), ref)
	if want := map[string]string{"l one": nasty, "cloudsania.installation": e.Installation(), "cloudsania.kind": "kept"}; err != nil || !reflect.DeepEqual(labels, want) {
		t.Errorf("labels %v, %v", labels, err)
	}
	for name, bad := range map[string]paas.ImageConfig{
		"no PATH":      {Env: []string{"A=1"}},
		"line break":   {Env: []string{"PATH=/bin", "A=1\nUSER 0"}},
		"user":         {Env: []string{"PATH=/bin"}, User: "root\nENV X=1"},
		"directory":    {Env: []string{"PATH=/bin"}, Dir: "relative"},
		"not NAME=val": {Env: []string{"PATH=/bin", "x"}},
	} {
		if err := e.ImportImage(t.Context(), newRef(), tarOf(t, nil), bad); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	if err := e.ImportImage(t.Context(), newRef(), strings.NewReader("this is no tar archive, and long enough to be seen as none"), cfg); err == nil {
		t.Error("garbage is accepted")
	}
	if err := e.RemoveImage(t.Context(), ref); err != nil {
		t.Error(err)
	}
	if err := e.RemoveImage(t.Context(), ref); err != nil {
		t.Errorf("a missing image: %v", err)
	}
}

// Story: each new version of the base left 600 MB without a name behind.
func TestAReplacedImageGoes(t *testing.T) {
	t.Parallel()
	e := dockertest.Engine(t)
	ref, cfg := newRef(), paas.ImageConfig{Env: []string{"PATH=/bin"}, User: "1:1"}
	ids := []string{}
	for _, content := range []string{"1", "2"} {
		if err := e.ImportImage(t.Context(), ref, tarOf(t, map[string]string{"f": content}), cfg); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, imageConfig(t, e, ref).ID)
	}
	if ok, err := e.ImageExists(t.Context(), ids[0]); ok || err != nil || ids[0] == ids[1] {
		t.Errorf("the old one is there: %v, %v", ok, err)
	}
	second := newRef()
	if err := e.TagImage(t.Context(), ref, second); err != nil {
		t.Fatal(err)
	}
	if err := e.ImportImage(t.Context(), ref, tarOf(t, map[string]string{"f": "3"}), cfg); err != nil {
		t.Fatal(err)
	}
	if ok, err := e.ImageExists(t.Context(), second); !ok || err != nil {
		t.Errorf("its other name is gone: %v, %v", ok, err)
	}
}

func TestRemoveImageInUse(t *testing.T) {
	t.Parallel()
	e := dockertest.Engine(t)
	ref := dockertest.Image(t, e)
	start(t, e, dockertest.Spec(ref, "sleep"))
	if err := e.RemoveImage(t.Context(), ref); !paas.IsKind(err, paas.Conflict) {
		t.Errorf("got %v", err)
	}
}

func TestDeriveImage(t *testing.T) {
	e := dockertest.Engine(t)
	from, ref := dockertest.Image(t, e), newRef()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "in"), []byte("mounted"), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HTTP_PROXY", "http://must-not-leak")
	derive := func(ref string, out io.Writer, argv ...string) error {
		return e.DeriveImage(t.Context(), ref, from, argv, paas.ImageConfig{Env: []string{"PATH=/new", "EXTRA=1"}, Labels: map[string]string{"set": "abc"}}, []string{dir + ":/mnt:ro"}, out)
	}
	var out bytes.Buffer
	if err := derive(ref, &out, "/app", "write", "/derived", "made by root"); err != nil {
		t.Fatal(err, out.String())
	}
	c := imageConfig(t, e, ref).Config
	if c.User != "1000:1000" || len(c.Cmd) != 0 || len(c.Entrypoint) != 0 || len(c.Volumes) != 0 || !slices.Equal(c.Env, []string{"PATH=/new", "EXTRA=1"}) {
		t.Errorf("config %+v", c)
	}
	if labels, err := e.ImageLabels(t.Context(), ref); err != nil || labels["set"] != "abc" || labels["cloudsania.installation"] != e.Installation() || labels["cloudsania.kind"] != "kept" {
		t.Errorf("labels %v, %v", labels, err)
	}
	if got := copied(t, e, ref, "/derived"); got["derived"] != "made by root" {
		t.Errorf("the change is not kept: %v", got)
	}
	if got := copied(t, e, ref, "/mnt"); len(got) != 0 {
		t.Errorf("the mount is in the image: %v", got)
	}

	out.Reset()
	failed := newRef()
	err := derive(failed, &out, "/app", "say", "7", "to stdout", "to stderr")
	if !paas.IsKind(err, paas.Failed) || !strings.Contains(err.Error(), "status 7") || !strings.Contains(out.String(), "to stdout") || !strings.Contains(out.String(), "to stderr") {
		t.Errorf("got %v and %q", err, out.String())
	}
	if ok, err := e.ImageExists(t.Context(), failed); ok || err != nil {
		t.Errorf("a failed command made an image: %v, %v", ok, err)
	}
	if err := derive(newRef(), io.Discard, "/no/such/program"); err == nil {
		t.Error("a missing program made an image")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := e.DeriveImage(ctx, newRef(), from, []string{"/app"}, paas.ImageConfig{}, nil, io.Discard); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if n := containers(t, e); n != 0 {
		t.Errorf("%d containers left behind", n)
	}
}

func containers(t *testing.T, e *docker.Engine) int {
	t.Helper()
	r, err := e.Raw().ContainerList(t.Context(), client.ContainerListOptions{All: true, Filters: client.Filters{}.Add("label", "cloudsania.installation="+e.Installation())})
	if err != nil {
		t.Fatal(err)
	}
	return len(r.Items)
}

func copied(t *testing.T, e *docker.Engine, ref, path string) map[string]string {
	t.Helper()
	c := e.Raw()
	made, err := c.ContainerCreate(t.Context(), client.ContainerCreateOptions{Config: &container.Config{Image: ref, Entrypoint: []string{"-"}}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if _, err := c.ContainerRemove(t.Context(), made.ID, client.ContainerRemoveOptions{}); err != nil {
			t.Error(err)
		}
	}()
	r, err := c.CopyFromContainer(t.Context(), made.ID, client.CopyFromContainerOptions{SourcePath: path})
	if cerrdefs.IsNotFound(err) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Content.Close() }() // only read
	files := map[string]string{}
	for tr := tar.NewReader(r.Content); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			b, err := io.ReadAll(tr)
			if err != nil {
				t.Fatal(err)
			}
			files[h.Name] = string(b)
		}
	}
}

func TestPullAndPushTellWhatFailed(t *testing.T) {
	t.Parallel()
	e := dockertest.Engine(t)
	ref := dockertest.Image(t, e)
	auth := paas.RegistryAuth{User: "u", Password: paas.NewSecret("hunter2")}
	for name, err := range map[string]error{
		"pull": e.PullImage(t.Context(), "127.0.0.1:9/none/none:1", auth),
		"push": e.PushImage(t.Context(), "127.0.0.1:9/none/none:1", auth, io.Discard),
	} {
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
	}
	to := "127.0.0.1:9/none/none:" + paas.NewID("bld")
	if err := e.TagImage(t.Context(), ref, to); err != nil {
		t.Fatal(err)
	}
	if err := e.PushImage(t.Context(), to, auth, io.Discard); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("push to a closed port: %v", err)
	}
}
