package deploy

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/cloudsania/cloudsania/paas"
)

// resume takes up what an earlier process left: deployments that wait or were running, removals, build directories.
func (d *Deployer) resume() error {
	for _, dir := range []string{"logs", "builds"} {
		if err := os.MkdirAll(filepath.Join(d.data, dir), 0o700); err != nil {
			return fmt.Errorf("make directory: %w", err)
		}
	}
	if err := d.recordDomain(); err != nil {
		return err
	}
	open, err := d.store.Unfinished()
	if err != nil {
		return err
	}
	for _, dep := range open {
		if err := d.resumeDeployment(dep); err != nil {
			return err
		}
	}
	if err := d.clearScratch(open); err != nil {
		return err
	}
	_, err = d.store.NewGeneration() // flags may have changed what the edge must know
	return err
}

// recordDomain writes down the base domain, of which the store makes the addresses of apps.
func (d *Deployer) recordDomain() error {
	settings := d.store.Settings()
	if settings.Domain == d.site.Domain {
		return nil
	}
	settings.Domain = d.site.Domain
	return d.store.SaveSettings(settings)
}

// resumeDeployment puts one that was running back into the queue: past the switch it only waits for the edge,
// before it begins again from what is recorded. Only one that was in the middle of its release command is left to a
// person.
func (d *Deployer) resumeDeployment(dep paas.Deployment) error {
	if dep.Status == paas.Running && dep.Step == paas.StepRelease && d.hasReleaseCommand(dep) {
		return d.store.FinishDeployment(dep.ID, paas.Interrupted, &paas.Failure{Kind: paas.Failed, Step: dep.Step,
			Message: "a restart of the server interrupted the release command",
			Hint:    "check that it left nothing half-done, then deploy again"})
	}
	if dep.Status == paas.Running && dep.Generation == 0 {
		d.logs.line(dep.ID, dep.Step, "the server was restarted; this deployment goes on")
	}
	d.queue.notify(paas.Target{App: dep.App, Environment: dep.Environment})
	return nil
}

func (d *Deployer) hasReleaseCommand(dep paas.Deployment) bool {
	b, err := d.store.Build(dep.Build)
	return err == nil && b.Plan.Release != ""
}

// takeUp wakes the worker of a deployment that waits.
func (d *Deployer) takeUp(deployment string) {
	dep, err := d.store.Deployment(deployment)
	if err == nil && dep.Status == paas.Queued {
		d.queue.preempt(paas.Target{App: dep.App, Environment: dep.Environment})
	}
}

// takeUpAll wakes the workers of all deployments that wait.
func (d *Deployer) takeUpAll() error {
	open, err := d.store.Unfinished()
	for _, dep := range open {
		d.queue.notify(paas.Target{App: dep.App, Environment: dep.Environment})
	}
	return err
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
