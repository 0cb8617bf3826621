package deploy

import (
	"context"
	"sync"
	"time"

	"github.com/cloudsania/cloudsania/docker"
	"github.com/cloudsania/cloudsania/paas"
)

// watched tells which containers there are and what happens to them.
type watched interface {
	List(ctx context.Context, kind docker.Kind) ([]docker.State, error)
	Events(ctx context.Context, fn func(docker.Event)) error
}

// reconcileLoop makes Docker agree with the store after whatever happened to it: a crash, a reboot, an operator
// with rm. Docker being away holds up nothing else.
func (d *Deployer) reconcileLoop(ctx context.Context) {
	for {
		next, err := d.reconcile(ctx)
		if err != nil && ctx.Err() == nil {
			d.log.Warn("cannot compare the store with Docker; trying again", "err", err)
		}
		if !d.repair.wait(ctx, next) {
			return
		}
	}
}

// reconcile compares once: wanted instances with containers, wanted copies with instances. It tells when to do so
// again.
func (d *Deployer) reconcile(ctx context.Context) (next time.Duration, err error) {
	if err := d.choosePool(ctx); err != nil {
		return safetyNet, err
	}
	// Before the store is read: no container of the list can then be of an instance that is not in the store yet.
	containers, err := d.engine.List(ctx, docker.KindInstance)
	if err != nil {
		return safetyNet, err
	}
	insts, err := d.store.Instances()
	if err != nil {
		return safetyNet, err
	}
	repairs, next := compare(insts, containers, time.Now())
	var wg sync.WaitGroup
	for _, r := range repairs {
		wg.Go(func() {
			if err := d.mend(ctx, r); err != nil && ctx.Err() == nil {
				d.log.Error("cannot repair an instance", "repair", r.what, "app", r.inst.App, "instance", r.inst.ID,
					"container", r.container.Name, "err", err)
			}
		})
	}
	wg.Wait()
	targets, err := d.misscaled()
	for _, t := range targets {
		d.queue.notify(t)
	}
	return next, err
}

// repair is something about one instance that has to be put right.
type repair struct {
	what      string
	inst      paas.Instance // zero for a container that nothing refers to
	container docker.State  // zero for an instance without one
}

const (
	startAgain = "start a stopped container"
	makeAgain  = "make a missing container"
	giveBack   = "let Docker restart a container again"
	recordGone = "record that an instance is gone"
	removeIt   = "remove a container that nothing refers to"
)

// compare tells what has to be done now so that every live instance has a running container and every container an
// instance, and when to compare again. Instances that start or drain belong to the worker and the drainer.
func compare(insts []paas.Instance, containers []docker.State, now time.Time) (out []repair, next time.Duration) {
	next = safetyNet
	of := map[string]docker.State{}
	for _, c := range containers {
		of[c.Instance] = c
	}
	for _, inst := range insts {
		c, there := of[inst.ID]
		delete(of, inst.ID)
		what, wait := compareOne(inst, c, there, now)
		if what != "" {
			out = append(out, repair{what, inst, c})
		}
		next = min(next, wait)
	}
	for _, c := range of {
		out = append(out, repair{what: removeIt, container: c})
	}
	return out, next
}

// compareOne is compare for one instance; what is "" when there is nothing to do now.
func compareOne(inst paas.Instance, c docker.State, there bool, now time.Time) (what string, wait time.Duration) {
	runs := c.Running || c.Restarting
	rest, proven := inst.Restarts.Until.Sub(now), inst.Restarts.Until.Add(provenAfter).Sub(now)
	switch {
	case inst.Dir != "", inst.State == paas.Starting:
	case inst.State == paas.Draining:
		if !there { // one that stopped while it drained is removed by the drainer
			return recordGone, safetyNet
		}
	case inst.Restarts.N > 0 && !runs && rest > 0:
		return "", rest
	case inst.Restarts.N > 0 && runs && proven > 0:
		return "", proven
	case inst.Restarts.N > 0 && runs:
		return giveBack, safetyNet
	case !there:
		return makeAgain, safetyNet
	case !runs:
		return startAgain, safetyNet
	}
	return "", safetyNet
}

func (d *Deployer) mend(ctx context.Context, r repair) error {
	d.log.Info("repairing", "repair", r.what, "app", r.inst.App, "instance", r.inst.ID, "container", r.container.Name)
	switch r.what {
	case removeIt:
		return d.engine.Remove(ctx, r.container.ID)
	case recordGone:
		return d.store.InstanceGone(r.inst.ID)
	case giveBack:
		return d.giveRestartsBack(ctx, r.inst)
	}
	v, err := d.launch.version(r.inst.Release)
	if err != nil {
		return err
	}
	if r.what == startAgain && !drifted(r.container, d.launch.spec(v, r.inst)) {
		return d.keepAgain(ctx, r.inst, r.container.ID, d.engine.Start(ctx, r.container.ID))
	}
	return d.makeAgain(ctx, v, r)
}

// drifted reports whether a container is no longer what it should be. One of a version that wrote no hash is taken
// as it is.
func drifted(c docker.State, want docker.Spec) bool { return c.Spec != "" && c.Spec != want.Hash() }

// makeAgain makes the instance's container from its release, at its old address.
func (d *Deployer) makeAgain(ctx context.Context, v version, r repair) error {
	if r.container.ID != "" {
		if err := d.engine.Remove(ctx, r.container.ID); err != nil {
			return err
		}
	} else if _, err := d.engine.Inspect(ctx, docker.ContainerName(r.inst.ID)); !paas.IsKind(err, paas.NotFound) {
		return err // it was made after the containers had been listed
	}
	if err := d.launch.prepare(ctx, v); err != nil {
		return err
	}
	inst, err := d.launch.start(ctx, v, r.inst)
	return d.keepAgain(ctx, r.inst, inst.Container, err)
}

// keepAgain lets Docker restart a container that was started again, unless control has taken the restarts over.
func (d *Deployer) keepAgain(ctx context.Context, inst paas.Instance, container string, started error) error {
	if started != nil || inst.Restarts.N > 0 {
		return started
	}
	return d.launch.keep(ctx, container)
}

// eventLoop listens to Docker.
func (d *Deployer) eventLoop(ctx context.Context) {
	for ctx.Err() == nil {
		if err := d.engine.Events(ctx, func(e docker.Event) { d.onEvent(ctx, e) }); err != nil && ctx.Err() == nil {
			d.log.Warn("lost Docker's events; will listen again", "err", err)
		}
		sleep(ctx, 3*time.Second)
	}
}
