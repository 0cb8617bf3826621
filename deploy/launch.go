package deploy

import (
	"context"
	"fmt"
	"io"
	"net/netip"

	"github.com/cloudsania/cloudsania/builder/contract"
	"github.com/cloudsania/cloudsania/docker"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/store"
)

// Port is what PORT says in every web process.
const Port = 8080

// provider makes what containers need before they can be made.
type provider interface {
	EnsureNetwork(ctx context.Context, name string, subnet netip.Prefix) error
	ImageExists(ctx context.Context, ref string) (bool, error)
	PullImage(ctx context.Context, ref string, auth paas.RegistryAuth) error
}

// containers makes and starts containers.
type containers interface {
	Create(ctx context.Context, spec docker.Spec) (string, error)
	Start(ctx context.Context, id string) error
	SetRestart(ctx context.Context, id string, on bool) error
	RunOnce(ctx context.Context, spec docker.Spec, out io.Writer) (int, error)
}

// launcher makes every container of an app: copies of a release, release commands, copies that have to be made again.
type launcher struct {
	store      *store.Store
	provider   provider
	containers containers
	images     interface {
		Ref(image string) (string, paas.RegistryAuth)
	}
}

// version is a release with all that its containers are made from.
type version struct {
	app     paas.App
	project paas.Project
	env     paas.Environment
	release paas.Release
	build   paas.Build
	vars    []paas.Variable
}

// static reports whether there is nothing to start: the edge serves the build's directory.
func (v version) static() bool { return v.build.Image == "" }

// version reads everything of a release in one state of the store.
func (l *launcher) version(release string) (v version, err error) {
	err = l.store.View(func(t *store.Tx) error {
		if v.release, err = t.Release(release); err != nil {
			return err
		}
		if v.build, err = t.Build(v.release.Build); err != nil {
			return err
		}
		if v.app, err = t.App(v.release.App); err != nil {
			return err
		}
		if v.project, err = t.Project(v.app.Project); err != nil {
			return err
		}
		if v.env, err = t.Environment(v.release.Environment); err != nil {
			return err
		}
		v.vars, err = t.ReleaseVariables(release)
		return err
	})
	return v, err
}

// prepare makes the network and pulls the image when they are not there.
func (l *launcher) prepare(ctx context.Context, v version) error {
	if err := l.provider.EnsureNetwork(ctx, networkName(v.env), v.env.Subnet); err != nil {
		return fmt.Errorf("make network: %w", err)
	}
	ref, auth := l.images.Ref(v.build.Image)
	there, err := l.provider.ImageExists(ctx, ref)
	if err == nil && !there {
		err = l.provider.PullImage(ctx, ref, auth)
	}
	if err != nil {
		return fmt.Errorf("take image from the registry: %w", err)
	}
	return nil
}

// start makes and starts the container of an instance whose record and address exist already. Docker does not start
// it again when it ends, until keep.
func (l *launcher) start(ctx context.Context, v version, inst paas.Instance) (paas.Instance, error) {
	spec := l.spec(v, inst)
	id, err := l.containers.Create(ctx, spec)
	if err != nil {
		return inst, fmt.Errorf("create container: %w", err)
	}
	inst.Container, inst.SpecHash = id, spec.Hash()
	err = l.store.UpdateInstance(inst.ID, func(i *paas.Instance) error {
		i.Container, i.SpecHash = inst.Container, inst.SpecHash
		return nil
	})
	if err != nil {
		return inst, err
	}
	if err := l.containers.Start(ctx, id); err != nil {
		return inst, fmt.Errorf("start container: %w", err)
	}
	return inst, nil
}

// keep lets Docker start the container again after a crash or a reboot.
func (l *launcher) keep(ctx context.Context, container string) error {
	if err := l.containers.SetRestart(ctx, container, true); err != nil {
		return fmt.Errorf("set restart policy: %w", err)
	}
	return nil
}

// run runs the instance's process to its end and returns its exit code.
func (l *launcher) run(ctx context.Context, v version, inst paas.Instance, out io.Writer) (int, error) {
	return l.containers.RunOnce(ctx, l.spec(v, inst), out)
}

// spec is the container of an instance of a version.
func (l *launcher) spec(v version, inst paas.Instance) docker.Spec {
	ref, _ := l.images.Ref(v.build.Image)
	s := docker.Spec{
		Kind: docker.KindInstance, ID: inst.ID,
		App: v.app.ID, Environment: v.env.ID, Release: v.release.ID, Process: inst.Process,
		Image: ref, Entrypoint: contract.Entrypoint(inst.Process), Env: environment(v),
		Network: networkName(v.env), Addr: inst.Addr, Limits: v.release.LimitsOf(inst.Process),
	}
	if inst.Process == contract.ReleaseProcess {
		s.Kind = docker.KindRun
	}
	if command := ownCommand(v, inst.Process); command != "" {
		s.Entrypoint, s.Argv = contract.LauncherEntrypoint(), []string{"bash", "-c", command}
	}
	return s
}

// environment is what the processes of a version find in their environment.
func environment(v version) map[string]paas.Secret {
	env := map[string]paas.Secret{
		"PORT":                   paas.NewSecret(fmt.Sprint(Port)),
		"CLOUDSANIA_APP":         paas.NewSecret(v.app.Name),
		"CLOUDSANIA_ENVIRONMENT": paas.NewSecret(v.env.Name),
		"CLOUDSANIA_VERSION":     paas.NewSecret(fmt.Sprintf("v%d", v.release.Number)),
	}
	for _, one := range v.vars {
		env[one.Name] = one.Value
	}
	return env
}

// ownCommand is what runs instead of the image's process: a release command, or a start command that the owner
// chose after the build. "" leaves it to the image.
func ownCommand(v version, process string) string {
	if process == contract.ReleaseProcess {
		return v.build.Plan.Release
	}
	return v.release.Command(process)
}

func networkName(e paas.Environment) string { return "cs-" + e.ID }
