package deploy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/builder"
	"github.com/cloudsania/cloudsania/control"
	"github.com/cloudsania/cloudsania/docker"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/store"
)

// behaviour is what an app of the tests does when it is started: its build's commit chooses it.
type behaviour struct {
	status int    // that it answers with; 0: 200
	exit   int    // it ends at once with this code
	port   int    // that it opens instead of PORT
	local  bool   // it listens where nobody can reach it
	output string // that it prints
}

// fakeEngine stands in for Docker: a started container is a listener on the instance's own loopback address.
type fakeEngine struct {
	mu         sync.Mutex
	behaviours map[string]behaviour // by image
	containers map[string]*fakeContainer
	calls      []string
	release    int // exit code of release commands
}

type fakeContainer struct {
	spec    docker.Spec
	server  *http.Server
	exited  bool
	code    int
	restart bool
}

func newFakeEngine() *fakeEngine {
	return &fakeEngine{behaviours: map[string]behaviour{}, containers: map[string]*fakeContainer{}}
}

func (e *fakeEngine) note(format string, args ...any) {
	e.calls = append(e.calls, fmt.Sprintf(format, args...))
}

func (e *fakeEngine) UsedSubnets(context.Context) ([]netip.Prefix, error)        { return nil, nil }
func (e *fakeEngine) EnsureNetwork(context.Context, string, netip.Prefix) error  { return nil }
func (e *fakeEngine) RemoveNetwork(context.Context, string) error                { return nil }
func (e *fakeEngine) ImageExists(context.Context, string) (bool, error)          { return false, nil }
func (e *fakeEngine) PullImage(context.Context, string, paas.RegistryAuth) error { return nil }
func (e *fakeEngine) RemoveImage(context.Context, string) error                  { return nil }
func (e *fakeEngine) Events(ctx context.Context, _ func(docker.Event)) error {
	<-ctx.Done()
	return ctx.Err()
}

func (e *fakeEngine) Create(_ context.Context, s docker.Spec) (string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	id := docker.ContainerName(s.ID)
	e.containers[id] = &fakeContainer{spec: s}
	e.note("create %s", s.Process)
	return id, nil
}

func (e *fakeEngine) Start(_ context.Context, id string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	c := e.containers[id]
	if c == nil {
		return &paas.Error{Kind: paas.NotFound, Msg: "no such container"}
	}
	b := e.behaviours[c.spec.Image]
	c.exited = false
	if b.exit != 0 {
		c.exited, c.code = true, b.exit
		return nil
	}
	if c.spec.Process != "web" || b.local {
		return nil
	}
	port := Port
	if b.port != 0 {
		port = b.port
	}
	l, err := net.Listen("tcp", netip.AddrPortFrom(c.spec.Addr, uint16(port)).String())
	if err != nil {
		return err
	}
	c.server = &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(max(b.status, 200))
		_, _ = io.WriteString(w, c.spec.Image)
	}), ReadHeaderTimeout: time.Second}
	go func() { _ = c.server.Serve(l) }()
	return nil
}

func (e *fakeEngine) Stop(_ context.Context, id string, _ time.Duration) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if c := e.containers[id]; c != nil && c.server != nil {
		_ = c.server.Close()
	}
	return nil
}

func (e *fakeEngine) Remove(ctx context.Context, id string) error {
	_ = e.Stop(ctx, id, 0)
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.containers, id)
	return nil
}

func (e *fakeEngine) SetRestart(_ context.Context, id string, on bool) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if c := e.containers[id]; c != nil {
		c.restart = on
	}
	return nil
}

func (e *fakeEngine) RunOnce(_ context.Context, s docker.Spec, out io.Writer) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.note("run %v", s.Argv)
	_, _ = io.WriteString(out, "migrating\n")
	return e.release, nil
}

func (e *fakeEngine) Inspect(_ context.Context, id string) (docker.State, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	c := e.containers[id]
	if c == nil {
		return docker.State{}, &paas.Error{Kind: paas.NotFound, Msg: "no such container"}
	}
	return docker.State{ID: id, Running: !c.exited, ExitCode: c.code, Instance: c.spec.ID, Spec: c.spec.Hash()}, nil
}

func (e *fakeEngine) List(context.Context, docker.Kind) ([]docker.State, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []docker.State
	for id, c := range e.containers {
		out = append(out, docker.State{ID: id, Name: id, Running: !c.exited, Instance: c.spec.ID, Spec: c.spec.Hash()})
	}
	return out, nil
}

func (e *fakeEngine) Listening(_ context.Context, id string) ([]netip.AddrPort, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	c := e.containers[id]
	if c == nil {
		return nil, &paas.Error{Kind: paas.NotFound, Msg: "no such container"}
	}
	switch b := e.behaviours[c.spec.Image]; {
	case b.local:
		return []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:3000")}, nil
	case b.port != 0:
		return []netip.AddrPort{netip.AddrPortFrom(netip.IPv4Unspecified(), uint16(b.port))}, nil
	}
	return nil, nil
}

func (e *fakeEngine) Logs(_ context.Context, id string, _ paas.LogOptions, fn func(paas.LogLine) error) error {
	e.mu.Lock()
	c := e.containers[id]
	text := ""
	if c != nil {
		text = e.behaviours[c.spec.Image].output
	}
	e.mu.Unlock()
	return fn(paas.LogLine{Text: text})
}

// running are the containers' instances by image.
func (e *fakeEngine) running() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []string
	for _, c := range e.containers {
		out = append(out, c.spec.Image+" "+c.spec.Process)
	}
	slices.Sort(out)
	return out
}

// fakeImages builds nothing: the image is named after the commit.
type fakeImages struct {
	mu      sync.Mutex
	builds  int
	removed []string
	err     error
	block   chan struct{} // a build waits for it to be closed, when set
	env     map[string]paas.Secret
}

func (f *fakeImages) Build(ctx context.Context, req builder.Request) (builder.Result, error) {
	f.mu.Lock()
	f.builds++
	f.env = req.Env
	block, err := f.block, f.err
	f.mu.Unlock()
	fmt.Fprintln(req.Out, "building")
	if block != nil {
		select {
		case <-block:
		case <-ctx.Done():
			return builder.Result{}, ctx.Err()
		}
	}
	if err != nil {
		return builder.Result{}, err
	}
	name, err := os.ReadFile(filepath.Join(req.Dir, "name"))
	if err != nil {
		return builder.Result{}, err
	}
	return builder.Result{Image: "apps/" + req.App + "@" + string(name), Plan: req.Plan}, nil
}

func (f *fakeImages) Ref(image string) (string, paas.RegistryAuth) {
	return image[len(image)-len(filepath.Base(image)):], paas.RegistryAuth{}
}
func (f *fakeImages) Forget(context.Context, string) error { return nil }
func (f *fakeImages) RemoveBuild(_ context.Context, b paas.Build) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.removed = append(f.removed, b.ID)
	return nil
}

// fakeEdges takes tables.
type fakeEdges struct {
	mu     sync.Mutex
	table  paas.Table
	active map[string]int
	err    error
	asked  atomic.Int32 // for the status
}

func (f *fakeEdges) Apply(_ context.Context, t paas.Table) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.table = t
	}
	return f.err
}

func (f *fakeEdges) Status(context.Context) ([]paas.EdgeStatus, error) {
	f.asked.Add(1)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return nil, f.err
	}
	return []paas.EdgeStatus{{PID: 1, Generation: f.table.Generation, Active: f.active}}, nil
}

// serving is the release number and upstream count of the only route.
func (f *fakeEdges) serving() (number, upstreams int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.table.Routes) == 0 {
		return 0, 0
	}
	return f.table.Routes[0].Release, len(f.table.Routes[0].Upstreams)
}

// fakeRepos hands out a source that is named after its commit.
type fakeRepos struct{ files map[string]string }

func (f fakeRepos) Checkout(_ context.Context, _, commit, dir string) error {
	files := map[string]string{"package.json": `{"scripts":{"start":"node x.js"}}`, "x.js": "", "name": commit}
	for n, c := range f.files {
		files[n] = c
	}
	for n, c := range files {
		if err := os.WriteFile(filepath.Join(dir, n), []byte(c), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (fakeRepos) Clone(context.Context, string, string, string) (paas.Source, error) {
	return paas.Source{}, errors.New("not in these tests")
}
func (fakeRepos) Remove(string) error { return nil }

type fakeUploads struct{}

func (fakeUploads) Copy(context.Context, string, string) error {
	return errors.New("not in these tests")
}
func (fakeUploads) Remove(string) error { return nil }

// rig is a Deployer over a real store, with an app to deploy.
type rig struct {
	*Deployer
	control *control.Control
	t       *testing.T
	dir     string
	engine  *fakeEngine
	images  *fakeImages
	edges   *fakeEdges
	repos   fakeRepos
	app     paas.App
	target  paas.Target
	stop    func()
}

// pools gives each rig addresses of its own.
var pools atomic.Int32

var by = paas.Actor{Kind: paas.ActorUser, Name: "Ada"}

// root may do everything.
var root = access.Principal{Kind: access.Root, Name: "root"}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, dir: t.TempDir(), engine: newFakeEngine(), images: &fakeImages{}, edges: &fakeEdges{}}
	st, err := store.Open(store.Options{Path: filepath.Join(r.dir, "db"), Marker: filepath.Join(r.dir, "installed"), Key: store.NewKey(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	s := st.Settings()
	s.Pool = netip.MustParsePrefix(fmt.Sprintf("127.%d.0.0/16", 10+pools.Add(1))) // so that an instance's address can be listened on
	if err := st.SaveSettings(s); err != nil {
		t.Fatal(err)
	}
	r.app, err = st.CreateApp(by, store.NewApp{Name: "shop"})
	if err != nil {
		t.Fatal(err)
	}
	if r.target, err = st.Target(r.app.ID, paas.Production); err != nil {
		t.Fatal(err)
	}
	r.boot(st)
	return r
}

// boot begins a new Deployer over the same store, as after a restart.
func (r *rig) boot(st *store.Store) {
	r.Deployer = New(Options{Data: r.dir, Site: paas.Site{Domain: "localhost", TLS: paas.TLSSettings{Mode: paas.TLSOff}, HTTPPort: 8080}, Store: st, Engine: r.engine,
		Images: r.images, Edges: r.edges, Repositories: r.repos, Uploads: fakeUploads{}, Log: slog.New(slog.NewTextHandler(r.t.Output(), nil)),
		Timing: Timing{Healthy: 5 * time.Second, Failing: 300 * time.Millisecond, Settle: 50 * time.Millisecond}})
	r.control = control.New(control.Options{Store: st, Deploys: r.Deployer, Logs: r.Deployer})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	stopped := false
	r.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			r.t.Errorf("Run: %v", err)
		}
	}
	r.t.Cleanup(r.stop)
}

// reboot ends the Deployer in the middle of whatever it does and begins another.
func (r *rig) reboot() {
	r.stop()
	r.boot(r.store)
}

func (r *rig) deploy(commit string) paas.Deployment {
	r.t.Helper()
	d, superseded, err := r.store.QueueDeployment(by, r.target, paas.Source{Kind: paas.SourceGit, Commit: commit, Message: commit})
	if err != nil {
		r.t.Fatal(err)
	}
	r.Queued(d, superseded)
	return d
}

// end waits for a deployment to end and returns it with its log.
func (r *rig) end(id string) (paas.Deployment, string) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	log := ""
	d, err := r.Follow(ctx, id, 0, func(l paas.LogLine) error { log += l.Text + "\n"; return nil })
	if err != nil {
		r.t.Fatalf("follow: %v\n%s", err, log)
	}
	return d, log
}

// lives deploys commit and expects it to go live.
func (r *rig) lives(commit string) paas.Deployment {
	r.t.Helper()
	d, log := r.end(r.deploy(commit).ID)
	if d.Status != paas.Succeeded {
		r.t.Fatalf("deployment of %s: %s %+v\n%s", commit, d.Status, d.Failure, log)
	}
	return d
}

func (r *rig) eventually(what string, ok func() bool) {
	r.t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if ok() {
			return
		}
	}
	r.t.Fatalf("never: %s", what)
}
