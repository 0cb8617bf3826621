package builder_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/builder"
	"github.com/cloudsania/cloudsania/builder/lifecycle"
	"github.com/cloudsania/cloudsania/docker"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/terminal"
)

// The whole way against a real engine: the images are made (from an existing tree when CLOUDSANIA_TEST_BASETREE names
// one), apps of each kind built, and failures explained. The base, run and build images stay, as a cache; everything
// else is removed.
func TestBuilder(t *testing.T) {
	w := newWorld(t)
	t.Run("node", w.testNode)
	t.Run("static from a build", w.testBuiltStatic)
	t.Run("failure", w.testFailure)
	t.Run("out of memory", w.testOutOfMemory)
	t.Run("cancelled", w.testCancelled)
	t.Run("packages", w.testPackages)
	t.Run("pruned", w.testPruned)
	t.Run("restart", w.testRestart)
}

type world struct {
	engine  *docker.Engine
	inst    string
	data    string
	self    string
	builder *builder.Builder
	stop    func()
}

func newWorld(t *testing.T) *world {
	t.Helper()
	if os.Getenv("CLOUDSANIA_TEST_DOCKER") != "1" {
		t.Skip("set CLOUDSANIA_TEST_DOCKER=1 to run against a real engine")
	}
	if err := lifecycle.Available(); err != nil {
		t.Fatal(err, "run go generate ./builder/lifecycle")
	}
	w := &world{inst: paas.NewID("inl"), data: t.TempDir()}
	w.self = filepath.Join(t.TempDir(), "buildpack")
	c := exec.Command("go", "build", "-o", w.self, "./testdata/buildpack")
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("build the test's buildpack: %v\n%s", err, out)
	}
	var err error
	if w.engine, err = docker.Open(docker.Options{Installation: w.inst, Log: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.cleanUp(t) })
	w.start(t)
	return w
}

func (w *world) start(t *testing.T) {
	t.Helper()
	b, err := builder.New(builder.Options{
		Data: w.data, Engine: w.engine, Self: w.self, BaseTree: os.Getenv("CLOUDSANIA_TEST_BASETREE"), BuildMemoryMB: 400,
		Client: func(p builder.Policy) builder.Client { return w.engine.BuildClient(docker.BuildPolicy(p)) },
		Log:    slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	w.builder = b
	w.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	w.waitReady(t)
}

// waitReady follows the status, which must only go forward.
func (w *world) waitReady(t *testing.T) {
	t.Helper()
	start, last := time.Now(), builder.Status{}
	for limit := time.After(15 * time.Minute); ; {
		changed := w.builder.Changed()
		s := w.builder.Status()
		if s.Message != last.Message {
			t.Logf("%6.1fs %3d %% %s: %s", time.Since(start).Seconds(), s.Percent, s.Step, s.Message)
		}
		if s.Percent < last.Percent {
			t.Errorf("progress went back from %d to %d", last.Percent, s.Percent)
		}
		if last = s; s.Ready {
			return
		}
		if s.Err != nil {
			t.Fatal(s.Err)
		}
		select {
		case <-changed:
		case <-limit:
			t.Fatal("the builder did not become ready")
		}
	}
}

func (w *world) cleanUp(t *testing.T) {
	w.stop()
	ctx := context.Background()
	if err := w.engine.RemoveLeftovers(ctx); err != nil {
		t.Error(err)
	}
	refs := w.made(t)
	for _, ref := range slices.Backward(refs[min(4, len(refs)):]) { // base, run, build and lifecycle are the same for the next test
		if err := w.engine.RemoveImage(ctx, ref); err != nil {
			t.Error(err)
		}
	}
	if left, err := exec.Command("docker", "ps", "-aq", "--filter", "label=cloudsania.installation="+w.inst).Output(); err != nil || len(left) > 0 {
		t.Errorf("containers stay: %s %v", left, err)
	}
	if left, err := exec.Command("docker", "volume", "ls", "-q", "--filter", "label=cloudsania.installation="+w.inst).Output(); err != nil || len(left) > 0 {
		t.Errorf("volumes stay: %s %v", left, err)
	}
}

// made lists the images that the builder made, in that order.
func (w *world) made(t *testing.T) []string {
	t.Helper()
	var made struct{ Images []string }
	text, err := os.ReadFile(filepath.Join(w.data, "builder", "made.json"))
	if err == nil {
		err = json.Unmarshal(text, &made)
	}
	if err != nil {
		t.Error(err)
	}
	return made.Images
}

// source writes files into a new directory.
func source(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// build builds, forgets everything at the test's end, and returns what was printed too.
func (w *world) build(t *testing.T, ctx context.Context, r builder.Request) (builder.Result, string, error) {
	t.Helper()
	var out bytes.Buffer
	r.Build, r.Out = paas.NewID("bld"), io.MultiWriter(&out, t.Output())
	res, err := w.builder.Build(ctx, r)
	t.Cleanup(func() {
		ctx := context.Background()
		err := errors.Join(w.builder.RemoveBuild(ctx, paas.Build{ID: r.Build, App: r.App, Image: res.Image}), w.builder.Forget(ctx, r.App))
		if err != nil {
			t.Error(err)
		}
	})
	return res, out.String(), err
}

var nodePlan = paas.Plan{Language: "node", Runtimes: []paas.Runtime{{Name: "node", Constraint: "24.20.0"}}}

const server = `require('http').createServer((q, r) => r.end('hello 0 ' + (process.env.SECRET || 'none'))).listen(process.env.PORT)`

func (w *world) testNode(t *testing.T) {
	ctx := context.Background()
	app := paas.NewID("app")
	files := map[string]string{"server.js": server, ".git/config": "x"}
	req := builder.Request{App: app, Dir: source(t, files), Plan: nodePlan, Env: map[string]paas.Secret{"SECRET": paas.NewSecret("hunter2")}}
	start := time.Now()
	res, out, err := w.build(t, ctx, req)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("cold: %s", time.Since(start))
	for _, want := range []string{"downloading Node.js", "copying node", "secret is 7 long"} {
		if !strings.Contains(out, want) {
			t.Errorf("the log lacks %q:\n%s", want, out)
		}
	}
	if strings.ContainsAny(terminal.Plain(out), "\x1b[") || strings.Contains(out, "hunter2") {
		t.Errorf("the log is not clean:\n%s", out)
	}
	if !strings.HasPrefix(res.Image, "apps/"+app+"@sha256:") || res.Plan.Runtimes[0].Version == "" {
		t.Errorf("result: %+v", res)
	}
	if got := w.serve(t, app, res.Image); got != "hello 0 none" {
		t.Errorf("the app answers %q: build variables must not be in the image", got)
	}
	var took []time.Duration
	for i := range 5 {
		files["server.js"] = strings.Replace(server, "hello 0", fmt.Sprintf("hello %d", i+1), 1)
		req.Dir, req.Previous = source(t, files), res.Image
		start := time.Now()
		if res, out, err = w.build(t, ctx, req); err != nil {
			t.Fatal(err)
		}
		took = append(took, time.Since(start).Round(10*time.Millisecond))
		if !strings.Contains(out, "using node again") {
			t.Errorf("the layer was not used again:\n%s", out)
		}
	}
	t.Logf("change: %v", took)
	if got := w.serve(t, app, res.Image); got != "hello 5 none" {
		t.Errorf("after the change the app answers %q", got)
	}
}

// serve runs the image's web process on a network of its own and asks it once.
func (w *world) serve(t *testing.T, app, image string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	ref, auth := w.builder.Ref(image)
	start := time.Now()
	if err := w.engine.PullImage(ctx, ref, auth); err != nil {
		t.Fatal(err)
	}
	t.Logf("pull: %s", time.Since(start))
	id := paas.NewID("ins")
	network, subnet := "cloudsania-test-"+id, netip.MustParsePrefix("10.211.77.0/26")
	if err := w.engine.EnsureNetwork(ctx, network, subnet); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.engine.RemoveNetwork(context.Background(), network) }()
	addr := netip.MustParseAddr("10.211.77.10")
	c, err := w.engine.Create(ctx, docker.Spec{Kind: docker.KindInstance, ID: id, App: app, Process: "web", Image: ref, Entrypoint: []string{"/cnb/process/web"},
		Env: map[string]paas.Secret{"PORT": paas.NewSecret("8080")}, Network: network, Addr: addr})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.engine.Remove(context.Background(), c) }()
	if err := w.engine.Start(ctx, c); err != nil {
		t.Fatal(err)
	}
	for ctx.Err() == nil {
		resp, err := http.Get("http://" + addr.String() + ":8080/")
		if err == nil {
			body, _ := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			return string(body)
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("the app did not answer")
	return ""
}

func (w *world) testBuiltStatic(t *testing.T) {
	plan := nodePlan
	plan.Static = &paas.Static{Dir: "dist", Built: true}
	app := paas.NewID("app")
	req := builder.Request{App: app, Plan: plan}
	var trees []string
	for _, text := range []string{"one", "one", "two"} {
		req.Dir = source(t, map[string]string{"build.js": `const fs = require('fs'); fs.mkdirSync('dist/a', {recursive: true});
fs.writeFileSync('dist/index.html', '` + text + `'); fs.writeFileSync('dist/a/b.txt', 'b'); fs.writeFileSync('dist/.env', 'x'); fs.symlinkSync('/etc/passwd', 'dist/link')`})
		start := time.Now()
		res, out, err := w.build(t, context.Background(), req)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("static: %s", time.Since(start))
		if res.Image != "" || res.StaticDir == "" {
			t.Errorf("result: %+v", res)
		}
		if got := listing(t, res.StaticDir); got != "a/b.txt 644, index.html 644" {
			t.Errorf("site: %s", got)
		}
		if b, _ := os.ReadFile(filepath.Join(res.StaticDir, "index.html")); string(b) != text {
			t.Errorf("index.html is %q", b)
		}
		if len(trees) > 0 && !strings.Contains(out, "using node again") {
			t.Errorf("the static build's last image was not used again:\n%s", out)
		}
		trees = append(trees, res.Tree)
	}
	if trees[0] != trees[1] || trees[1] == trees[2] {
		t.Errorf("trees: %v", trees)
	}
}

func (w *world) testFailure(t *testing.T) {
	_, out, err := w.build(t, context.Background(), builder.Request{App: paas.NewID("app"), Plan: nodePlan, Dir: source(t, map[string]string{"fail": ""})})
	p := paas.Public(err)
	if p.Kind != paas.Failed || p.Msg != `npm found no package "nope"` || p.Hint != "correct its name in package.json" {
		t.Errorf("error: %+v", p)
	}
	if !strings.Contains(out, "npm error code E404") || strings.Contains(out, "cloudsania-record") {
		t.Errorf("log:\n%s", out)
	}
}

func (w *world) testOutOfMemory(t *testing.T) {
	_, _, err := w.build(t, context.Background(), builder.Request{App: paas.NewID("app"), Plan: nodePlan, Dir: source(t, map[string]string{"hog": ""})})
	if p := paas.Public(err); p.Kind != paas.Failed || p.Msg != "the build needed more than 400 MB of memory" {
		t.Errorf("error: %+v", p)
	}
}

func (w *world) testCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(4*time.Second, cancel)
	start := time.Now()
	_, _, err := w.build(t, ctx, builder.Request{App: paas.NewID("app"), Plan: nodePlan, Dir: source(t, map[string]string{"sleep": ""})})
	if !paas.IsKind(err, paas.Cancelled) {
		t.Errorf("error: %v", err)
	}
	if d := time.Since(start); d > 12*time.Second {
		t.Errorf("cancelling took %s", d)
	}
}

// testPackages: an app that asks for a Debian package gets a pair of images with it, made once.
func (w *world) testPackages(t *testing.T) {
	ctx := context.Background()
	plan := nodePlan
	plan.Packages = []string{"no-such-package"}
	app := paas.NewID("app")
	dir := source(t, map[string]string{"server.js": `const out = require('fs').existsSync('/usr/bin/hello'); require('http').createServer((q, r) => r.end('' + out)).listen(process.env.PORT)`})
	_, _, err := w.build(t, ctx, builder.Request{App: app, Plan: plan, Dir: dir})
	if p := paas.Public(err); p.Kind != paas.Failed || p.Msg != `Debian 13 has no package "no-such-package"` {
		t.Errorf("error: %+v", p)
	}
	plan.Packages = []string{"hello"}
	for _, first := range []bool{true, false} {
		start := time.Now()
		res, out, err := w.build(t, ctx, builder.Request{App: app, Plan: plan, Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("with a package: %s", time.Since(start))
		if strings.Contains(out, "system packages") != first {
			t.Errorf("log:\n%s", out)
		}
		if first {
			if got := w.serve(t, app, res.Image); got != "true" {
				t.Errorf("the package is in the image: %s", got)
			}
		}
	}
}

// testPruned: an administrator pruned Docker's images; the next build makes what is missing.
func (w *world) testPruned(t *testing.T) {
	ctx := context.Background()
	for _, ref := range w.made(t) {
		if strings.HasPrefix(ref, "cloudsania/builder:") {
			if err := w.engine.RemoveImage(ctx, ref); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, _, err := w.build(t, ctx, builder.Request{App: paas.NewID("app"), Plan: nodePlan, Dir: source(t, map[string]string{"server.js": server})}); err != nil {
		t.Error(err)
	}
}

// testRestart: a second process with the same data finds its images and its port, within a moment.
func (w *world) testRestart(t *testing.T) {
	ref, _ := w.builder.Ref("x")
	w.stop()
	start := time.Now()
	w.start(t)
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("the restart took %s", d)
	}
	if again, _ := w.builder.Ref("x"); again != ref {
		t.Errorf("the registry moved from %s to %s", ref, again)
	}
}

// listing names the files below dir with their modes.
func listing(t *testing.T, dir string) string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(file string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		fi, err := d.Info()
		rel, _ := filepath.Rel(dir, file)
		names = append(names, fmt.Sprintf("%s %o", rel, fi.Mode().Perm()))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(names, ", ")
}
