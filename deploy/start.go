package deploy

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"sort"
	"time"

	"github.com/cloudsania/cloudsania/builder/contract"
	"github.com/cloudsania/cloudsania/docker"
	"github.com/cloudsania/cloudsania/paas"
)

// Port is what PORT says in every web process.
const Port = 8080

// bringUp starts every process of the release beside the live ones and returns the instances once they are healthy.
func (d *Deployer) bringUp(ctx context.Context, j *job, rel paas.Release, b paas.Build) ([]string, error) {
	if b.Image == "" {
		return d.bringUpStatic(j, b)
	}
	if err := d.step(j, paas.StepStart); err != nil {
		return nil, err
	}
	started, err := d.startAll(ctx, j, rel, b)
	if err != nil {
		return nil, err
	}
	if err := d.step(j, paas.StepHealth); err != nil {
		return nil, err
	}
	var live []string
	for _, inst := range started {
		if err := d.waitHealthy(ctx, j, b, inst); err != nil {
			return nil, d.withOutput(ctx, inst, err)
		}
		// Only now: a version that fails while it starts must not be started again and again by Docker.
		if err := d.engine.SetRestart(ctx, inst.Container, true); err != nil {
			return nil, fmt.Errorf("set restart policy: %w", err)
		}
		live = append(live, inst.ID)
	}
	return live, nil
}

// bringUpStatic has nothing to start: the edge serves the directory.
func (d *Deployer) bringUpStatic(j *job, b paas.Build) ([]string, error) {
	if err := d.step(j, paas.StepStart); err != nil {
		return nil, err
	}
	inst, err := d.newInstance(j, "web")
	if err != nil {
		return nil, err
	}
	err = d.store.UpdateInstance(inst.ID, func(i *paas.Instance) error {
		i.Dir, i.SPA = b.ID, b.Plan.Static != nil && b.Plan.Static.SPA
		return nil
	})
	return []string{inst.ID}, err
}

func (d *Deployer) newInstance(j *job, process string) (paas.Instance, error) {
	inst, err := d.store.NewInstance(j.dep.ID, process)
	if err == nil {
		j.existing = append(j.existing, inst.ID)
	}
	return inst, err
}

// startAll starts the web copies first, then the workers.
func (d *Deployer) startAll(ctx context.Context, j *job, rel paas.Release, b paas.Build) ([]paas.Instance, error) {
	var out []paas.Instance
	for _, process := range processTypes(b.Plan) {
		for n := range copies(rel.Scale, process) {
			inst, err := d.newInstance(j, process)
			if err != nil {
				return nil, err
			}
			if n == 0 {
				d.say(j, "starting %s", process)
			}
			if inst, err = d.startInstance(ctx, j, rel, b, inst); err != nil {
				return nil, err
			}
			out = append(out, inst)
		}
	}
	if len(out) == 0 {
		return nil, &paas.Error{Kind: paas.Failed, Msg: "nothing to start: every process is scaled to zero", Hint: "give the web process at least one copy"}
	}
	return out, nil
}

// startInstance makes and starts the container of an instance whose record and address exist already.
func (d *Deployer) startInstance(ctx context.Context, j *job, rel paas.Release, b paas.Build, inst paas.Instance) (paas.Instance, error) {
	spec, err := d.spec(ctx, j, rel, b, inst)
	if err != nil {
		return inst, err
	}
	id, err := d.engine.Create(ctx, spec)
	if err != nil {
		return inst, fmt.Errorf("create container: %w", err)
	}
	inst.Container = id
	if err := d.store.UpdateInstance(inst.ID, func(i *paas.Instance) error { i.Container = id; return nil }); err != nil {
		return inst, err
	}
	if err := d.engine.Start(ctx, id); err != nil {
		return inst, fmt.Errorf("start container: %w", err)
	}
	return inst, nil
}

// spec is the container of one process of a release. It pulls the image and makes the network when they are not there.
func (d *Deployer) spec(ctx context.Context, j *job, rel paas.Release, b paas.Build, inst paas.Instance) (docker.Spec, error) {
	env, err := d.store.Environment(rel.Environment)
	if err != nil {
		return docker.Spec{}, err
	}
	if err := d.engine.EnsureNetwork(ctx, networkName(env), env.Subnet); err != nil {
		return docker.Spec{}, fmt.Errorf("make network: %w", err)
	}
	ref, auth := d.images.Ref(b.Image)
	there, err := d.engine.ImageExists(ctx, ref)
	if err == nil && !there {
		err = d.engine.PullImage(ctx, ref, auth)
	}
	if err != nil {
		return docker.Spec{}, fmt.Errorf("take image from the registry: %w", err)
	}
	vars, err := d.store.ReleaseVariables(rel.ID)
	if err != nil {
		return docker.Spec{}, err
	}
	values := map[string]paas.Secret{"PORT": paas.NewSecret(fmt.Sprint(Port)), "CLOUDSANIA_APP": paas.NewSecret(j.app.Name),
		"CLOUDSANIA_ENVIRONMENT": paas.NewSecret(env.Name), "CLOUDSANIA_VERSION": paas.NewSecret(fmt.Sprintf("v%d", rel.Number))}
	for _, v := range vars {
		values[v.Name] = v.Value
	}
	s := docker.Spec{Kind: docker.KindInstance, ID: inst.ID, App: rel.App, Environment: rel.Environment, Release: rel.ID, Process: inst.Process, Image: ref, Env: values,
		Network: networkName(env), Addr: inst.Addr, Limits: rel.Limits.WithDefaults(),
		Entrypoint: contract.Entrypoint(inst.Process)}
	if command, own := ownCommand(j.app, b.Plan, inst.Process); own {
		s.Entrypoint, s.Argv = contract.LauncherEntrypoint(), []string{"bash", "-c", command}
	}
	return s, nil
}

// ownCommand is what runs instead of the image's process: a release command, or a start command that the owner chose after the build.
func ownCommand(app paas.App, plan paas.Plan, process string) (string, bool) {
	if process == "release" {
		return plan.Release, true
	}
	if process == "web" && app.Build.StartCommand != "" && app.Build.StartCommand != plan.StartCommand {
		return app.Build.StartCommand, true
	}
	return "", false
}

func networkName(e paas.Environment) string { return "cs-" + e.ID }

// processTypes are the processes of the plan, web first. A plan that names none has a web process.
func processTypes(p paas.Plan) []string {
	var out []string
	for _, pr := range p.Processes {
		if pr.Type != "web" && pr.Type != "release" {
			out = append(out, pr.Type)
		}
	}
	sort.Strings(out)
	if len(p.Processes) == 0 || hasWeb(p) {
		out = append([]string{"web"}, out...)
	}
	return out
}

func hasWeb(p paas.Plan) bool {
	for _, pr := range p.Processes {
		if pr.Type == "web" {
			return true
		}
	}
	return false
}

func copies(scale map[string]int, process string) int {
	if n, ok := scale[process]; ok {
		return n
	}
	return 1
}

// discard removes what a failed attempt started.
func (d *Deployer) discard(ctx context.Context, ids []string) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for _, id := range ids {
		inst, err := d.store.Instance(id)
		if err != nil {
			d.log.Error("cannot read an instance to discard", "instance", id, "err", err)
			continue
		}
		d.end(ctx, inst)
	}
}

// end stops and removes an instance's container and records that it is gone. What fails is tried again by the drain loop or at the next start.
func (d *Deployer) end(ctx context.Context, inst paas.Instance) {
	if inst.Dir == "" {
		name := containerOf(inst)
		if err := d.engine.Stop(ctx, name, d.timing.StopGrace); err != nil && !paas.IsKind(err, paas.NotFound) {
			d.log.Warn("cannot stop a container", "app", inst.App, "instance", inst.ID, "err", err)
		}
		if err := d.engine.Remove(ctx, name); err != nil {
			d.log.Warn("cannot remove a container", "app", inst.App, "instance", inst.ID, "err", err)
			return
		}
	}
	if err := d.store.InstanceGone(inst.ID); err != nil {
		d.log.Error("cannot record that an instance is gone", "app", inst.App, "instance", inst.ID, "err", err)
	}
}

// containerOf names the instance's container also when a crash came between making it and writing its id down.
func containerOf(inst paas.Instance) string {
	if inst.Container == "" {
		return docker.ContainerName(inst.ID)
	}
	return inst.Container
}

// newSecret is what app.json's generator "secret" stands for: 64 hexadecimal digits.
func newSecret() paas.Secret {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return paas.NewSecret(hex.EncodeToString(b[:]))
}
