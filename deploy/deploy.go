// Package deploy turns a source into traffic: source → detect → build → release → start → health → switch, one deployment at a
// time per app and environment. The store decides and the edge obeys; draining is state of the old instance, followed by a loop of
// its own. Every step is written down before it is acted on, so that a kill at any point is repaired at the next start.
package deploy

import (
	"context"
	"io"
	"log/slog"
	"net/netip"
	"path/filepath"
	"sync"
	"time"

	"github.com/cloudsania/cloudsania/builder"
	"github.com/cloudsania/cloudsania/docker"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/store"
)

// engine is what is asked of Docker.
type engine interface {
	UsedSubnets(ctx context.Context) ([]netip.Prefix, error)
	EnsureNetwork(ctx context.Context, name string, subnet netip.Prefix) error
	RemoveNetwork(ctx context.Context, name string) error
	ImageExists(ctx context.Context, ref string) (bool, error)
	PullImage(ctx context.Context, ref string, auth paas.RegistryAuth) error
	RemoveImage(ctx context.Context, ref string) error
	Create(ctx context.Context, spec docker.Spec) (string, error)
	Start(ctx context.Context, id string) error
	Stop(ctx context.Context, id string, grace time.Duration) error
	Remove(ctx context.Context, id string) error
	SetRestart(ctx context.Context, id string, on bool) error
	RunOnce(ctx context.Context, spec docker.Spec, out io.Writer) (int, error)
	Inspect(ctx context.Context, id string) (docker.State, error)
	List(ctx context.Context, kind docker.Kind) ([]docker.State, error)
	Listening(ctx context.Context, id string) ([]netip.AddrPort, error)
	Logs(ctx context.Context, id string, opts docker.LogOptions, fn func(docker.LogLine) error) error
	Events(ctx context.Context, fn func(docker.Event)) error
}

// images makes images and static trees of sources.
type images interface {
	Build(ctx context.Context, req builder.Request) (builder.Result, error)
	Ref(image string) (string, paas.RegistryAuth)
	Forget(ctx context.Context, app string) error
	RemoveBuild(ctx context.Context, b paas.Build) error
}

// edges is every edge process at once.
type edges interface {
	Apply(ctx context.Context, t paas.Table) error
	Status(ctx context.Context) ([]paas.EdgeStatus, error)
}

// repositories hands out code from the built-in remote and from public addresses.
type repositories interface {
	Checkout(ctx context.Context, app, commit, dir string) error
	Clone(ctx context.Context, url, branch, dir string) (paas.Source, error)
	Remove(app string) error
}

// warnings lists what in a checked-out source will not work as its author expects: submodules, LFS pointers.
type warnings func(dir string) []string

// uploads hands out kept uploads.
type uploads interface {
	Copy(ctx context.Context, id, dir string) error
	Remove(id string) error
}

// Options are what a Deployer is made of.
type Options struct {
	Data         string
	Site         paas.Site
	Store        *store.Store
	Engine       engine
	Images       images
	Edges        edges
	Repositories repositories
	Uploads      uploads
	Warnings     warnings // nil: none
	Log          *slog.Logger
	Timing       Timing
}

// Timing holds the waits of a deployment; zero fields take the defaults.
type Timing struct {
	Healthy   time.Duration // how long an app may take to answer; 60 s
	Failing   time.Duration // how long it may answer with errors before we give up; 15 s
	Settle    time.Duration // how long a worker must stay up; 2 s
	Release   time.Duration // for the release command; 10 min
	DrainCap  time.Duration // after which an old instance is stopped whatever it does; 24 h
	StopGrace time.Duration // between SIGTERM and SIGKILL: a worker may finish what it does; 30 s
}

func (t Timing) withDefaults() Timing {
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	def(&t.Healthy, time.Minute)
	def(&t.Failing, 15*time.Second)
	def(&t.Settle, 2*time.Second)
	def(&t.Release, 10*time.Minute)
	def(&t.DrainCap, 24*time.Hour)
	def(&t.StopGrace, 30*time.Second)
	return t
}

// Deployer owns every deployment from the moment it is queued. Safe for concurrent use.
type Deployer struct {
	data   string
	site   paas.Site
	store  *store.Store
	engine engine
	images images
	edges  edges
	repos  repositories
	upload uploads
	warn   warnings
	log    *slog.Logger
	timing Timing

	book  *logbook
	lanes *lanes
	apply sync.Mutex // one table is sent at a time, so that an older one never overtakes
	crash *crashes
}

// New makes a Deployer; nothing runs before Run.
func New(o Options) *Deployer {
	return &Deployer{
		data: o.Data, site: o.Site, store: o.Store, engine: o.Engine, images: o.Images, edges: o.Edges,
		repos: o.Repositories, upload: o.Uploads, warn: o.Warnings, log: o.Log, timing: o.Timing.withDefaults(),
		book: newLogbook(filepath.Join(o.Data, "logs")), lanes: newLanes(), crash: newCrashes(),
	}
}

// Run repairs what an earlier process left half-done, then works until ctx ends. A deployment in progress is left as it stands in
// the store: the next Run takes it up again.
func (d *Deployer) Run(ctx context.Context) error {
	if err := d.repair(ctx); err != nil {
		return err
	}
	var wg sync.WaitGroup
	for _, loop := range []func(context.Context){d.dispatch, d.drainLoop, d.tableLoop, d.watchLoop} {
		wg.Go(func() { loop(ctx) })
	}
	wg.Wait()
	return nil
}

// Deploy records that src shall go live at target and returns at once. A deployment of the same target that still waits is
// superseded; one that runs is not disturbed. Follow tells how it goes.
func (d *Deployer) Deploy(_ context.Context, by paas.Actor, target paas.Target, src paas.Source) (paas.Deployment, error) {
	dep, superseded, err := d.store.QueueDeployment(by, target, src)
	if err != nil {
		return dep, err
	}
	for _, id := range superseded {
		d.book.line(id, paas.StepQueued, "a newer version took this one's place before it began")
		d.book.wake(id)
	}
	d.lanes.kick(target)
	return dep, nil
}

// Cancel stops a deployment that has not switched traffic yet. Conflict when it is past that.
func (d *Deployer) Cancel(_ context.Context, by paas.Actor, id string) error {
	dep, err := d.store.Deployment(id)
	if err != nil {
		return err
	}
	if d.lanes.cancel(id, by) {
		return nil
	}
	if dep.Status != paas.Queued {
		return &paas.Error{Kind: paas.Conflict, Msg: "this deployment is past the point where it can be stopped", Hint: "roll back to the version before it"}
	}
	err = d.store.FinishDeployment(id, paas.StatusCancelled, &paas.Failure{Kind: paas.Cancelled, Step: dep.Step, Message: "stopped by " + by.Name})
	d.book.wake(id)
	return err
}
