package deploy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/store"
)

const maxResumes = 3 // times that a deployment begins again after restarts, before it counts as interrupted

// job is one deployment in progress.
type job struct {
	dep    paas.Deployment
	target paas.Target
	app    paas.App
	number int
	made   []string // instances of this attempt, to be discarded when it fails
}

// work is what a target's worker does: its deployments in order, then the copies of what is live, then what nothing
// needs any more.
func (d *Deployer) work(ctx context.Context, target paas.Target) {
	for ctx.Err() == nil {
		var dep paas.Deployment
		var ok bool
		err := d.insist(ctx, "cannot read the queue", target.App, func() (err error) {
			dep, ok, err = d.nextDeployment(target)
			return err
		})
		if err != nil || !ok {
			break
		}
		d.deploy(ctx, dep)
	}
	if ctx.Err() == nil {
		d.scale(ctx, target)
		d.retain(ctx, target)
	}
}

// nextDeployment is the oldest unfinished deployment of target.
func (d *Deployer) nextDeployment(target paas.Target) (paas.Deployment, bool, error) {
	all, err := d.store.Unfinished() // in the order in which they were queued
	if err != nil {
		return paas.Deployment{}, false, fmt.Errorf("read the queue: %w", err)
	}
	for _, dep := range all {
		if dep.App == target.App && dep.Environment == target.Environment {
			return dep, true, nil
		}
	}
	return paas.Deployment{}, false, nil
}

// deploy takes one deployment to its end and records how it ended. Until the edge acknowledges the new table the
// old release keeps serving, whatever happens here.
func (d *Deployer) deploy(ctx context.Context, dep paas.Deployment) {
	own, a := d.attempts.begin(ctx, dep)
	defer a.cancel()
	j := &job{dep: dep, target: paas.Target{App: dep.App, Environment: dep.Environment}, number: dep.Number}
	err := d.attempt(own, j)
	by := d.attempts.end(dep.ID, a)
	if err != nil && own.Err() != nil && by == nil {
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
			d.discard(context.WithoutCancel(ctx), j.made)
		}
	}()
	if j.app, err = d.store.App(j.dep.App); err != nil {
		return err
	}
	if j.dep.Generation != 0 { // an earlier process switched
		return d.awaitEdge(ctx, j)
	}
	if err := d.begin(ctx, j); err != nil {
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
	v, err := d.launch.version(rel.ID)
	if err != nil {
		return err
	}
	live, err := d.bringUp(ctx, j, v)
	if err != nil {
		return err
	}
	return d.switchOver(ctx, j, live)
}

// begin records that the deployment is taken up, and removes what an interrupted attempt started.
func (d *Deployer) begin(ctx context.Context, j *job) error {
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
	err := d.insist(ctx, "cannot begin a deployment", j.dep.App, func() error { return d.store.BeginDeployment(j.dep.ID) })
	if err != nil {
		return err
	}
	if j.dep.Status == paas.Queued {
		return nil
	}
	insts, err := d.store.InstancesOf(j.target)
	if err != nil {
		return err
	}
	var left []string
	for _, inst := range insts {
		if inst.State == paas.Starting && inst.Deployment == j.dep.ID {
			left = append(left, inst.ID)
		}
	}
	d.discard(ctx, left)
	return nil
}

// step records that a stage begins, before anything of it is done.
func (d *Deployer) step(j *job, s paas.Step) error {
	if err := d.store.RecordStep(j.dep.ID, s); err != nil {
		return err
	}
	j.dep.Step = s
	d.logs.changed.notify(j.dep.ID)
	return nil
}

// say writes a line into the deployment's log.
func (d *Deployer) say(j *job, format string, args ...any) {
	d.logs.line(j.dep.ID, j.dep.Step, fmt.Sprintf(format, args...))
}

// switchOver records the new truth in one transaction and waits until every edge process has it.
func (d *Deployer) switchOver(ctx context.Context, j *job, live []string) error {
	if !d.attempts.commit(j.dep.ID) {
		return context.Canceled
	}
	if _, err := d.store.Activate(j.dep.ID, live); err != nil {
		return err
	}
	return d.awaitEdge(ctx, j)
}

func (d *Deployer) awaitEdge(ctx context.Context, j *job) error {
	d.attempts.commit(j.dep.ID)
	j.dep.Step = paas.StepSwitch
	d.logs.changed.notify(j.dep.ID)
	return d.table.sendUntilTaken(ctx, func() { d.say(j, "waiting for the edge to take the new table") })
}

// insist calls fn until it succeeds, ctx ends, or the error says that it never will. A disk that is full has room
// again one day: what cannot be written now is neither given up nor tried all the time, and is logged once.
func (d *Deployer) insist(ctx context.Context, trouble, app string, fn func() error) error {
	var b backoff
	for {
		err := fn()
		if err == nil || paas.IsKind(err, paas.NotFound) || paas.IsKind(err, paas.Conflict) || paas.IsKind(err, paas.Invalid) {
			return err
		}
		if b.last == 0 {
			d.log.Error(trouble+"; trying again until it works", "app", app, "err", err)
		}
		if !sleep(ctx, b.next()) {
			return ctx.Err()
		}
	}
}

// backoff is the pause between tries of what keeps failing: 1 s, then twice as long each time, up to most. The zero
// value is ready.
type backoff struct{ last, most time.Duration }

func (b *backoff) next() time.Duration {
	most := b.most
	if most == 0 {
		most = time.Minute
	}
	b.last = min(max(2*b.last, time.Second), most)
	return b.last
}
