package servertest

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/store"
)

// Deploys records what a deployer is asked for; a test finishes deployments by hand.
type Deploys struct {
	store *store.Store

	mu      sync.Mutex
	calls   []string
	sources []paas.Source
	logs    map[string][]paas.LogLine
	changed chan struct{} // closed and replaced at each change of a log
	app     []paas.LogLine
	appErr  error
}

func (d *Deploys) note(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls = append(d.calls, fmt.Sprintf(format, args...))
}

// Called is what was asked for, the oldest first.
func (d *Deploys) Called() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.calls...)
}

// LastSource is that of the newest deployment.
func (d *Deploys) LastSource() paas.Source {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.sources) == 0 {
		return paas.Source{}
	}
	return d.sources[len(d.sources)-1]
}

// Queued takes note of a deployment.
func (d *Deploys) Queued(dep paas.Deployment, _ []string) {
	d.note("queued %s", dep.Source.Kind)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sources = append(d.sources, dep.Source)
}

// Removed takes note of a deleted app.
func (d *Deploys) Removed(paas.Actor, string) { d.note("removed") }

// Cancel ends the deployment.
func (d *Deploys) Cancel(_ context.Context, _ paas.Actor, id string) error {
	d.note("cancel")
	return d.store.FinishDeployment(id, paas.StatusCancelled, nil)
}

// Log is what Say wrote.
func (d *Deploys) Log(id string) ([]paas.LogLine, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]paas.LogLine(nil), d.logs[id]...), nil
}

// Say writes a line into a deployment's log.
func (d *Deploys) Say(id string, step paas.Step, text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.logs[id] = append(d.logs[id], paas.LogLine{N: len(d.logs[id]), Time: time.Now().UTC(), Step: step, Text: text})
	d.notify()
}

// Print makes lines of an app's output; err is what reading them gives.
func (d *Deploys) Print(err error, lines ...paas.LogLine) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.app, d.appErr = append(d.app, lines...), err
}

func (d *Deploys) notify() {
	close(d.changed)
	d.changed = make(chan struct{})
}

// Finish ends a deployment.
func (d *Deploys) Finish(t *testing.T, id string, status paas.Status, failure *paas.Failure) {
	t.Helper()
	Check(t, d.store.FinishDeployment(id, status, failure))
	d.mu.Lock()
	defer d.mu.Unlock()
	d.notify()
}

// Follow reads a log until its deployment is done.
func (d *Deploys) Follow(ctx context.Context, id string, from int, fn func(paas.LogLine) error) (paas.Deployment, error) {
	for {
		d.mu.Lock()
		lines, changed := append([]paas.LogLine(nil), d.logs[id]...), d.changed
		d.mu.Unlock()
		dep, err := d.store.Deployment(id)
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
		case <-changed:
		}
	}
}

// AppLogs is what Print made.
func (d *Deploys) AppLogs(ctx context.Context, _ paas.Target, o paas.LogOptions, fn func(paas.LogLine) error) error {
	d.mu.Lock()
	lines, err := append([]paas.LogLine(nil), d.app...), d.appErr
	d.mu.Unlock()
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

// Deployment queues one of a push.
func (r *Rig) Deployment(a paas.App) paas.Deployment {
	r.T.Helper()
	dep, _, err := r.Store.QueueDeployment(paas.System, r.Target(a), paas.Source{Kind: paas.SourceGit})
	Check(r.T, err)
	return dep
}

// GoLive makes a release of the app live, as deploy would.
func (r *Rig) GoLive(a paas.App, src paas.Source) paas.Release {
	r.T.Helper()
	return r.GoLiveWith(a, paas.Build{Source: src})
}

// GoLiveWith is GoLive with a build of the test's own.
func (r *Rig) GoLiveWith(a paas.App, b paas.Build) paas.Release {
	r.T.Helper()
	dep, _, err := r.Store.QueueDeployment(paas.System, r.Target(a), b.Source)
	Check(r.T, err)
	Check(r.T, r.Store.BeginDeployment(dep.ID))
	b.ID, b.App, b.Image, b.Created = paas.NewID("bld"), a.ID, "apps/"+a.ID+"@sha256:"+strings.Repeat("0", 64), r.Clock.Now()
	Check(r.T, r.Store.RecordBuild(dep.ID, b))
	rel := Must(r.Store.MakeRelease(dep.ID, store.ReleaseFrom{Build: b.ID}))(r.T)
	inst := Must(r.Store.NewInstance(dep.ID, "web"))(r.T)
	Must(r.Store.Activate(dep.ID, []string{inst.ID}))(r.T)
	Check(r.T, r.Store.FinishDeployment(dep.ID, paas.Succeeded, nil))
	return rel
}

// detect knows one language: a file called app.js.
func detect(fsys fs.FS, settings paas.BuildSettings) (paas.Plan, error) {
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

// Zip packs files.
func Zip(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range files {
		w := Must(z.Create(name))(t)
		Must(io.WriteString(w, text))(t)
	}
	Check(t, z.Close())
	return b.Bytes()
}
