package deploy

import (
	"context"
	"errors"
	"fmt"

	"github.com/cloudsania/cloudsania/builder/contract"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/store"
)

// release seals the build together with the configuration and runs the release command in the new image, before any
// traffic.
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
	return rel, d.runReleaseCommand(ctx, j, rel)
}

func (d *Deployer) runReleaseCommand(ctx context.Context, j *job, rel paas.Release) error {
	ctx, cancel := context.WithTimeout(ctx, d.timing.Release)
	defer cancel()
	v, err := d.launch.version(rel.ID)
	if err != nil {
		return err
	}
	inst, err := d.newInstance(j, contract.ReleaseProcess) // for an address that nothing else has
	if err != nil {
		return err
	}
	defer d.discard(context.WithoutCancel(ctx), []string{inst.ID})
	if err := d.launch.prepare(ctx, v); err != nil {
		return err
	}
	d.say(j, "running the release command: %s", v.build.Plan.Release)
	out := d.logs.writer(j.dep.ID, paas.StepRelease)
	code, err := d.launch.run(ctx, v, inst, out)
	out.Flush()
	if err != nil {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return &paas.Error{Kind: paas.Failed, Msg: fmt.Sprintf("the release command did not end within %s", d.timing.Release),
				Hint: "make it shorter, or move long work to a worker", Err: err}
		}
		return fmt.Errorf("release command: %w", err)
	}
	if code != 0 {
		return &paas.Error{Kind: paas.Failed, Msg: fmt.Sprintf("the release command %q ended with exit code %d", v.build.Plan.Release, code),
			Hint: "its output is in the log of this deployment; the new version got no traffic"}
	}
	return nil
}
