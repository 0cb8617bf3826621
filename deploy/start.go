package deploy

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/cloudsania/cloudsania/builder/contract"
	"github.com/cloudsania/cloudsania/paas"
)

// bringUp starts every process of the version beside the live ones and returns the instances once all are healthy.
func (d *Deployer) bringUp(ctx context.Context, j *job, v version) ([]string, error) {
	if err := d.step(j, paas.StepStart); err != nil {
		return nil, err
	}
	if v.static() {
		inst, err := d.newInstance(j, contract.WebProcess)
		return []string{inst.ID}, err
	}
	started, err := d.startAll(ctx, j, v)
	if err != nil {
		return nil, err
	}
	if err := d.step(j, paas.StepHealth); err != nil {
		return nil, err
	}
	g, healthy := errgroup.WithContext(ctx) // the first that fails ends the waiting for the others
	var live []string
	for _, inst := range started {
		live = append(live, inst.ID)
		g.Go(func() error { return d.waitHealthy(healthy, v, inst, func(f string, a ...any) { d.say(j, f, a...) }) })
	}
	return live, g.Wait()
}

// startAll starts the web copies first, then the workers.
func (d *Deployer) startAll(ctx context.Context, j *job, v version) ([]paas.Instance, error) {
	p, err := d.store.AppEnvironment(j.target)
	if err != nil {
		return nil, err
	}
	want := wantedCopies(v.build.Plan, p.Scale())
	if want.none() {
		return nil, &paas.Error{Kind: paas.Failed, Msg: "nothing to start: every process is scaled to zero",
			Hint: "give the web process at least one copy"}
	}
	if err := d.launch.prepare(ctx, v); err != nil {
		return nil, err
	}
	var out []paas.Instance
	for _, one := range want {
		for n := range one.copies {
			if n == 0 {
				d.say(j, "starting %s", one.process)
			}
			inst, err := d.newInstance(j, one.process)
			if err != nil {
				return nil, err
			}
			if inst, err = d.launch.start(ctx, v, inst); err != nil {
				return nil, err
			}
			out = append(out, inst)
		}
	}
	return out, nil
}

func (d *Deployer) newInstance(j *job, process string) (paas.Instance, error) {
	inst, err := d.store.NewInstance(j.dep.ID, process)
	if err == nil {
		j.made = append(j.made, inst.ID)
	}
	return inst, err
}

// waitHealthy returns once the instance does what a copy of its process has to do. From then on Docker starts it
// again when it ends; a version that fails while it starts must not be started again and again.
func (d *Deployer) waitHealthy(ctx context.Context, v version, inst paas.Instance, say func(format string, args ...any)) error {
	port, err := d.probe.wait(ctx, inst, d.checkOf(v), say)
	if err != nil {
		return d.withOutput(ctx, inst, err)
	}
	if port != 0 {
		err = d.store.UpdateInstance(inst.ID, func(i *paas.Instance) error { i.Port = port; return nil })
		if err != nil {
			return err
		}
	}
	return d.launch.keep(ctx, inst.Container)
}
