package control

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/store"
	"github.com/cloudsania/cloudsania/upload"
)

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

// fakeDeploys records what it is woken for.
type fakeDeploys struct {
	mu    sync.Mutex
	calls []string
}

func (f *fakeDeploys) note(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, fmt.Sprintf(format, args...))
}

func (f *fakeDeploys) Queued(dep paas.Deployment, superseded []string) {
	f.note("queued %s, %d superseded", dep.Source.Kind, len(superseded))
}
func (f *fakeDeploys) Removed(_ paas.Actor, app string) { f.note("removed %s", app) }
func (f *fakeDeploys) Cancel(context.Context, paas.Actor, string) error {
	f.note("cancel")
	return nil
}

// fakeLogs has these lines for everything.
type fakeLogs struct{ lines []paas.LogLine }

func (f *fakeLogs) Log(string) ([]paas.LogLine, error) { return f.lines, nil }
func (f *fakeLogs) Follow(context.Context, string, int, func(paas.LogLine) error) (paas.Deployment, error) {
	return paas.Deployment{}, nil
}
func (f *fakeLogs) AppLogs(_ context.Context, _ paas.Target, _ paas.LogOptions, fn func(paas.LogLine) error) error {
	for _, l := range f.lines {
		if err := fn(l); err != nil {
			return err
		}
	}
	return nil
}

// rig is a Control over a real store, with an owner.
type rig struct {
	*Control
	t      *testing.T
	clock  *clock
	fake   *fakeDeploys
	prints *fakeLogs
	kept   *upload.Dir
	owner  access.Principal
}

func newRig(t *testing.T) *rig {
	t.Helper()
	dir := t.TempDir()
	r := &rig{t: t, clock: &clock{at: time.Now().UTC().Truncate(time.Second)}, fake: &fakeDeploys{}, prints: &fakeLogs{}}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	st, err := store.Open(store.Options{
		Path:   filepath.Join(dir, "cloudsania.db"),
		Marker: filepath.Join(dir, "installed"),
		Key:    store.NewKey(),
		Log:    log,
		Now:    r.clock.now,
	})
	r.must(err)
	t.Cleanup(func() { _ = st.Close() })
	settings := st.Settings()
	settings.Pool = netip.MustParsePrefix("10.99.0.0/16")
	r.must(st.SaveSettings(settings))
	r.kept, err = upload.Open(filepath.Join(dir, "uploads"))
	r.must(err)
	r.Control = New(Options{
		Store:   st,
		Deploys: r.fake,
		Logs:    r.prints,
		Uploads: r.kept,
		Detect:  detect,
		Site:    paas.Site{Domain: "cloud.test"},
		Machine: paas.Machine{MemoryMB: 4096, CPUs: 2},
		Data:    dir,
		Log:     log,
		Now:     r.clock.now,
	})
	r.must(st.SetClaim(paas.Claim{Hash: "x"}))
	u, err := st.CreateOwner("x", paas.User{Name: "Ada", Email: "ada@example.com", PasswordHash: "x"})
	r.must(err)
	team, err := st.Team()
	r.must(err)
	r.owner = access.Principal{Kind: access.User, ID: u.ID, User: u.ID, Name: u.Name, Role: u.Role, Scope: paas.Path{Team: team.ID}}
	return r
}

// detect knows one language: a file called app.js.
func detect(source fs.FS, settings paas.BuildSettings) (paas.Plan, error) {
	name := "app.js"
	if settings.Root != "" {
		name = settings.Root + "/" + name
	}
	if _, err := fs.Stat(source, name); errors.Is(err, fs.ErrNotExist) {
		return paas.Plan{}, &paas.Error{Kind: paas.Invalid, Msg: "no recognisable language", Hint: "add a package.json"}
	}
	return paas.Plan{Language: "node"}, nil
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// app makes an app.
func (r *rig) app(name string) Place {
	r.t.Helper()
	project, short := paas.SplitName(name)
	p, err := r.CreateApp(r.t.Context(), r.owner, NewApp{Name: short, Project: project})
	r.must(err)
	return p
}

// only is a token that can do everything within one app.
func (r *rig) only(p Place, actions ...access.Action) access.Principal {
	return access.Principal{Kind: access.Token, ID: paas.NewID("tok"), Name: "narrow", User: r.owner.User, Scope: appPath(p), Actions: actions}
}

// appPath is where the app is, in whatever environment.
func appPath(p Place) paas.Path {
	p.Path.Environment = ""
	return p.Path
}

// goLive makes a release live, as deploy would. The build is that of the live release when again.
func (r *rig) goLive(p Place, src paas.Source) paas.Release {
	r.t.Helper()
	return r.activate(p, src, paas.NewID("bld"))
}

func (r *rig) activate(p Place, src paas.Source, build string) paas.Release {
	r.t.Helper()
	dep, _, err := r.store.QueueDeployment(paas.System, p.Target(), src)
	r.must(err)
	r.must(r.store.BeginDeployment(dep.ID))
	b, err := r.store.Build(build)
	if paas.IsKind(err, paas.NotFound) {
		image := "apps/" + p.App.ID + "@sha256:" + strings.Repeat("0", 64)
		b, err = paas.Build{ID: build, App: p.App.ID, Source: src, Image: image, Created: r.clock.now()}, nil
	}
	r.must(err)
	r.must(r.store.RecordBuild(dep.ID, b))
	rel, err := r.store.MakeRelease(dep.ID, store.ReleaseFrom{Build: b.ID})
	r.must(err)
	inst, err := r.store.NewInstance(dep.ID, "web")
	r.must(err)
	_, err = r.store.Activate(dep.ID, []string{inst.ID})
	r.must(err)
	r.must(r.store.FinishDeployment(dep.ID, paas.Succeeded, nil))
	return rel
}

// set gives variables values without a release.
func (r *rig) set(p Place, values map[string]string, unset ...string) {
	r.t.Helper()
	_, err := r.ChangeVariables(r.t.Context(), r.owner, p.Target(), VariableChange{Set: setting(values), Unset: unset, Hold: true})
	r.must(err)
}

func setting(values map[string]string) []SetVariable {
	var out []SetVariable
	for name, value := range values {
		secret := paas.NewSecret(value)
		out = append(out, SetVariable{Name: name, Value: &secret})
	}
	slices.SortFunc(out, func(a, b SetVariable) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// woken is what the deployer was told since the last time.
func (r *rig) woken() []string {
	r.fake.mu.Lock()
	defer r.fake.mu.Unlock()
	calls := r.fake.calls
	r.fake.calls = nil
	return calls
}

// wokenFor checks what the deployer was told since the last time.
func (r *rig) wokenFor(want ...string) {
	r.t.Helper()
	if got := r.woken(); !slices.Equal(got, want) {
		r.t.Errorf("the deployer was told %q, want %q", got, want)
	}
}

// send keeps an upload of by.
func (r *rig) send(by access.Principal, name string, files ...string) upload.Upload {
	r.t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, file := range files {
		w, err := z.Create(file)
		r.must(err)
		_, err = io.WriteString(w, "hello")
		r.must(err)
	}
	r.must(z.Close())
	up, err := r.Uploads.Take(by, name, int64(b.Len()), &b)
	r.must(err)
	return up
}

// fails checks that err is of that kind and concerns that field.
func fails(t *testing.T, what string, err error, kind paas.Kind, field string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error, want %q", what, kind)
		return
	}
	if e := paas.Public(err); e.Kind != kind || e.Field != field {
		t.Errorf("%s: %v of kind %q in field %q, want %q in %q", what, err, e.Kind, e.Field, kind, field)
	}
}

func git(url string) paas.Source { return paas.Source{Kind: paas.SourceExternal, URL: url} }
