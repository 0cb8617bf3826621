package deploy

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/cloudsania/cloudsania/docker"
	"github.com/cloudsania/cloudsania/paas"
)

// repair makes the store and Docker agree after whatever happened while nobody looked: a crash, a reboot, an operator with rm.
// Docker being away is no reason not to start: the watch loop comes back to it.
func (d *Deployer) repair(ctx context.Context) error {
	for _, dir := range []string{"logs", "builds"} {
		if err := os.MkdirAll(filepath.Join(d.data, dir), 0o700); err != nil {
			return fmt.Errorf("make directory: %w", err)
		}
	}
	if err := d.choosePool(ctx); err != nil {
		return err
	}
	if err := d.repairDeployments(ctx); err != nil {
		return err
	}
	if err := d.repairContainers(ctx); err != nil {
		d.log.Warn("cannot compare the store with Docker now; will try again", "err", err)
	}
	if err := d.repairRemovals(ctx); err != nil {
		return err
	}
	_, err := d.store.NewGeneration() // flags may have changed what the edge must know
	return err
}

// repairRemovals finishes deleting what was being deleted.
func (d *Deployer) repairRemovals(ctx context.Context) error {
	open, err := d.store.Removals()
	if err != nil {
		return err
	}
	for _, r := range open {
		d.clean(ctx, r)
	}
	return nil
}

// repairDeployments takes up what was running: past the switch it is done, before it its instances are thrown away and it begins again
// from what is recorded; only one that was in the middle of its release command is left to a person.
func (d *Deployer) repairDeployments(ctx context.Context) error {
	open, err := d.store.Unfinished()
	if err != nil {
		return err
	}
	for _, dep := range open {
		switch {
		case dep.Status == paas.Queued:
		case dep.Step == paas.StepSwitch:
			if err := d.store.FinishDeployment(dep.ID, paas.Succeeded, nil); err != nil {
				return err
			}
			continue
		case dep.Step == paas.StepRelease && d.hasReleaseCommand(dep):
			d.discardOf(ctx, dep.ID)
			f := &paas.Failure{Kind: paas.Failed, Step: dep.Step, Message: "a restart of the server interrupted the release command",
				Hint: "check that it left nothing half-done, then deploy again"}
			if err := d.store.FinishDeployment(dep.ID, paas.Interrupted, f); err != nil {
				return err
			}
			continue
		default:
			d.discardOf(ctx, dep.ID)
			d.book.line(dep.ID, dep.Step, "the server was restarted; this deployment goes on")
		}
		d.lanes.kick(paas.Target{App: dep.App, Environment: dep.Environment})
	}
	return d.clearScratch(open)
}

func (d *Deployer) hasReleaseCommand(dep paas.Deployment) bool {
	b, err := d.store.Build(dep.Build)
	return err == nil && b.Plan.Release != ""
}

// discardOf removes what an interrupted deployment had started.
func (d *Deployer) discardOf(ctx context.Context, deployment string) {
	all, err := d.store.Instances(paas.Starting)
	if err != nil {
		d.log.Error("cannot read starting instances", "err", err)
		return
	}
	for _, inst := range all {
		if inst.Deployment == deployment {
			d.discard(ctx, []string{inst.ID})
		}
	}
}

// clearScratch removes build directories that no open deployment owns.
func (d *Deployer) clearScratch(open []paas.Deployment) error {
	dir := filepath.Join(d.data, "builds")
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("list build directories: %w", err)
	}
	keep := map[string]bool{}
	for _, dep := range open {
		keep[dep.ID] = true
	}
	for _, e := range entries {
		if !keep[e.Name()] {
			if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
				return fmt.Errorf("remove build directory: %w", err)
			}
		}
	}
	return nil
}

// repairContainers brings back live instances whose container is missing or stopped, and removes containers that nothing refers to.
func (d *Deployer) repairContainers(ctx context.Context) error {
	there, err := d.engine.List(ctx, docker.KindInstance)
	if err != nil {
		return err
	}
	byInstance := map[string]docker.State{}
	for _, st := range there {
		byInstance[st.Instance] = st
	}
	known, err := d.store.Instances(paas.Starting, paas.Live, paas.Draining)
	if err != nil {
		return err
	}
	for _, inst := range known {
		st, ok := byInstance[inst.ID]
		delete(byInstance, inst.ID)
		if inst.Dir != "" || inst.State == paas.Starting {
			continue
		}
		if err := d.revive(ctx, inst, st, ok); err != nil {
			d.log.Error("cannot bring back an instance", "app", inst.App, "instance", inst.ID, "err", err)
		}
	}
	for _, st := range byInstance {
		d.log.Info("removing a container that nothing refers to", "container", st.Name)
		if err := d.engine.Remove(ctx, st.ID); err != nil {
			d.log.Warn("cannot remove a container", "container", st.Name, "err", err)
		}
	}
	return nil
}

// revive starts a stopped live instance and makes a missing one again from its release, at its old address.
func (d *Deployer) revive(ctx context.Context, inst paas.Instance, st docker.State, there bool) error {
	switch {
	case there && (st.Running || st.Restarting):
		return nil
	case inst.State == paas.Draining:
		if there {
			return nil // stopped while it drained: the drain loop removes it
		}
		return d.store.InstanceGone(inst.ID)
	case there && d.crash.resting(inst.ID):
		return nil
	case there:
		d.log.Info("starting a stopped instance", "app", inst.App, "instance", inst.ID)
		return d.engine.Start(ctx, st.ID)
	}
	d.log.Info("making a missing container again", "app", inst.App, "instance", inst.ID)
	rel, err := d.store.Release(inst.Release)
	if err != nil {
		return err
	}
	b, err := d.store.Build(rel.Build)
	if err != nil {
		return err
	}
	app, err := d.store.App(inst.App)
	if err != nil {
		return err
	}
	if inst, err = d.startInstance(ctx, &job{app: app}, rel, b, inst); err != nil {
		return err
	}
	return d.engine.SetRestart(ctx, inst.Container, true)
}

// watchLoop listens to Docker: it counts crashes, and compares again whenever the engine comes back or once a minute.
func (d *Deployer) watchLoop(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { d.eachTick(ctx, time.Minute, func() { d.compare(ctx) }) })
	for ctx.Err() == nil {
		if err := d.engine.Events(ctx, func(e docker.Event) { d.onEvent(ctx, e) }); err != nil && ctx.Err() == nil {
			d.log.Warn("lost Docker's events; will listen again", "err", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(3 * time.Second):
		}
	}
}

// compare is repairContainers outside of the start: what fails is only worth a warning.
func (d *Deployer) compare(ctx context.Context) {
	if err := d.choosePool(ctx); err != nil {
		d.log.Warn("cannot choose addresses for apps", "err", err)
	}
	if err := d.repairContainers(ctx); err != nil && ctx.Err() == nil {
		d.log.Warn("cannot compare the store with Docker", "err", err)
	}
}
