package docker_test

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	pack "github.com/buildpacks/pack/pkg/client"
	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/cloudsania/cloudsania/docker"
	"github.com/cloudsania/cloudsania/docker/dockertest"
	"github.com/cloudsania/cloudsania/paas"
)

// pack takes the client structurally; nothing outside this test knows both.
var _ pack.DockerClient = (*docker.BuildClient)(nil)

// phase does what pack does with one: create, attach, start, wait. It returns the container.
func phase(t *testing.T, c *docker.BuildClient, image, name string, binds []string, args ...string) (id, out string) {
	t.Helper()
	ctx := t.Context()
	r, err := c.ContainerCreate(ctx, client.ContainerCreateOptions{
		Config:     &container.Config{Image: image, Entrypoint: []string{""}, Cmd: append([]string{"/cnb/lifecycle/" + name}, args...), Labels: map[string]string{"author": "pack"}},
		HostConfig: &container.HostConfig{Binds: binds, NetworkMode: "bridge", SecurityOpt: []string{"no-new-privileges=true"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	wait := c.ContainerWait(ctx, r.ID, client.ContainerWaitOptions{Condition: container.WaitConditionNextExit})
	att, err := c.ContainerAttach(ctx, r.ID, client.ContainerAttachOptions{Stream: true, Stdout: true, Stderr: true})
	if err != nil {
		t.Fatal(err)
	}
	defer att.Close()
	if _, err := c.ContainerStart(ctx, r.ID, client.ContainerStartOptions{}); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := stdcopy.StdCopy(&b, &b, att.Reader); err != nil {
		t.Fatal(err)
	}
	select {
	case <-wait.Result:
	case err := <-wait.Error:
		t.Fatal(err)
	}
	return r.ID, b.String()
}

func TestBuildPolicy(t *testing.T) {
	t.Parallel()
	e := dockertest.Engine(t)
	image := dockertest.Image(t, e)
	p := docker.BuildPolicy{Build: paas.NewID("bld"), App: paas.NewID("app"), MemoryMB: 128, PIDs: 99, CPUs: 1.5, CPUShares: 64, CgroupParent: "cloudsania-test"}
	t.Cleanup(func() { // Docker leaves parents behind
		dirs, _ := filepath.Glob("/sys/fs/cgroup/*/cloudsania-test")
		for _, d := range append(dirs, "/sys/fs/cgroup/cloudsania-test") {
			_ = os.Remove(d)
		}
	})
	c := e.BuildClient(p)
	for name, trusted := range map[string]bool{"analyzer": true, "detector": false, "restorer": true, "builder": false, "exporter": true} {
		id, out := phase(t, c, image, name, nil, "status")
		x := inspect(t, e, id)
		h := x.HostConfig
		got := []any{h.Memory, h.MemorySwap, *h.PidsLimit, h.NanoCPUs, h.CPUShares, *h.Init, h.LogConfig.Type, h.SecurityOpt, string(h.NetworkMode), strings.Trim(strings.TrimSuffix(h.CgroupParent, ".slice"), "/")}
		network := "bridge"
		if trusted {
			network = "host"
		}
		if want := []any{int64(128 << 20), int64(128 << 20), int64(99), int64(15e8), int64(64), true, "none", []string{"no-new-privileges"}, network, "cloudsania-test"}; !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v", name, got)
		}
		if l := x.Config.Labels; l["cloudsania.installation"] != e.Installation() || l["cloudsania.kind"] != "build" || l["cloudsania.build"] != p.Build || l["cloudsania.app"] != p.App || l["author"] != "pack" {
			t.Errorf("%s: labels %v", name, l)
		}
		none := strings.Contains(out, "CapBnd:\t0000000000000000\n")
		if none == trusted || !strings.Contains(out, "NoNewPrivs:\t1\n") {
			t.Errorf("%s: %s", name, out)
		}
		if _, err := c.ContainerRemove(t.Context(), id, client.ContainerRemoveOptions{Force: true}); err != nil {
			t.Error(err)
		}
	}
	if phase, oom := c.OOM(); oom {
		t.Errorf("%q ran out of memory on its own", phase)
	}
}

func TestBuildOutOfMemory(t *testing.T) {
	t.Parallel()
	e := dockertest.Engine(t)
	image := dockertest.Image(t, e)
	for _, how := range []string{"hog", "child-hog"} { // a compiler is a child of the phase
		c := e.BuildClient(docker.BuildPolicy{Build: paas.NewID("bld"), App: paas.NewID("app"), MemoryMB: 64})
		id, _ := phase(t, c, image, "builder", nil, how, "300")
		if _, err := c.ContainerRemove(t.Context(), id, client.ContainerRemoveOptions{Force: true}); err != nil {
			t.Fatal(err)
		}
		if phase, oom := c.OOM(); phase != "builder" || !oom {
			t.Errorf("%s: %q, %v", how, phase, oom)
		}
	}
}

func TestBuildRefusals(t *testing.T) {
	t.Parallel()
	e := dockertest.Engine(t)
	c := e.BuildClient(docker.BuildPolicy{Build: paas.NewID("bld")})
	for name, o := range map[string]client.ContainerCreateOptions{
		"creator":  {Config: &container.Config{Cmd: []string{"/cnb/lifecycle/creator"}}, HostConfig: &container.HostConfig{}},
		"a user's": {Config: &container.Config{Cmd: []string{"/workspace/exporter"}}, HostConfig: &container.HostConfig{}},
		"a shell":  {Config: &container.Config{Cmd: []string{"/bin/sh"}}, HostConfig: &container.HostConfig{}},
		"nothing":  {Config: &container.Config{}, HostConfig: &container.HostConfig{}},
		"no host":  {Config: &container.Config{Cmd: []string{"/cnb/lifecycle/builder"}}},
		"docker":   {Config: &container.Config{Cmd: []string{"/cnb/lifecycle/exporter"}}, HostConfig: &container.HostConfig{Binds: []string{"/run/docker.sock:/var/run/docker.sock"}}},
	} {
		if _, err := c.ContainerCreate(t.Context(), o); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

// Story: kill -9 of control during a build left a container that went on building, two volumes and an image for ever.
func TestRemoveLeftovers(t *testing.T) {
	t.Parallel()
	e := dockertest.Engine(t)
	image := dockertest.Image(t, e)
	temporary := "pack.local/lifecycle/" + strings.ToLower(paas.NewID("bld")) + ":latest"
	foreign := "pack.local/lifecycle/" + strings.ToLower(paas.NewID("bld")) + ":latest"
	for _, ref := range []string{temporary, foreign} {
		if err := e.TagImage(t.Context(), image, ref); err != nil {
			t.Fatal(err)
		}
	}
	id := paas.NewID("bld")
	c := e.BuildClient(docker.BuildPolicy{Build: id, App: paas.NewID("app")})
	cache := "cs-" + paas.NewID("app") + "-cache"
	if err := e.EnsureVolume(t.Context(), cache); err != nil {
		t.Fatal(err)
	}
	layers, workspace := "pack-layers-"+strings.ToLower(id), "pack-app-"+strings.ToLower(id)
	binds := []string{layers + ":/layers", workspace + ":/workspace", cache + ":/cache:rw"}
	first, _ := phase(t, c, temporary, "analyzer", binds, "init")
	if _, err := c.ContainerRemove(t.Context(), first, client.ContainerRemoveOptions{Force: true}); err != nil {
		t.Fatal(err)
	}
	// The build's container runs on while control is gone.
	r, err := c.ContainerCreate(t.Context(), client.ContainerCreateOptions{Config: &container.Config{Image: image, Entrypoint: []string{""}, Cmd: []string{"/cnb/lifecycle/builder", "sleep"}}, HostConfig: &container.HostConfig{Binds: binds}})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Start(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	n, err := c.NetworkCreate(t.Context(), "pack.local-network-"+strings.ToLower(id), client.NetworkCreateOptions{Driver: "bridge"})
	if err != nil {
		t.Fatal(err)
	}
	labels := map[string]string{"cloudsania.installation": e.Installation(), "cloudsania.kind": "work"}
	if _, err := e.Raw().ContainerCreate(t.Context(), client.ContainerCreateOptions{
		Config: &container.Config{Image: image, Entrypoint: []string{"-"}, Labels: labels}, // as in the middle of DeriveImage
	}); err != nil {
		t.Fatal(err)
	}
	app := start(t, e, dockertest.Spec(image, "sleep"))

	if err := e.RemoveLeftovers(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := containers(t, e); got != 1 {
		t.Errorf("%d containers, want only the app's", got)
	}
	if !inspect(t, e, app).State.Running {
		t.Error("the app was ended")
	}
	volumes, err := e.Raw().VolumeList(t.Context(), client.VolumeListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, v := range volumes.Items {
		names = append(names, v.Name)
	}
	if slices.Contains(names, layers) || slices.Contains(names, workspace) || !slices.Contains(names, cache) {
		t.Errorf("volumes %v", names)
	}
	if _, err := e.Raw().NetworkInspect(t.Context(), n.ID, client.NetworkInspectOptions{}); err == nil {
		t.Error("the network is there")
	}
	for ref, want := range map[string]bool{temporary: false, foreign: true, image: true} {
		if ok, err := e.ImageExists(t.Context(), ref); ok != want || err != nil {
			t.Errorf("image %s: %v, %v", ref, ok, err)
		}
	}
	if err := e.RemoveLeftovers(t.Context()); err != nil {
		t.Errorf("again: %v", err)
	}
}

func TestVolumes(t *testing.T) {
	e, other := dockertest.Engine(t), dockertest.Engine(t)
	name := "cs-" + paas.NewID("app") + "-cache"
	for range 2 {
		if err := e.EnsureVolume(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	if err := other.EnsureVolume(t.Context(), name); !paas.IsKind(err, paas.Conflict) {
		t.Errorf("another installation takes it: %v", err)
	}
	if err := other.RemoveVolume(t.Context(), name); !paas.IsKind(err, paas.Conflict) {
		t.Errorf("another installation removes it: %v", err)
	}
	for range 2 {
		if err := e.RemoveVolume(t.Context(), name); err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []string{"", "/etc", "../x", "A", "a:b", "a b", strings.Repeat("x", 200)} {
		if err := e.EnsureVolume(t.Context(), bad); err == nil {
			t.Errorf("%q is accepted", bad)
		}
		if err := e.RemoveVolume(t.Context(), bad); err == nil {
			t.Errorf("removing %q is accepted", bad)
		}
	}
}

func TestRemoveAll(t *testing.T) {
	t.Parallel()
	e, other := dockertest.Engine(t), dockertest.Engine(t)
	image := dockertest.Image(t, e)
	network, subnet := dockertest.Network(t, e)
	s := dockertest.Spec(image, "sleep")
	s.Network, s.Addr, s.Restart = network, subnet.Addr().Next().Next(), true
	start(t, e, s)
	kept := start(t, other, dockertest.Spec(dockertest.Image(t, other), "sleep"))
	volume := "cs-" + paas.NewID("app") + "-cache"
	if err := e.EnsureVolume(t.Context(), volume); err != nil {
		t.Fatal(err)
	}
	if err := e.RemoveAll(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	if n := containers(t, e); n != 0 {
		t.Errorf("%d containers", n)
	}
	if _, err := e.Raw().NetworkInspect(t.Context(), network, client.NetworkInspectOptions{}); err == nil {
		t.Error("the network is there")
	}
	if ok, err := e.ImageExists(t.Context(), image); !ok || err != nil {
		t.Errorf("the image is gone: %v", err)
	}
	if _, err := e.Raw().VolumeInspect(t.Context(), volume, client.VolumeInspectOptions{}); err != nil {
		t.Error("the volume is gone")
	}
	if err := e.RemoveAll(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	if ok, err := e.ImageExists(t.Context(), image); ok || err != nil {
		t.Errorf("the image is there: %v", err)
	}
	if _, err := e.Raw().VolumeInspect(t.Context(), volume, client.VolumeInspectOptions{}); err == nil {
		t.Error("the volume is there")
	}
	if !inspect(t, other, kept).State.Running {
		t.Error("another installation's app was ended")
	}
}
