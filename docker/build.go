package docker

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/cloudsania/cloudsania/paas"
)

// BuildPolicy limits one build: whatever containers pack asks for, they get these limits. Zero limits take safe
// defaults.
type BuildPolicy struct {
	Build, App   string  // ids, for labels
	MemoryMB     int     // hard, swap included; 0: 1024
	PIDs         int     // 0: 1024
	CPUs         float64 // 0: 1
	CPUShares    int64   // 1024 is an ordinary container's; 0: 128, so that apps go first
	CgroupParent string  // all builds below one cgroup, such as "cloudsania-build"; "" for the engine's own
}

func (p BuildPolicy) withDefaults() BuildPolicy {
	if p.MemoryMB <= 0 {
		p.MemoryMB = 1024
	}
	if p.PIDs <= 0 {
		p.PIDs = 1024
	}
	if p.CPUs <= 0 {
		p.CPUs = 1
	}
	if p.CPUShares <= 0 {
		p.CPUShares = 128
	}
	return p
}

// phases are the lifecycle's, and whether a phase runs code of ours only: those reach the registry on the host's
// 127.0.0.1 with its credentials, as root. The others run the user's code. The creator, which is both at once, is not
// here and is refused.
var phases = map[string]struct{ trusted bool }{
	"analyzer": {true}, "restorer": {true}, "exporter": {true},
	"detector": {false}, "builder": {false},
}

// needlessCaps are what no trusted phase uses of Docker's default set: they change owners and modes of files, and their
// own user.
var needlessCaps = []string{"NET_RAW", "NET_BIND_SERVICE", "MKNOD", "SYS_CHROOT", "AUDIT_WRITE", "SETFCAP"}

// BuildClient is the engine as pack sees it during one build. It satisfies pkg/client.DockerClient of
// github.com/buildpacks/pack.
type BuildClient struct {
	*client.Client
	engine *Engine
	policy BuildPolicy

	mu       sync.Mutex
	oomPhase string
}

// BuildClient makes the client for one build.
func (e *Engine) BuildClient(p BuildPolicy) *BuildClient {
	return &BuildClient{Client: e.client, engine: e, policy: p.withDefaults()}
}

// OOM reports whether a phase was killed because it needed more than the policy's memory, and which. It knows once pack
// has removed the phase's container.
func (c *BuildClient) OOM() (phase string, oom bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.oomPhase, c.oomPhase != ""
}

// ContainerCreate creates the container of a phase within the policy. Anything that is not one of the five phases is
// refused, and so is Docker's socket.
func (c *BuildClient) ContainerCreate(ctx context.Context, o client.ContainerCreateOptions) (client.ContainerCreateResult, error) {
	if o.Config == nil || o.HostConfig == nil || len(o.Config.Cmd) == 0 {
		return client.ContainerCreateResult{}, fmt.Errorf("build container without a phase")
	}
	phase, ours := strings.CutPrefix(o.Config.Cmd[0], "/cnb/lifecycle/")
	kind, known := phases[phase]
	if !ours || !known {
		return client.ContainerCreateResult{}, fmt.Errorf("%q is not a phase of a build", o.Config.Cmd[0])
	}
	for _, b := range o.HostConfig.Binds {
		if strings.Contains(b, "docker.sock") {
			return client.ContainerCreateResult{}, fmt.Errorf("a build may not reach docker's socket")
		}
	}
	cfg, host := *o.Config, *o.HostConfig
	cfg.Labels = maps.Clone(cfg.Labels)
	if cfg.Labels == nil {
		cfg.Labels = map[string]string{}
	}
	maps.Copy(cfg.Labels, c.engine.containerLabels(kindBuild, c.labels(map[string]string{labelProcess: phase})))
	if err := c.confine(ctx, &host, kind.trusted); err != nil {
		return client.ContainerCreateResult{}, err
	}
	if err := c.labelVolumes(ctx, host.Binds, cfg.Image); err != nil {
		return client.ContainerCreateResult{}, err
	}
	o.Config, o.HostConfig = &cfg, &host
	if paas.IsID("bld", c.policy.Build) {
		o.Name = "cs-" + c.policy.Build + "-" + phase
	}
	r, err := c.Client.ContainerCreate(ctx, o)
	return r, fail(ctx, err, "create the container of phase %q", phase)
}

// ContainerRemove asks how the phase ended before the answer is gone.
func (c *BuildClient) ContainerRemove(ctx context.Context, id string, o client.ContainerRemoveOptions) (client.ContainerRemoveResult, error) {
	short, cancel := call(ctx)
	defer cancel()
	r, err := c.ContainerInspect(short, id, client.ContainerInspectOptions{})
	if s := r.Container.State; err == nil && s != nil && s.OOMKilled && s.ExitCode != 0 { // a phase may get over the loss of a child
		c.mu.Lock()
		c.oomPhase = r.Container.Config.Labels[labelProcess]
		c.mu.Unlock()
	}
	return c.Client.ContainerRemove(ctx, id, o)
}

// NetworkCreate labels the network that pack makes when none is named, which it leaks when a build is cancelled.
func (c *BuildClient) NetworkCreate(ctx context.Context, name string, o client.NetworkCreateOptions) (client.NetworkCreateResult, error) {
	o.Labels = c.labels(o.Labels)
	return c.Client.NetworkCreate(ctx, name, o)
}

func (c *BuildClient) labels(with map[string]string) map[string]string {
	m := map[string]string{labelApp: c.policy.App, labelBuild: c.policy.Build}
	maps.Copy(m, with)
	return c.engine.labels(kindBuild, m)
}

func (c *BuildClient) confine(ctx context.Context, h *container.HostConfig, trusted bool) error {
	p := c.policy
	info, err := c.engine.info(ctx)
	if err != nil {
		return err
	}
	cpus, err := c.engine.cpus(ctx, p.CPUs)
	if err != nil {
		return err
	}
	h.NanoCPUs = int64(cpus * 1e9)
	h.Memory = int64(p.MemoryMB) << 20
	h.MemorySwap = h.Memory
	h.PidsLimit = new(int64(p.PIDs))
	h.CPUShares = p.CPUShares
	h.LogConfig = container.LogConfig{Type: "none"} // pack reads by attaching
	h.Init = new(true)
	h.SecurityOpt = []string{"no-new-privileges"}
	h.RestartPolicy = container.RestartPolicy{}
	h.Privileged, h.CapAdd, h.CapDrop = false, nil, []string{"ALL"}
	h.NetworkMode = "bridge"
	if trusted {
		h.CapDrop = needlessCaps
		h.NetworkMode = "host"
	}
	if p.CgroupParent == "" {
		return nil
	}
	h.CgroupParent = "/" + strings.Trim(p.CgroupParent, "/")
	if info.CgroupDriver == "systemd" { // takes nothing but the name of a slice
		h.CgroupParent = strings.TrimSuffix(strings.ReplaceAll(strings.Trim(p.CgroupParent, "/"), "/", "-"), ".slice") + ".slice"
	}
	return nil
}

// labelVolumes makes pack's volumes before Docker does so itself, without labels, from the binds. A temporary image of
// pack's own is noted on them: no label of ours can be put on it, and RemoveLeftovers must know it.
func (c *BuildClient) labelVolumes(ctx context.Context, binds []string, image string) error {
	with := map[string]string{}
	if isPackImage(image) {
		with[labelImage] = image
	}
	for _, b := range binds {
		name, _, _ := strings.Cut(b, ":")
		if !strings.HasPrefix(name, "pack-") {
			continue
		}
		if _, err := c.VolumeCreate(ctx, client.VolumeCreateOptions{Name: name, Labels: c.labels(with)}); err != nil {
			return fail(ctx, err, "create volume %q", name)
		}
	}
	return nil
}

// isPackImage recognises the images that pack makes for one build and removes after it.
func isPackImage(ref string) bool { return strings.HasPrefix(ref, "pack.local/") }
