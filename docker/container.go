package docker

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"github.com/cloudsania/cloudsania/paas"
)

// ContainerName is the name of an instance's container, which works wherever Docker's id does.
func ContainerName(instance string) string { return "cs-" + strings.ToLower(instance) }

// Create makes the container and does not start it. Its defaults are not negotiable: not root, no capabilities, no new
// privileges, an init as PID 1, limits on memory (swap included), CPU and processes, rotated logs, nothing published.
func (e *Engine) Create(ctx context.Context, s Spec) (containerID string, err error) {
	if err := s.check(); err != nil {
		return "", err
	}
	user, err := e.userOf(ctx, s.Image)
	if err != nil {
		return "", err
	}
	limits := s.Limits.WithDefaults()
	if limits.CPUs, err = e.cpus(ctx, limits.CPUs); err != nil {
		return "", err
	}
	o := client.ContainerCreateOptions{
		Name: ContainerName(s.ID),
		Config: &container.Config{
			Image: s.Image, User: user, Entrypoint: s.Entrypoint, Cmd: s.Argv, Env: environment(s.Env),
			Labels: e.containerLabels(s.Kind, s.labels()),
		},
		HostConfig: hostConfig(s, limits),
	}
	if s.Network != "" {
		o.NetworkingConfig = &network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{
			s.Network: {IPAMConfig: &network.EndpointIPAMConfig{IPv4Address: s.Addr}}}}
	}
	short, cancel := call(ctx)
	defer cancel()
	r, err := e.client.ContainerCreate(short, o)
	if err != nil {
		return "", fail(ctx, err, "create container of image %q", s.Image)
	}
	for _, w := range r.Warnings {
		e.log.Warn("docker could not keep a limit", "container", r.ID, "warning", w)
	}
	return r.ID, nil
}

// Start starts a created or stopped container; one that runs is fine. A command that cannot be started is of kind
// Failed.
func (e *Engine) Start(ctx context.Context, id string) error {
	short, cancel := call(ctx)
	defer cancel()
	_, err := e.client.ContainerStart(short, id, client.ContainerStartOptions{})
	return startFailure(ctx, err)
}

// Stop asks the process to end with SIGTERM and kills it after grace, rounded up to seconds. One that is stopped or
// missing is fine. It stays stopped over reboots.
func (e *Engine) Stop(ctx context.Context, id string, grace time.Duration) error {
	seconds := int(math.Ceil(max(grace, 0).Seconds()))
	long, cancel := context.WithTimeout(ctx, callTimeout+grace)
	defer cancel()
	_, err := e.client.ContainerStop(long, id, client.ContainerStopOptions{Timeout: &seconds})
	if cerrdefs.IsNotFound(err) {
		return nil
	}
	return fail(ctx, err, "stop container %s", id)
}

// Remove kills the container if it runs, and removes it with its anonymous volumes. A missing one is fine.
func (e *Engine) Remove(ctx context.Context, id string) error {
	short, cancel := call(ctx)
	defer cancel()
	_, err := e.client.ContainerRemove(short, id, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
	if cerrdefs.IsNotFound(err) {
		return nil
	}
	if cerrdefs.IsConflict(err) && strings.Contains(err.Error(), "already in progress") {
		return e.waitRemoved(ctx, id)
	}
	return fail(ctx, err, "remove container %s", id)
}

// SetRestart turns coming back after a crash or a reboot on or off. A container in a crash loop ends at any moment,
// also while the engine changes it, and each engine has other words for that: it is asked again, for two seconds.
func (e *Engine) SetRestart(ctx context.Context, id string, on bool) error {
	short, cancel := call(ctx)
	defer cancel()
	var err error
	for range 20 {
		_, err = e.client.ContainerUpdate(short, id, client.ContainerUpdateOptions{RestartPolicy: new(restartPolicy(on))})
		if err == nil || cerrdefs.IsNotFound(err) || client.IsErrConnectionFailed(err) || short.Err() != nil {
			break
		}
		select {
		case <-short.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
	return fail(ctx, err, "set restart policy of container %s", id)
}

// userOf is the image's user, which must be a number: a name's number is known only to the image's own passwd file, and
// could be 0.
func (e *Engine) userOf(ctx context.Context, image string) (string, error) {
	img, err := e.image(ctx, image)
	if err != nil {
		return "", err
	}
	user := ""
	if img.Config != nil {
		user = img.Config.User
	}
	uid, _, _ := strings.Cut(user, ":")
	if !validUser.MatchString(user) || strings.Trim(uid, "0") == "" {
		return "", &paas.Error{Kind: paas.Invalid, Msg: fmt.Sprintf("the image %q would run as root or as a user that cannot be checked (%q)", image, user),
			Hint: "give it a numeric user other than 0, such as \"USER 1000:1000\""}
	}
	return user, nil
}

func hostConfig(s Spec, l paas.Limits) *container.HostConfig {
	h := &container.HostConfig{
		Init:          new(true), // a Node or Python process as PID 1 would ignore SIGTERM for the whole grace time
		CapDrop:       []string{"ALL"},
		SecurityOpt:   []string{"no-new-privileges"},
		NetworkMode:   "bridge",
		RestartPolicy: restartPolicy(s.Restart),
		// One driver by name whatever the engine's default is: Logs must be able to read it.
		LogConfig: container.LogConfig{Type: "json-file", Config: map[string]string{"max-size": "10m", "max-file": "3"}},
		Resources: container.Resources{
			Memory: int64(l.MemoryMB) << 20, MemorySwap: int64(l.MemoryMB) << 20,
			NanoCPUs: int64(l.CPUs * 1e9), CPUShares: min(max(2, int64(l.CPUs*1024)), 262144), // the kernel's bounds
			PidsLimit: new(int64(l.PIDs)),
		},
	}
	if s.Network != "" {
		h.NetworkMode = container.NetworkMode(s.Network)
	}
	for _, m := range s.Mounts {
		h.Mounts = append(h.Mounts, mount.Mount{Type: mount.TypeVolume, Source: m.Volume, Target: m.Path, ReadOnly: m.ReadOnly})
	}
	if s.Kind == KindRun {
		h.LogConfig = container.LogConfig{Type: "none"} // read while it runs, and removed
	}
	return h
}

// cpus is want within what Docker takes: not more than the machine has, not less than a hundredth of a processor.
func (e *Engine) cpus(ctx context.Context, want float64) (float64, error) {
	info, err := e.info(ctx)
	if err != nil {
		return 0, err
	}
	return max(0.01, min(want, float64(info.CPUs))), nil
}

func restartPolicy(on bool) container.RestartPolicy {
	if on {
		return container.RestartPolicy{Name: container.RestartPolicyUnlessStopped}
	}
	return container.RestartPolicy{Name: container.RestartPolicyDisabled}
}

func environment(vars map[string]paas.Secret) []string {
	env := make([]string, 0, len(vars))
	for name, value := range vars {
		env = append(env, name+"="+value.Reveal())
	}
	slices.Sort(env)
	return env
}

// startFailure tells a command that cannot be run, which is the user's to mend, from an engine that cannot run
// anything.
func startFailure(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	msg := err.Error()
	for _, sign := range []string{"executable file not found", "no such file or directory", "permission denied", "exec format error"} {
		if strings.Contains(msg, sign) && strings.Contains(msg, "exec") {
			return &paas.Error{Kind: paas.Failed, Msg: "the start command cannot be run: " + sign, Err: err,
				Hint: "check that the program is in the image, is executable and is built for this machine"}
		}
	}
	return fail(ctx, err, "start container")
}

// waitRemoved waits for a removal that another caller began.
func (e *Engine) waitRemoved(ctx context.Context, id string) error {
	short, cancel := call(ctx)
	defer cancel()
	_, err := waited(short, e.client.ContainerWait(short, id, client.ContainerWaitOptions{Condition: container.WaitConditionRemoved}))
	if err == nil || paas.IsKind(err, paas.NotFound) {
		return nil
	}
	if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		return fail(ctx, context.DeadlineExceeded, "remove container %s", id)
	}
	return err
}
