package store

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

// Activate records the switch of traffic as one change: the deployment's step, the live release, these instances live and the target's old
// ones draining, an event, and the table's next generation, which it returns. Asked again after a crash it returns the same generation.
func (t *Tx) Activate(deployment string, live []string) (uint64, error) {
	dep, err := t.running(deployment)
	if err != nil || dep.Generation != 0 {
		return dep.Generation, err
	}
	if dep.Release == "" || len(live) == 0 {
		return 0, fmt.Errorf("activate %q: it has no release or no instance", deployment)
	}
	generation, err := t.bump()
	if err != nil {
		return 0, err
	}
	dep.Generation = generation
	t.step(&dep.Work, paas.StepSwitch)
	err = errors.Join(t.putDeployment(dep), t.switchInstances(dep, live), t.switchRelease(dep))
	return generation, err
}

// switchInstances makes those in live take the traffic and the target's other live ones drain.
func (t *Tx) switchInstances(dep paas.Deployment, live []string) error {
	all, err := t.InstancesOf(paas.Target{App: dep.App, Environment: dep.Environment})
	if err != nil {
		return err
	}
	switched := 0
	for _, inst := range all {
		switch {
		case slices.Contains(live, inst.ID):
			if inst.Deployment != dep.ID || inst.State != paas.Starting {
				return fmt.Errorf("activate %q: the instance %q is not one that it started", dep.ID, inst.ID)
			}
			inst.State = paas.Live
			switched++
		case inst.State == paas.Live:
			inst.State, inst.DrainedFrom, inst.DrainGeneration = paas.Draining, t.now, dep.Generation
		default:
			continue
		}
		if err := t.putInstance(inst); err != nil {
			return err
		}
	}
	if switched != len(live) {
		return fmt.Errorf("activate %q: %d of its %d instances are gone", dep.ID, len(live)-switched, len(live))
	}
	return nil
}

func (t *Tx) switchRelease(dep paas.Deployment) error {
	target := paas.Target{App: dep.App, Environment: dep.Environment}
	p, err := t.AppEnvironment(target)
	if err != nil {
		return err
	}
	was := p.Live()
	for _, s := range p.Traffic {
		if err := t.updateRelease(s.Release, func(r *paas.Release) { r.LastLive = t.now }); err != nil {
			return err
		}
	}
	err = t.updateRelease(dep.Release, func(r *paas.Release) {
		if r.LastLive = (time.Time{}); r.FirstLive.IsZero() {
			r.FirstLive = t.now
		}
	})
	if err != nil {
		return err
	}
	p.Traffic = []paas.Share{{Release: dep.Release, Weight: 1}}
	if err := t.put(appEnvironmentBucket, targetKey(target), p); err != nil {
		return err
	}
	detail := paas.DeploymentSwitched{Environment: dep.Environment, Number: dep.Number, Release: dep.Release, Was: was}
	return t.as(dep.Actor).deploymentEvent(dep, detail)
}
