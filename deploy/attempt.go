package deploy

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/cloudsania/cloudsania/builder"
	"github.com/cloudsania/cloudsania/builder/detect"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/store"
)

const (
	maxResumes   = 3       // times that a deployment begins again after restarts, before it counts as interrupted
	minFreeBytes = 1 << 30 // less than this and nothing is built: a full disk hurts apps that run
)

// job is one deployment in progress.
type job struct {
	dep      paas.Deployment
	target   paas.Target
	app      paas.App
	number   int
	existing []string // instances made by this attempt, to be discarded when it fails
}

// work takes one deployment to its end. Until the edge acknowledges the new table the old release keeps serving, whatever happens here.
func (d *Deployer) work(ctx context.Context, dep paas.Deployment) {
	ctx, a := d.lanes.begin(ctx, dep)
	defer a.cancel()
	j := &job{dep: dep, target: paas.Target{App: dep.App, Environment: dep.Environment}, number: dep.Number}
	err := d.attempt(ctx, j)
	by := d.lanes.end(dep.ID, a)
	if err != nil && ctx.Err() != nil && by == nil {
		return // control is going down: the next start takes it up again
	}
	if errors.Is(err, store.ErrFinished) {
		return // cancelled or superseded a moment before it began
	}
	d.settle(ctx, j, err, by)
}

// attempt runs the steps in order. What an earlier process already recorded (a build, a release) is not done again.
func (d *Deployer) attempt(ctx context.Context, j *job) (err error) {
	defer func() {
		if err != nil && j.dep.Step != paas.StepSwitch {
			d.discard(context.WithoutCancel(ctx), j.existing)
		}
	}()
	if j.app, err = d.store.App(j.dep.App); err != nil {
		return err
	}
	if err := d.begin(j); err != nil {
		return err
	}
	build, err := d.build(ctx, j)
	if err != nil {
		return err
	}
	rel, err := d.release(ctx, j, build)
	if err != nil {
		return err
	}
	live, err := d.bringUp(ctx, j, rel, build)
	if err != nil {
		return err
	}
	return d.switchOver(ctx, j, live)
}

func (d *Deployer) begin(j *job) error {
	begun := 0
	for _, s := range j.dep.Steps {
		if s.Step == paas.StepQueued {
			begun++
		}
	}
	if begun > maxResumes {
		return &paas.Error{Kind: paas.Failed, Msg: "this deployment was interrupted by a restart several times and is not tried again",
			Hint: "deploy once more; if it keeps happening, look at the server's log: the deployment may be what stops it"}
	}
	return d.store.BeginDeployment(j.dep.ID)
}

// step records that a stage begins, before anything of it is done.
func (d *Deployer) step(j *job, s paas.Step) error {
	if err := d.store.RecordStep(j.dep.ID, s); err != nil {
		return err
	}
	j.dep.Step = s
	d.book.wake(j.dep.ID)
	return nil
}

func (d *Deployer) say(j *job, format string, args ...any) {
	d.book.line(j.dep.ID, j.dep.Step, fmt.Sprintf(format, args...))
}

// build is the build that goes live: the one named by the source, the one recorded by an interrupted attempt, or a new one.
func (d *Deployer) build(ctx context.Context, j *job) (paas.Build, error) {
	id := j.dep.Build
	if id == "" && (j.dep.Source.Kind == paas.SourceRollback || j.dep.Source.Kind == paas.SourceConfig) {
		id = j.dep.Source.Build
	}
	if id != "" {
		return d.store.Build(id)
	}
	if err := d.roomToBuild(); err != nil {
		return paas.Build{}, err
	}
	dir := filepath.Join(d.data, "builds", j.dep.ID)
	if err := os.RemoveAll(dir); err != nil {
		return paas.Build{}, fmt.Errorf("clear build directory: %w", err)
	}
	defer os.RemoveAll(dir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return paas.Build{}, fmt.Errorf("make build directory: %w", err)
	}
	src, err := d.fetch(ctx, j, dir)
	if err != nil {
		return paas.Build{}, err
	}
	if d.warn != nil {
		for _, w := range d.warn(dir) {
			d.say(j, "warning: %s", w)
		}
	}
	plan, err := d.detect(j, dir)
	if err != nil {
		return paas.Build{}, err
	}
	return d.make(ctx, j, src, plan, dir)
}

// fetch brings the source into dir.
func (d *Deployer) fetch(ctx context.Context, j *job, dir string) (paas.Source, error) {
	src := j.dep.Source
	if err := d.step(j, paas.StepSource); err != nil {
		return src, err
	}
	switch src.Kind {
	case paas.SourceGit:
		d.say(j, "taking commit %.10s", src.Commit)
		return src, d.repos.Checkout(ctx, j.app.ID, src.Commit, dir)
	case paas.SourceExternal:
		d.say(j, "cloning %s", src.URL)
		got, err := d.repos.Clone(ctx, src.URL, src.Branch, dir)
		got.Kind, got.URL = paas.SourceExternal, src.URL
		return got, err
	case paas.SourceUpload:
		d.say(j, "unpacking %s", src.Message)
		return src, d.upload.Copy(ctx, src.Upload, dir)
	}
	return src, fmt.Errorf("fetch a source of kind %q", src.Kind)
}

func (d *Deployer) detect(j *job, dir string) (paas.Plan, error) {
	if err := d.step(j, paas.StepDetect); err != nil {
		return paas.Plan{}, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return paas.Plan{}, fmt.Errorf("open source: %w", err)
	}
	defer root.Close()
	plan, err := detect.Detect(root.FS(), j.app.Build)
	if err != nil {
		return plan, err
	}
	for _, f := range plan.Facts {
		if f.File != "" {
			d.say(j, "%s (%s)", f.Text, f.File)
		} else {
			d.say(j, "%s", f.Text)
		}
	}
	for _, w := range plan.Warnings {
		d.say(j, "warning: %s", w)
	}
	return plan, d.provide(j, plan.Missing)
}

// provide makes up the secrets that app.json asks to be generated and lists what else the source wants and nobody has set.
func (d *Deployer) provide(j *job, needed []paas.Needed) error {
	have, err := d.store.Variables(j.target)
	if err != nil {
		return err
	}
	set := map[string]bool{}
	for _, v := range have {
		set[v.Name] = true
	}
	var made []paas.Variable
	for _, n := range needed {
		switch {
		case set[n.Name]:
		case n.Generate:
			made = append(made, paas.Variable{Name: n.Name, Value: newSecret()})
			d.say(j, "made a secret for %s, as %s asks", n.Name, n.File)
		case n.Required:
			d.say(j, "missing: %s, which %s asks for%s; set it under Variables", n.Name, n.File, described(n))
		}
	}
	if len(made) == 0 {
		return nil
	}
	return d.store.SetVariables(paas.System, j.target, made, nil)
}

func described(n paas.Needed) string {
	if n.Description == "" {
		return ""
	}
	return " (" + n.Description + ")"
}

// make builds and records the result.
func (d *Deployer) make(ctx context.Context, j *job, src paas.Source, plan paas.Plan, dir string) (paas.Build, error) {
	if err := d.step(j, paas.StepBuild); err != nil {
		return paas.Build{}, err
	}
	vars, err := d.store.Variables(j.target)
	if err != nil {
		return paas.Build{}, err
	}
	env := map[string]paas.Secret{}
	for _, v := range vars {
		if v.Build {
			env[v.Name] = v.Value
		}
	}
	previous, err := d.previousImage(j.app.ID)
	if err != nil {
		return paas.Build{}, err
	}
	b := paas.Build{ID: paas.NewID("bld"), App: j.app.ID, Source: src, Created: time.Now().UTC()}
	out := d.book.writer(j.dep.ID, paas.StepBuild)
	res, err := d.images.Build(ctx, builder.Request{App: j.app.ID, Build: b.ID, Dir: dir, Plan: plan, Env: env, Previous: previous, Out: out})
	out.Flush()
	if err != nil {
		return b, err
	}
	b.Plan, b.Image, b.Tree, b.Took = res.Plan, res.Image, res.Tree, time.Since(b.Created)
	if err := d.store.RecordBuild(j.dep.ID, b); err != nil {
		return b, err
	}
	d.say(j, "built in %s", b.Took.Round(100*time.Millisecond))
	return b, nil
}

// previousImage is the newest image of the app: its layers are used again.
func (d *Deployer) previousImage(app string) (string, error) {
	builds, err := d.store.Builds(app)
	if err != nil {
		return "", err
	}
	newest := paas.Build{}
	for _, b := range builds {
		if b.Image != "" && b.ID > newest.ID {
			newest = b
		}
	}
	return newest.Image, nil
}

// release seals the build together with the configuration and runs the release command in the new image, before any traffic.
func (d *Deployer) release(ctx context.Context, j *job, b paas.Build) (paas.Release, error) {
	if j.dep.Release != "" {
		return d.store.Release(j.dep.Release) // an interrupted attempt got this far: its command is not run twice
	}
	command := b.Plan.Release != "" && j.dep.Source.Kind != paas.SourceRollback
	if command { // written down first: a kill between here and its end is told to a person
		if err := d.step(j, paas.StepRelease); err != nil {
			return paas.Release{}, err
		}
	}
	rel, err := d.store.MakeRelease(j.dep.ID, store.ReleaseFrom{Build: b.ID, Release: j.dep.Source.Release})
	if err != nil {
		return rel, err
	}
	j.number = rel.Number
	if !command {
		return rel, nil
	}
	return rel, d.runReleaseCommand(ctx, j, rel, b)
}

func (d *Deployer) runReleaseCommand(ctx context.Context, j *job, rel paas.Release, b paas.Build) error {
	ctx, cancel := context.WithTimeout(ctx, d.timing.Release)
	defer cancel()
	inst, err := d.newInstance(j, "release") // for an address that nobody else has
	if err != nil {
		return err
	}
	defer d.discard(context.WithoutCancel(ctx), []string{inst.ID})
	spec, err := d.spec(ctx, j, rel, b, inst)
	if err != nil {
		return err
	}
	d.say(j, "running the release command: %s", b.Plan.Release)
	out := d.book.writer(j.dep.ID, paas.StepRelease)
	code, err := d.engine.RunOnce(ctx, spec, out)
	out.Flush()
	if err != nil {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return &paas.Error{Kind: paas.Failed, Msg: fmt.Sprintf("the release command did not end within %s", d.timing.Release),
				Hint: "make it shorter, or move long work to a worker", Err: err}
		}
		return fmt.Errorf("release command: %w", err)
	}
	if code != 0 {
		return &paas.Error{Kind: paas.Failed, Msg: fmt.Sprintf("the release command %q ended with exit code %d", b.Plan.Release, code),
			Hint: "its output is in the log of this deployment; the new version got no traffic"}
	}
	return nil
}

// switchOver records the new truth in one transaction and waits until every edge process has it.
func (d *Deployer) switchOver(ctx context.Context, j *job, live []string) error {
	if !d.lanes.commit(j.dep.ID) {
		return context.Canceled
	}
	if _, err := d.store.Activate(j.dep.ID, live); err != nil {
		return err
	}
	j.dep.Step = paas.StepSwitch
	d.book.wake(j.dep.ID)
	return d.sendUntilTaken(ctx, func() { d.say(j, "waiting for the edge to take the new table") })
}

// settle records how it ended.
func (d *Deployer) settle(ctx context.Context, j *job, err error, by *paas.Actor) {
	status, failure := paas.Succeeded, (*paas.Failure)(nil)
	switch {
	case by != nil && err != nil:
		status, failure = paas.StatusCancelled, &paas.Failure{Kind: paas.Cancelled, Step: j.dep.Step, Message: "stopped by " + by.Name}
	case err != nil:
		status, failure = paas.StatusFailed, d.explain(j, err)
		d.log.Warn("deployment failed", "app", j.dep.App, "deployment", j.dep.ID, "step", j.dep.Step, "err", err)
	default:
		j.dep.Step = paas.StepDone
		d.say(j, "v%d is live at %s", j.number, d.URL(j.app))
	}
	if failure != nil {
		failure.StillServing = d.whatStays(j)
		d.sayFailure(j, failure)
	}
	if err := d.store.FinishDeployment(j.dep.ID, status, failure); err != nil {
		d.log.Error("cannot record how a deployment ended", "app", j.dep.App, "deployment", j.dep.ID, "err", err)
	}
	d.book.wake(j.dep.ID)
	if err != nil {
		d.dropUpload(j.dep)
	}
	d.reap(context.WithoutCancel(ctx), j.dep.App)
}

// sayFailure ends the log. What the app printed is shown only when it is not in the log already, as a build's output is.
func (d *Deployer) sayFailure(j *job, f *paas.Failure) {
	if j.dep.Step == paas.StepStart || j.dep.Step == paas.StepHealth {
		for _, l := range f.Lines {
			d.say(j, "  | %s", l)
		}
	}
	j.dep.Step = paas.StepDone
	d.say(j, "error: %s", f.Message)
	if f.Hint != "" {
		d.say(j, "hint:  %s", f.Hint)
	}
	d.say(j, "%s", f.StillServing)
}

// whatStays says what visitors see after a deployment that did not go live.
func (d *Deployer) whatStays(j *job) string {
	name := "this version"
	if j.number > 0 {
		name = fmt.Sprintf("v%d", j.number)
	}
	p, err := d.store.AppEnvironment(j.target)
	if err != nil || p.Live == "" {
		return name + " did not go live; nothing was live before it"
	}
	rel, err := d.store.Release(p.Live)
	if err != nil {
		return name + " did not go live; the version before it is still serving"
	}
	return fmt.Sprintf("%s did not go live; v%d is still serving and was not touched", name, rel.Number)
}

func (d *Deployer) roomToBuild() error {
	var st syscall.Statfs_t
	if err := syscall.Statfs(d.data, &st); err != nil {
		return nil // the build itself will tell
	}
	free := st.Bavail * uint64(st.Bsize)
	if free >= minFreeBytes {
		return nil
	}
	return &paas.Error{Kind: paas.NoSpace, Msg: fmt.Sprintf("the disk is nearly full: %d MB are free, a build needs at least %d", free>>20, minFreeBytes>>20),
		Hint: "delete what you do not need from the server, or delete apps that are not used; apps that run are not affected"}
}
