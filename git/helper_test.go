package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/cloudsania/cloudsania/disk"
	"github.com/cloudsania/cloudsania/paas"
)

const goodToken = "cs_test_good"

// world is a Server behind a real listener, with one app named "shop".
type world struct {
	t    *testing.T
	srv  *Server
	http *httptest.Server
	gate *gate
	dep  *fakeDeployer
	app  string
	root string

	busy, served atomic.Int64 // requests
}

func newWorld(t *testing.T, set ...func(*Options)) *world {
	t.Helper()
	app := paas.NewID("app")
	w := &world{t: t, app: app, root: filepath.Join(t.TempDir(), "git: root"), dep: newFakeDeployer(),
		gate: &gate{apps: map[string]App{"shop": {ID: app, Name: "shop"}, "acme/shop": {ID: app, Name: "shop"}}}}
	w.start(set...)
	return w
}

// start makes a Server on the directory, as after a restart.
func (w *world) start(set ...func(*Options)) {
	w.t.Helper()
	o := Options{Root: w.root, Keepalive: 100 * time.Millisecond, Stall: 5 * time.Second}
	for _, f := range set {
		f(&o)
	}
	srv, err := New(o, w.gate, w.dep)
	if err != nil {
		w.t.Fatal(err)
	}
	w.srv = srv
	w.http = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.busy.Add(1)
		defer w.busy.Add(-1)
		w.served.Add(1)
		srv.ServeHTTP(rw, r)
	}))
	w.t.Cleanup(w.http.Close)
}

func (w *world) url() string {
	return strings.Replace(w.http.URL, "http://", "http://git:"+goodToken+"@", 1) + "/git/shop.git"
}

// refs are what a client sees.
func (w *world) remoteRefs() string {
	w.t.Helper()
	return git(w.t, "", "ls-remote", w.url())
}

func (w *world) refs() refs {
	w.t.Helper()
	all, err := (&repo{filepath.Join(w.root, w.app+".git")}).refs()
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

// clean fails when anything of a push is left over.
func (w *world) clean() {
	w.t.Helper()
	if left := w.leftovers(); len(left) > 0 {
		w.t.Errorf("left over: %v", left)
	}
}

// leftovers are what a push must not leave behind. When the client has gone, its request may still be removing them.
func (w *world) leftovers() (all []string) {
	w.t.Helper()
	for _, pattern := range []string{"objects/incoming-*", "objects/pack/tmp_*", "*.lock", disk.Temporaries} {
		left, err := filepath.Glob(filepath.Join(w.root, w.app+".git", pattern))
		if err != nil {
			w.t.Fatal(err)
		}
		all = append(all, left...)
	}
	return all
}

// eventually waits for a condition that the other side of a connection brings about.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within 10 s", what)
		}
	}
}

// gate is access with one token.
type gate struct {
	mu     sync.Mutex
	apps   map[string]App
	create bool
	late   bool // apps are made by POST only
	writes []bool
}

func (g *gate) Authorize(_ context.Context, r *http.Request, token paas.Secret, name string, write bool) (App, paas.Actor, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	who := paas.Actor{Kind: paas.ActorToken, ID: "tok_test"}
	if token.Reveal() != goodToken {
		return App{}, who, &paas.Error{Kind: paas.Unauthenticated, Msg: "the token is not valid",
			Hint: "make a new one on the page Tokens"}
	}
	g.writes = append(g.writes, write)
	app, ok := g.apps[name]
	if !ok && g.create && write && g.late && r.Method == http.MethodGet {
		return App{Name: name}, who, nil
	}
	if !ok && g.create && write {
		app, ok = App{ID: paas.NewID("app"), Name: name}, true
		g.apps[name] = app
	}
	if !ok {
		return App{}, who, &paas.Error{Kind: paas.NotFound, Msg: fmt.Sprintf("there is no app named %q", name),
			Hint: "make it with: cloudsania apps create " + name}
	}
	return app, who, nil
}

func (g *gate) set(change func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	change()
}

// fakeDeployer runs one deployment at a time; the newest waiting one wins.
type fakeDeployer struct {
	mu      sync.Mutex
	changed chan struct{}
	deps    map[string]*paas.Deployment
	order   []string
	refuse  error
	outcome func(src paas.Source) (paas.Status, *paas.Failure) // nil: success
	hold    map[string]chan struct{}                           // commit → until when it runs
	number  int
}

func newFakeDeployer() *fakeDeployer {
	return &fakeDeployer{changed: make(chan struct{}), deps: map[string]*paas.Deployment{}, hold: map[string]chan struct{}{}}
}

func (d *fakeDeployer) Deploy(_ context.Context, by paas.Actor, app string, src paas.Source) (paas.Deployment, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.refuse != nil {
		return paas.Deployment{}, d.refuse
	}
	for _, id := range d.order {
		if d.deps[id].Status == paas.Queued {
			d.deps[id].Status = paas.Superseded
		}
	}
	dep := &paas.Deployment{ID: paas.NewID("dep"), App: app, Source: src, Status: paas.Queued, Actor: by}
	d.deps[dep.ID] = dep
	d.order = append(d.order, dep.ID)
	d.next()
	d.ring()
	return *dep, nil
}

// next begins the waiting deployment when none runs. The caller holds the lock.
func (d *fakeDeployer) next() {
	var waiting *paas.Deployment
	for _, id := range d.order {
		switch d.deps[id].Status {
		case paas.Running:
			return
		case paas.Queued:
			waiting = d.deps[id]
		}
	}
	if waiting == nil {
		return
	}
	waiting.Status = paas.Running
	hold := d.hold[waiting.Source.Commit]
	go func() {
		if hold != nil {
			<-hold
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		status, failure := paas.Succeeded, (*paas.Failure)(nil)
		if d.outcome != nil {
			status, failure = d.outcome(waiting.Source)
		}
		if status == paas.Succeeded {
			d.number++
			waiting.Number = d.number
		}
		waiting.Status, waiting.Failure = status, failure
		d.next()
		d.ring()
	}()
}

// set changes what the next deployments do.
func (d *fakeDeployer) set(change func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change()
}

func (d *fakeDeployer) ring() {
	close(d.changed)
	d.changed = make(chan struct{})
}

func (d *fakeDeployer) Follow(ctx context.Context, id string, line func(string)) (paas.Deployment, string, error) {
	for first := true; ; first = false {
		d.mu.Lock()
		dep, ok := d.deps[id]
		if !ok {
			d.mu.Unlock()
			return paas.Deployment{}, "", &paas.Error{Kind: paas.NotFound, Msg: "there is no such deployment"}
		}
		now, changed := *dep, d.changed
		d.mu.Unlock()
		if first {
			line("-----> building \x1b[31m" + now.Source.Message + "\x1b[0m")
		}
		if now.Status.Done() {
			return now, "https://shop.example.com", nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return now, "", ctx.Err()
		}
	}
}

func (d *fakeDeployer) sources() []paas.Source {
	d.mu.Lock()
	defer d.mu.Unlock()
	var list []paas.Source
	for _, id := range d.order {
		list = append(list, d.deps[id].Source)
	}
	return list
}

func gitEnv() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.com", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.com", "LC_ALL=C.UTF-8"}
}

func gitCommand(dir string, args ...string) *exec.Cmd {
	c := exec.Command("git", append([]string{"-c", "init.defaultBranch=main", "-c", "protocol.version=2", "-c", "gc.auto=0"}, args...)...)
	c.Dir, c.Env = dir, gitEnv()
	return c
}

// git runs the real client, which must succeed, and returns all it wrote.
func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, err := gitCommand(dir, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// gitFails runs the real client, which must fail, and returns all it wrote.
func gitFails(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, err := gitCommand(dir, args...).CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		t.Fatalf("git %s: want a failure, got %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// work makes a repository with one commit and the remote "paas".
func (w *world) work() string {
	w.t.Helper()
	dir := w.t.TempDir()
	git(w.t, dir, "init", "-q")
	git(w.t, dir, "remote", "add", "paas", w.url())
	commit(w.t, dir, "index.html", "<h1>1</h1>")
	return dir
}

// commit writes a file and commits it; it returns the hash.
func commit(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	git(t, dir, "add", "-A")
	git(t, dir, "commit", "-q", "-m", "change "+name)
	return git(t, dir, "rev-parse", "HEAD")
}

func contains(t *testing.T, out string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(out, w) {
			t.Errorf("no %q in:\n%s", w, out)
		}
	}
}

func lacks(t *testing.T, out string, not ...string) {
	t.Helper()
	for _, w := range not {
		if strings.Contains(out, w) {
			t.Errorf("%q in:\n%s", w, out)
		}
	}
}

// pkt writes pkt-lines; "" is a flush.
func pkt(lines ...string) []byte {
	var b bytes.Buffer
	for _, l := range lines {
		if l == "" {
			b.WriteString("0000")
			continue
		}
		fmt.Fprintf(&b, "%04x%s", len(l)+4, l)
	}
	return b.Bytes()
}

func hash(s string) plumbing.Hash { return plumbing.NewHash(s) }

// mustGet asks with the good token.
func mustGet(t *testing.T, w *world, path string) []byte {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, w.http.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth("x", goodToken)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %s %v\n%s", path, resp.Status, err, b)
	}
	return b
}
