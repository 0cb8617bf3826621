package server

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/auth"
	"github.com/cloudsania/cloudsania/meter"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/store"
	"github.com/cloudsania/cloudsania/upload"
)

const (
	ownerEmail    = "ada@example.com"
	ownerPassword = "correct horse battery"
	testOrigin    = "https://cloud.test"
)

// ownerHash is that of ownerPassword at today's costs, so that signing in does not renew it.
const ownerHash = "$argon2id$v=19$m=19456,t=2,p=1$vN2I/7HkLPk85d6X5bwmiw$TodS5HeMKER/SLdlZQJivpEU9oT4TeFPQ0Cg4qKt4AI"

// hashOf is how the store keeps the secret of a session or token.
func hashOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// clock is a time that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// rig is a server with a real store and real sockets around a deployer that only records.
type rig struct {
	t *testing.T
	*Server
	clock  *clock
	meter  *meter.Meter
	deploy *fakeDeployer
	dir    string
	logs   *lockedBuffer
	owner  paas.User
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// newRig makes a server that nobody has claimed and does not run it.
func newRig(t *testing.T, change ...func(*Options)) *rig {
	t.Helper()
	dir, err := os.MkdirTemp("", "cs") // t.TempDir's paths are too long for sockets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	r := &rig{t: t, clock: &clock{at: time.Now().UTC().Truncate(time.Second)}, dir: dir, logs: &lockedBuffer{}}
	log := slog.New(slog.NewTextHandler(r.logs, nil))
	st, err := store.Open(store.Options{Path: filepath.Join(dir, "cloudsania.db"), Marker: filepath.Join(dir, "installed"), Key: store.NewKey(), Log: log, Now: r.clock.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	settings := st.Settings()
	settings.Pool = netip.MustParsePrefix("10.99.0.0/16")
	if err := st.SaveSettings(settings); err != nil {
		t.Fatal(err)
	}
	up, err := upload.Open(filepath.Join(dir, "uploads"))
	if err != nil {
		t.Fatal(err)
	}
	if r.meter, err = meter.Open(filepath.Join(dir, "usage"), meter.Options{Ledger: st, Log: log, Now: r.clock.now}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.meter.Close() })
	r.deploy = &fakeDeployer{store: st, logs: map[string][]paas.LogLine{}, bell: make(chan struct{})}
	who := auth.New(auth.Options{Store: st, Log: log, Now: r.clock.now})
	o := Options{Data: dir, Origin: testOrigin, Domain: "cloud.test", Version: "1.2.3", Store: st, Auth: who, Doors: &Doors{Auth: who, Store: st},
		Deployer: r.deploy, Uploads: up, Git: http.NotFoundHandler(), Detect: fakeDetect, Usage: r.meter, Log: log, Now: r.clock.now, EdgeUID: -1}
	for _, f := range change {
		f(&o)
	}
	if r.Server, err = New(o); err != nil {
		t.Fatal(err)
	}
	return r
}

// newClaimed is a rig that runs and has an owner.
func newClaimed(t *testing.T, change ...func(*Options)) *rig {
	t.Helper()
	r := newRig(t, change...)
	r.claimIt()
	r.run()
	return r
}

func (r *rig) claimIt() {
	r.t.Helper()
	if err := r.Store.SetClaim(paas.Claim{Hash: "x"}); err != nil {
		r.t.Fatal(err)
	}
	u, err := r.Store.CreateOwner("x", paas.User{Name: "Ada", Email: ownerEmail, PasswordHash: ownerHash})
	if err != nil {
		r.t.Fatal(err)
	}
	r.owner = u
}

func (r *rig) run() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Server.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			r.t.Errorf("Run: %v", err)
		}
	})
	r.t.Cleanup(stop)
	return stop
}

func (r *rig) app(name string) paas.App {
	r.t.Helper()
	a, err := r.Store.CreateApp(paas.System, store.NewApp{Name: name})
	if err != nil {
		r.t.Fatal(err)
	}
	return a
}

func (r *rig) target(a paas.App) paas.Target {
	r.t.Helper()
	target, err := r.Store.Target(a.ID, "")
	if err != nil {
		r.t.Fatal(err)
	}
	return target
}

// token makes a token of the owner and returns its text.
func (r *rig) token(scope paas.Path, actions ...string) string {
	r.t.Helper()
	text, hash := auth.NewToken()
	_, err := r.Store.CreateToken(paas.System, paas.Token{Name: "test", Hash: hash, User: r.owner.ID, Scope: scope, Actions: actions})
	if err != nil {
		r.t.Fatal(err)
	}
	return text.Reveal()
}

// session signs the owner in and returns the cookie's value.
func (r *rig) session() string {
	r.t.Helper()
	secret := paas.GenerateSecret().Reveal()
	now := r.clock.now()
	err := r.Store.CreateSession(paas.Session{Hash: hashOf(secret), User: r.owner.ID, UserAgent: "test", Addr: "198.51.100.7", Expires: now.Add(12 * time.Hour)})
	if err != nil {
		r.t.Fatal(err)
	}
	return secret
}

func socketClient(path string) *http.Client {
	return &http.Client{
		Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", path)
		}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// ask is one request; the zero fields are what a browser behind the edge sends over TLS.
type ask struct {
	method, path string
	body         string
	raw          io.Reader
	local        bool   // control.sock
	token        string // Bearer
	cookie       string // session
	plain        bool   // no TLS
	header       map[string]string
	drop         []string // headers to leave out
}

// reply is what came back.
type reply struct {
	status int
	header http.Header
	body   string
}

func (r *rig) do(a ask) reply {
	r.t.Helper()
	resp := r.open(a)
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatalf("%s %s: %v", a.method, a.path, err)
	}
	return reply{resp.StatusCode, resp.Header, string(b)}
}

func (r *rig) open(a ask) *http.Response {
	r.t.Helper()
	resp, err := r.try(context.Background(), a)
	if err != nil {
		r.t.Fatalf("%s %s: %v", a.method, a.path, err)
	}
	return resp
}

func (r *rig) try(ctx context.Context, a ask) (*http.Response, error) {
	if a.method == "" {
		a.method = http.MethodGet
	}
	body := a.raw
	if body == nil && a.body != "" {
		body = strings.NewReader(a.body)
	}
	req, err := http.NewRequestWithContext(ctx, a.method, "http://cloud.test"+a.path, body)
	if err != nil {
		return nil, err
	}
	if a.body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if a.token != "" {
		req.Header.Set("Authorization", "Bearer "+a.token)
	}
	socket := "control.sock"
	if !a.local {
		socket = "web.sock"
		req.Header.Set("X-Forwarded-For", "203.0.113.9")
		req.Header.Set("X-Forwarded-Proto", "https")
		if a.plain {
			req.Header.Set("X-Forwarded-Proto", "http")
		}
		if a.token == "" {
			req.Header.Set("Sec-Fetch-Site", "same-origin")
		}
	}
	if a.cookie != "" {
		req.AddCookie(&http.Cookie{Name: cookieName(!a.plain), Value: a.cookie})
	}
	for k, v := range a.header {
		req.Header.Set(k, v)
	}
	for _, k := range a.drop {
		req.Header.Del(k)
	}
	c := socketClient(filepath.Join(r.dir, socket))
	defer c.CloseIdleConnections()
	return c.Do(req)
}

// want does the request, fails unless it has that status, and decodes the answer into out.
func (r *rig) want(status int, a ask, out any) reply {
	r.t.Helper()
	got := r.do(a)
	if got.status != status {
		r.t.Fatalf("%s %s: status %d, want %d: %s\n%s", a.method, a.path, got.status, status, got.body, r.logs)
	}
	if out != nil {
		if err := json.Unmarshal([]byte(got.body), out); err != nil {
			r.t.Fatalf("%s %s: %v in %s", a.method, a.path, err, got.body)
		}
	}
	return got
}

// refused is want for failures; it returns the error.
func (r *rig) refused(status int, a ask) api.Error {
	r.t.Helper()
	var f api.Failed
	r.want(status, a, &f)
	if f.Error.Kind == "" || f.Error.Message == "" || f.Error.RequestID == "" {
		r.t.Fatalf("%s %s: not the shape of an error: %+v", a.method, a.path, f)
	}
	return f.Error
}

// fakeDeployer records what it is asked for; a test finishes deployments by hand.
type fakeDeployer struct {
	store *store.Store

	mu      sync.Mutex
	calls   []string
	sources []paas.Source
	logs    map[string][]paas.LogLine
	bell    chan struct{}
	app     []paas.LogLine
	appErr  error
}

func (f *fakeDeployer) note(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, fmt.Sprintf(format, args...))
}

func (f *fakeDeployer) called() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.calls...)
}

func (f *fakeDeployer) lastSource() paas.Source {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.sources) == 0 {
		return paas.Source{}
	}
	return f.sources[len(f.sources)-1]
}

func (f *fakeDeployer) Deploy(_ context.Context, by paas.Actor, t paas.Target, src paas.Source) (paas.Deployment, error) {
	f.note("deploy %s", src.Kind)
	f.mu.Lock()
	f.sources = append(f.sources, src)
	f.mu.Unlock()
	dep, _, err := f.store.QueueDeployment(by, t, src)
	return dep, err
}

func (f *fakeDeployer) Rollback(ctx context.Context, by paas.Actor, t paas.Target, n int) (paas.Deployment, error) {
	f.note("rollback %d", n)
	if n == 99 {
		return paas.Deployment{}, &paas.Error{Kind: paas.NotFound, Msg: "there is no v99"}
	}
	return f.Deploy(ctx, by, t, paas.Source{Kind: paas.SourceRollback})
}

func (f *fakeDeployer) Apply(ctx context.Context, by paas.Actor, t paas.Target) (paas.Deployment, error) {
	f.note("apply")
	return f.Deploy(ctx, by, t, paas.Source{Kind: paas.SourceConfig})
}

func (f *fakeDeployer) Cancel(_ context.Context, _ paas.Actor, id string) error {
	f.note("cancel")
	return f.store.FinishDeployment(id, paas.StatusCancelled, nil)
}

func (f *fakeDeployer) Delete(_ context.Context, by paas.Actor, app string) error {
	f.note("delete")
	_, err := f.store.DeleteApp(by, app)
	return err
}

func (f *fakeDeployer) URL(app paas.App) string { return "https://" + app.Name + ".cloud.test" }

func (f *fakeDeployer) Log(id string) ([]paas.LogLine, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]paas.LogLine(nil), f.logs[id]...), nil
}

// say writes a line into a deployment's log.
func (f *fakeDeployer) say(id string, step paas.Step, text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.logs[id] = append(f.logs[id], paas.LogLine{N: len(f.logs[id]), Time: time.Now().UTC(), Step: step, Text: text})
	f.ring()
}

func (f *fakeDeployer) ring() {
	close(f.bell)
	f.bell = make(chan struct{})
}

// finish ends a deployment.
func (f *fakeDeployer) finish(t *testing.T, id string, status paas.Status, failure *paas.Failure) {
	t.Helper()
	if err := f.store.FinishDeployment(id, status, failure); err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ring()
}

func (f *fakeDeployer) Follow(ctx context.Context, id string, from int, fn func(paas.LogLine) error) (paas.Deployment, error) {
	for {
		f.mu.Lock()
		lines, bell := append([]paas.LogLine(nil), f.logs[id]...), f.bell
		f.mu.Unlock()
		dep, err := f.store.Deployment(id)
		if err != nil {
			return dep, err
		}
		for ; from < len(lines); from++ {
			if err := fn(lines[from]); err != nil {
				return dep, err
			}
		}
		if dep.Status.Done() {
			return dep, nil
		}
		select {
		case <-ctx.Done():
			return dep, ctx.Err()
		case <-bell:
		}
	}
}

func (f *fakeDeployer) AppLogs(ctx context.Context, _ paas.Target, o paas.LogOptions, fn func(paas.LogLine) error) error {
	f.mu.Lock()
	lines, err := append([]paas.LogLine(nil), f.app...), f.appErr
	f.mu.Unlock()
	if err != nil {
		return err
	}
	for _, l := range lines {
		if l.Time.Before(o.Since) {
			continue
		}
		if err := fn(l); err != nil {
			return err
		}
	}
	if !o.Follow {
		return nil
	}
	<-ctx.Done()
	return ctx.Err()
}

// goLive makes a release of the app live, as deploy would.
func (r *rig) goLive(a paas.App, src paas.Source) paas.Release {
	r.t.Helper()
	must := func(err error) {
		r.t.Helper()
		if err != nil {
			r.t.Fatal(err)
		}
	}
	dep, _, err := r.Store.QueueDeployment(paas.System, r.target(a), src)
	must(err)
	must(r.Store.BeginDeployment(dep.ID))
	b := paas.Build{ID: paas.NewID("bld"), App: a.ID, Source: src, Image: "apps/" + a.ID + "@sha256:" + strings.Repeat("0", 64), Created: r.clock.now()}
	must(r.Store.RecordBuild(dep.ID, b))
	rel, err := r.Store.MakeRelease(dep.ID, store.ReleaseFrom{Build: b.ID})
	must(err)
	inst, err := r.Store.NewInstance(dep.ID, "web")
	must(err)
	_, err = r.Store.Activate(dep.ID, []string{inst.ID})
	must(err)
	must(r.Store.FinishDeployment(dep.ID, paas.Succeeded, nil))
	return rel
}

// fakeDetect knows one language: a file called app.js.
func fakeDetect(fsys fs.FS, settings paas.BuildSettings) (paas.Plan, error) {
	name := "app.js"
	if settings.Root != "" {
		name = settings.Root + "/" + name
	}
	if _, err := fs.Stat(fsys, name); errors.Is(err, fs.ErrNotExist) {
		return paas.Plan{}, &paas.Error{Kind: paas.Invalid, Msg: "no recognisable language", Hint: "add a package.json"}
	}
	return paas.Plan{Language: "node", Runtimes: []paas.Runtime{{Name: "node", Constraint: "^22"}}, Static: &paas.Static{Dir: "dist"},
		Processes: []paas.Process{{Type: "web", Command: "node app.js"}}, Facts: []paas.Fact{{Text: "Node", File: "app.js"}},
		Missing: []paas.Needed{{Name: "STRIPE_KEY", Required: true, File: ".env.example"}}}, nil
}

// zipOf packs files.
func zipOf(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range files {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
