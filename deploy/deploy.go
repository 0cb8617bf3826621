// Package deploy turns a source into traffic: source → detect → build → release → start → health → switch, one
// deployment at a time per app and environment. The store decides; Docker and the edge are brought into line with
// it, at the start, when something changed, and once a minute in case a change was missed. Every step is written
// down before it is acted on, so that a kill at any point is repaired at the next start.
//
// A target (an app in an environment) has one worker, which takes its deployments in order and then runs the live
// release in as many copies as the app environment asks for. What follows a deployment (old instances that drain,
// containers of failed attempts that have to go) is state of the instances and is followed beside the queue.
package deploy

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/cloudsania/cloudsania/builder"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/store"
)

// engine is Docker, as the parts of this package ask for it.
type engine interface {
	provider
	containers
	inspector
	stopper
	watched
	logReader
	subnets
	remover
}

// images makes images and static trees of sources.
type images interface {
	Build(ctx context.Context, req builder.Request) (builder.Result, error)
	Ref(image string) (string, paas.RegistryAuth)
	Forget(ctx context.Context, app string) error
	RemoveBuild(ctx context.Context, b paas.Build) error
}

// edges is every edge process at once. A table that is older than one already sent may be left out.
type edges interface {
	Apply(ctx context.Context, t paas.Table) error
	Status(ctx context.Context) ([]paas.EdgeStatus, error)
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

// safetyNet is how often what is told is looked at anyway.
const safetyNet = time.Minute

// Deployer owns every deployment from the moment it is queued. Safe for concurrent use.
type Deployer struct {
	data   string
	site   paas.Site
	store  *store.Store
	engine engine
	images images
	repos  repositories
	upload uploads
	warn   warnings
	log    *slog.Logger
	timing Timing

	queue    *queue
	attempts *attempts
	logs     *logs
	launch   *launcher
	probe    *prober
	table    *publisher
	drain    *drainer
	crashes  *crashes
	scaling  *scaling
	repair   signal   // Docker is to be compared with the store
	removals signal   // an app was deleted
	printing *changes // targets whose instances changed, for those who follow their output
}

// New makes a Deployer; nothing runs before Run.
func New(o Options) *Deployer {
	t := o.Timing.withDefaults()
	d := &Deployer{
		data: o.Data, site: o.Site, store: o.Store, engine: o.Engine, images: o.Images,
		repos: o.Repositories, upload: o.Uploads, warn: o.Warnings, log: o.Log, timing: t,
		queue:    newQueue(),
		attempts: newAttempts(),
		logs:     newLogs(filepath.Join(o.Data, "logs")),
		launch:   &launcher{store: o.Store, provider: o.Engine, containers: o.Engine, images: o.Images},
		probe:    &prober{engine: o.Engine, timing: t},
		crashes:  newCrashes(),
		scaling:  newScaling(),
		repair:   newSignal(),
		removals: newSignal(),
		printing: newChanges(),
	}
	d.table = &publisher{read: d.readTable, edges: o.Edges, wake: newSignal(), log: o.Log}
	d.drain = &drainer{store: o.Store, edges: o.Edges, working: d.queue.working, end: d.end, behind: d.table.wake,
		cap: t.DrainCap, wake: newSignal(), log: o.Log}
	return d
}

// Run takes up what an earlier process left half-done and works until ctx ends. A deployment in progress is left as
// it stands in the store: the next Run takes it up again.
func (d *Deployer) Run(ctx context.Context) error {
	changed := d.store.Watch() // before the first look, so that nothing is missed
	defer changed.Close()
	if err := d.resume(); err != nil {
		return err
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, loop := range []func(context.Context){d.table.run, d.drain.run, d.reconcileLoop, d.eventLoop, d.removalLoop} {
		wg.Go(func() { loop(ctx) })
	}
	wg.Go(func() { d.queue.run(ctx, d.work) })
	for {
		dirty, err := changed.Wait(ctx)
		if err != nil {
			return nil // ctx has ended
		}
		d.react(dirty)
	}
}

// react wakes who has to look at what was committed.
func (d *Deployer) react(dirty []store.Dirty) {
	for _, c := range dirty {
		switch c.Kind {
		case store.KindTable:
			d.table.wake.notify()
		case store.KindInstance:
			d.drain.wake.notify()
			d.printing.notify(c.App)
		case store.KindAppEnvironment:
			d.queue.notify(paas.Target{App: c.App, Environment: c.ID})
		case store.KindDeployment:
			d.logs.changed.notify(c.ID)
			d.takeUp(c.ID)
		case store.KindRemoval:
			d.removals.notify()
		case store.KindEverything:
			d.table.wake.notify()
			d.drain.wake.notify()
			d.repair.notify()
			if err := d.takeUpAll(); err != nil {
				d.log.Error("cannot read what waits to be deployed", "err", err)
			}
		}
	}
}

// Queued takes a deployment up that the store has recorded; superseded are those whose place it took before they began. One that runs is
// not disturbed. Follow tells how it goes.
func (d *Deployer) Queued(dep paas.Deployment, superseded []string) {
	for _, id := range superseded {
		d.logs.line(id, paas.StepQueued, "a newer version took this one's place before it began")
		d.logs.end(id)
	}
	d.queue.preempt(paas.Target{App: dep.App, Environment: dep.Environment})
}

// Cancel stops a deployment that has not switched traffic yet. Conflict when it is past that.
func (d *Deployer) Cancel(_ context.Context, by paas.Actor, id string) error {
	dep, err := d.store.Deployment(id)
	if err != nil {
		return err
	}
	if d.attempts.cancel(id, by) {
		return nil
	}
	late := &paas.Error{Kind: paas.Conflict, Msg: "this deployment is past the point where it can be stopped",
		Hint: "roll back to the version before it"}
	if dep.Status != paas.Queued {
		return late
	}
	err = d.store.FinishDeployment(id, paas.StatusCancelled, stoppedBy(by, dep.Step))
	if errors.Is(err, store.ErrFinished) {
		return late
	}
	d.logs.end(id)
	return err
}
