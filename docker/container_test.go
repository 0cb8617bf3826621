package docker_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"golang.org/x/sync/errgroup"

	"github.com/cloudsania/cloudsania/docker"
	"github.com/cloudsania/cloudsania/docker/dockertest"
	"github.com/cloudsania/cloudsania/paas"
)

func start(t *testing.T, e *docker.Engine, s docker.Spec) string {
	t.Helper()
	id, err := e.Create(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Start(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	return id
}

func inspect(t *testing.T, e *docker.Engine, id string) container.InspectResponse {
	t.Helper()
	r, err := e.Raw().ContainerInspect(t.Context(), id, client.ContainerInspectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return r.Container
}

// eventually waits for what the engine or a process does meanwhile.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("still waiting: %s", what)
}

func TestContainerDefaults(t *testing.T) {
	t.Parallel()
	e := dockertest.Engine(t)
	image := dockertest.Image(t, e)
	network, subnet := dockertest.Network(t, e)
	s := dockertest.Spec(image, "sleep")
	s.Network, s.Addr, s.Restart = network, subnet.Addr().Next().Next().Next(), true
	s.Limits = paas.Limits{MemoryMB: 100, CPUs: 0.5, PIDs: 77}
	s.Env = map[string]paas.Secret{"B": paas.NewSecret("two words"), "A": paas.NewSecret("$x=1\n2")}
	id := start(t, e, s)
	c := inspect(t, e, id)

	h := c.HostConfig
	got, err := json.MarshalIndent(map[string]any{
		"Name": c.Name, "Init": *h.Init, "CapAdd": h.CapAdd, "CapDrop": h.CapDrop, "SecurityOpt": h.SecurityOpt, "Privileged": h.Privileged,
		"NetworkMode": string(h.NetworkMode) == network, "Published": len(h.PortBindings), "PublishAll": h.PublishAllPorts, "Restart": h.RestartPolicy,
		"Log": h.LogConfig, "Memory": h.Memory, "MemorySwap": h.MemorySwap, "NanoCPUs": h.NanoCPUs, "CPUShares": h.CPUShares, "Pids": *h.PidsLimit,
		"Binds": len(h.Binds) + len(h.Mounts) + len(c.Mounts), "PidMode": h.PidMode, "UTSMode": h.UTSMode, "IpcMode": h.IpcMode,
		"User": c.Config.User, "Env": c.Config.Env, "Masked": len(h.MaskedPaths) > 5, "Readonly": len(h.ReadonlyPaths) > 3,
	}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want := `{
  "Binds": 0,
  "CPUShares": 512,
  "CapAdd": null,
  "CapDrop": [
    "ALL"
  ],
  "Env": [
    "A=$x=1\n2",
    "B=two words",
    "PATH=/usr/local/bin:/usr/bin:/bin"
  ],
  "Init": true,
  "IpcMode": "private",
  "Log": {
    "Type": "json-file",
    "Config": {
      "max-file": "3",
      "max-size": "10m"
    }
  },
  "Masked": true,
  "Memory": 104857600,
  "MemorySwap": 104857600,
  "Name": "/cs-` + s.ID + `",
  "NanoCPUs": 500000000,
  "NetworkMode": true,
  "PidMode": "",
  "Pids": 77,
  "Privileged": false,
  "PublishAll": false,
  "Published": 0,
  "Readonly": true,
  "Restart": {
    "Name": "unless-stopped",
    "MaximumRetryCount": 0
  },
  "SecurityOpt": [
    "no-new-privileges"
  ],
  "UTSMode": "",
  "User": "1000:1000"
}`
	if string(got) != want {
		t.Errorf("got %s", got)
	}
	labels := map[string]string{"cloudsania.installation": e.Installation(), "cloudsania.kind": "instance", "cloudsania.app": s.App, "cloudsania.environment": s.Environment,
		"cloudsania.release": s.Release, "cloudsania.process": "web", "cloudsania.instance": s.ID, "cloudsania.build": "", "cloudsania.image": "",
		"cloudsania.spec": s.Hash(), "cloudsania.volume": "", "cloudsania.service": "", "cloudsania.work": ""}
	if !reflect.DeepEqual(c.Config.Labels, labels) {
		t.Errorf("labels %v", c.Config.Labels)
	}

	st, err := e.Inspect(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if st.PID == 0 || time.Since(st.Started) > time.Minute || !st.Finished.IsZero() {
		t.Errorf("state %+v", st)
	}
	st.PID, st.Started = 0, time.Time{}
	if w := (docker.State{ID: id, Name: "cs-" + s.ID, Kind: docker.KindInstance, Instance: s.ID, App: s.App, Environment: s.Environment,
		Release: s.Release, Process: "web", Spec: s.Hash(), Running: true, Addr: s.Addr}); st != w {
		t.Errorf("got %+v, want %+v", st, w)
	}
	if list, err := e.List(t.Context(), docker.KindInstance); err != nil || len(list) != 1 || list[0] != st {
		t.Errorf("list %v, %v", list, err)
	}
}

func TestMounts(t *testing.T) {
	t.Parallel()
	e := dockertest.Engine(t)
	image := dockertest.Image(t, e)
	volume := "cs-" + paas.NewID("bld")
	if err := e.EnsureVolume(t.Context(), volume); err != nil {
		t.Fatal(err)
	}
	s := dockertest.Spec(image, "sleep")
	s.Mounts = []docker.Mount{{Volume: volume, Path: "/data", ReadOnly: true}}
	m := inspect(t, e, start(t, e, s)).Mounts
	if len(m) != 1 || m[0].Name != volume || m[0].Destination != "/data" || m[0].RW {
		t.Errorf("mounts %+v", m)
	}
	s.Mounts[0].Volume = "/etc"
	if _, err := e.Create(t.Context(), s); err == nil {
		t.Error("a directory of the host was mounted")
	}
}

func TestInsideIsUnprivileged(t *testing.T) {
	t.Parallel()
	e := dockertest.Engine(t)
	image := dockertest.Image(t, e)
	var out bytes.Buffer
	if code, err := e.RunOnce(t.Context(), dockertest.Spec(image, "status"), &out); code != 0 || err != nil {
		t.Fatal(code, err)
	}
	for _, line := range []string{"Uid:\t1000\t1000\t1000\t1000\n", "Gid:\t1000\t1000\t1000\t1000\n", "CapEff:\t0000000000000000\n", "CapBnd:\t0000000000000000\n", "CapPrm:\t0000000000000000\n", "NoNewPrivs:\t1\n", "Seccomp:\t2\n"} {
		if !strings.Contains(out.String(), line) {
			t.Errorf("no %q in %s", line, out.String())
		}
	}
	out.Reset()
	if _, err := e.RunOnce(t.Context(), dockertest.Spec(image, "init"), &out); err != nil || strings.TrimSpace(out.String()) == "app" {
		t.Errorf("process 1 is %q, %v", out.String(), err)
	}
}

func TestRootIsRefused(t *testing.T) {
	t.Parallel()
	e := dockertest.Engine(t)
	base := dockertest.Image(t, e)
	create := func(image string) error {
		id, err := e.Create(t.Context(), dockertest.Spec(image, "sleep"))
		if err == nil {
			_ = e.Remove(t.Context(), id)
		}
		return err
	}
	for _, user := range []string{"", "0", "0:0", "0:1000", "00", "root", "root:root", "nobody", "1000:root", "+0", "1000:1000"} {
		ref := "cloudsania-test/user:" + paas.NewID("bld")
		retag(t, e, base, ref, user)
		err := create(ref)
		if user == "1000:1000" {
			if err != nil {
				t.Errorf("%q: %v", user, err)
			}
			continue
		}
		if !paas.IsKind(err, paas.Invalid) || !strings.Contains(paas.Public(err).Hint, "USER 1000:1000") {
			t.Errorf("%q: %v", user, err)
		}
	}
}

// retag makes an image with another user, as an untrusted build could.
func retag(t *testing.T, e *docker.Engine, base, ref, user string) {
	t.Helper()
	r, err := e.Raw().ContainerCreate(t.Context(), client.ContainerCreateOptions{Config: &container.Config{Image: base, User: user, Cmd: []string{"-"}}})
	if err != nil {
		t.Fatal(err)
	}
	if user == "" {
		cfg := paas.ImageConfig{Env: []string{"PATH=/bin"}}
		if err := e.ImportImage(t.Context(), ref, tarOf(t, map[string]string{"x": "y"}), cfg); err != nil {
			t.Fatal(err)
		}
		return
	}
	if _, err := e.Raw().ContainerCommit(t.Context(), r.ID, client.ContainerCommitOptions{Reference: ref, Changes: []string{"USER " + user}}); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Raw().ContainerRemove(t.Context(), r.ID, client.ContainerRemoveOptions{Force: true}); err != nil {
		t.Fatal(err)
	}
}

// Story: a limit of 4 CPUs on a machine with 2 made every deploy fail with "range of CPUs is from 0.01 to 2.00".
func TestMoreCPUsThanThereAre(t *testing.T) {
	t.Parallel()
	e := dockertest.Engine(t)
	info, err := e.Ping(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := dockertest.Spec(dockertest.Image(t, e), "sleep")
	for limit, want := range map[float64]int64{1000: int64(info.CPUs) * 1e9, 0.001: 1e7} {
		s.ID, s.Limits.CPUs = paas.NewID("ins"), limit
		if c := inspect(t, e, start(t, e, s)); c.HostConfig.NanoCPUs != want {
			t.Errorf("%v CPUs: %d", limit, c.HostConfig.NanoCPUs)
		}
	}
}

// An untrusted image may carry our labels; a container must not become a build's leftover by them.
func TestImageLabelsDoNotReachTheContainer(t *testing.T) {
	t.Parallel()
	e := dockertest.Engine(t)
	ref := dockertest.Image(t, e)
	other := "cloudsania-test/labels:" + paas.NewID("bld")
	err := e.DeriveImage(t.Context(), other, ref, []string{"/app", "init"}, paas.ImageConfig{Labels: map[string]string{"cloudsania.build": "bld_x", "x": "y"}}, nil, &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	id := start(t, e, dockertest.Spec(other, "sleep"))
	if err := e.RemoveLeftovers(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c := inspect(t, e, id); c.Config.Labels["cloudsania.build"] != "" || c.Config.Labels["x"] != "y" || !c.State.Running {
		t.Errorf("labels %v, running %v", c.Config.Labels, c.State.Running)
	}
}

// Story: `docker stop` of a Node app took ten seconds, since PID 1 without a handler ignores SIGTERM.
func TestStopIsFastWithAnInit(t *testing.T) {
	e := dockertest.Engine(t)
	image := dockertest.Image(t, e)
	id := start(t, e, dockertest.Spec(image, "sleep"))
	eventually(t, "the program is ready", func() bool { return logged(t, e, id) == "asleep" })
	begin := time.Now()
	if err := e.Stop(t.Context(), id, 10*time.Second); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(begin); d > 4*time.Second {
		t.Errorf("took %v", d)
	}
	st, err := e.Inspect(t.Context(), id)
	if err != nil || st.Running || st.PID != 0 || st.ExitCode != 128+15 || st.Finished.IsZero() {
		t.Errorf("state %+v, %v", st, err)
	}
	if err := e.Stop(t.Context(), id, time.Second); err != nil {
		t.Errorf("stop again: %v", err)
	}
	if err := e.Start(t.Context(), id); err != nil {
		t.Errorf("start again: %v", err)
	}
	if err := e.Start(t.Context(), id); err != nil {
		t.Errorf("start while it runs: %v", err)
	}
	for range 2 {
		if err := e.Remove(t.Context(), id); err != nil {
			t.Errorf("remove: %v", err)
		}
	}
	if err := e.Stop(t.Context(), id, time.Second); err != nil {
		t.Errorf("stop of a missing one: %v", err)
	}
	if _, err := e.Inspect(t.Context(), id); !paas.IsKind(err, paas.NotFound) {
		t.Errorf("a missing one: %v", err)
	}
}

// Story: the drain loop and the boot repair removed the same container, and one of them failed with "removal is already
// in progress".
func TestRemovedBySeveral(t *testing.T) {
	t.Parallel()
	e := dockertest.Engine(t)
	id := start(t, e, dockertest.Spec(dockertest.Image(t, e), "sleep"))
	var g errgroup.Group
	for range 8 {
		g.Go(func() error { return e.Remove(t.Context(), id) })
	}
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
	if n := containers(t, e); n != 0 {
		t.Errorf("%d containers left", n)
	}
}

func logged(t *testing.T, e *docker.Engine, id string) string {
	t.Helper()
	var lines []string
	if err := e.Logs(t.Context(), id, paas.LogOptions{}, func(l paas.LogLine) error { lines = append(lines, l.Text); return nil }); err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

func TestMemoryLimitKills(t *testing.T) {
	t.Parallel()
	e := dockertest.Engine(t)
	image := dockertest.Image(t, e)
	id := start(t, e, dockertest.Spec(image, "hog", "300"))
	eventually(t, "the kill", func() bool {
		st, err := e.Inspect(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return !st.Running && st.OOMKilled && st.ExitCode == 137
	})
	code, err := e.RunOnce(t.Context(), dockertest.Spec(image, "hog", "300"), &bytes.Buffer{})
	if code != 137 || !paas.IsKind(err, paas.Failed) || !strings.Contains(err.Error(), "more than 64 MB") {
		t.Errorf("release command: %d, %v", code, err)
	}
}

// Story: the policy of a crash loop could not be changed: "cannot update a deleted process".
func TestRestartPolicy(t *testing.T) {
	t.Parallel()
	e := dockertest.Engine(t)
	image := dockertest.Image(t, e)
	s := dockertest.Spec(image, "say", "1", "out", "err")
	s.Restart = true
	id := start(t, e, s)
	eventually(t, "two restarts", func() bool {
		st, err := e.Inspect(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return st.RestartCount >= 2
	})
	if err := e.SetRestart(t.Context(), id, false); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the end", func() bool {
		st, err := e.Inspect(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return !st.Running && !st.Restarting && st.ExitCode == 1
	})
	c := inspect(t, e, id)
	if c.HostConfig.Memory != 64<<20 || *c.HostConfig.PidsLimit != int64(paas.DefaultLimits.PIDs) || c.HostConfig.NanoCPUs != 1e9 {
		t.Errorf("the update changed limits: %+v", c.HostConfig.Resources)
	}
	if err := e.SetRestart(t.Context(), id, true); err != nil || inspect(t, e, id).HostConfig.RestartPolicy.Name != "unless-stopped" {
		t.Errorf("on again: %v", err)
	}
}

func TestStartFailures(t *testing.T) {
	t.Parallel()
	e := dockertest.Engine(t)
	image := dockertest.Image(t, e)
	for name, entry := range map[string][]string{"missing": {"/no/such/program"}, "not in PATH": {"nothing"}, "not executable": {"/data/hello.txt"}} {
		s := dockertest.Spec(image)
		s.Entrypoint = entry
		id, err := e.Create(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Start(t.Context(), id); !paas.IsKind(err, paas.Failed) || !strings.Contains(paas.Public(err).Msg, "cannot be run") {
			// The init reports what it cannot run by its own exit code, once it runs.
			eventually(t, name, func() bool {
				st, err := e.Inspect(t.Context(), id)
				return err == nil && !st.Running && (st.ExitCode == 126 || st.ExitCode == 127)
			})
		}
	}
}

func TestCreateChecksItsInput(t *testing.T) {
	t.Parallel()
	e := dockertest.Engine(t)
	image := dockertest.Image(t, e)
	s := dockertest.Spec(image, "sleep")
	for _, id := range []string{"", "x", "ins_../../x", "app_" + strings.Repeat("0", 26)} {
		s.ID = id
		if _, err := e.Create(t.Context(), s); err == nil || !strings.Contains(err.Error(), "is not an instance id") {
			t.Errorf("id %q: %v", id, err)
		}
	}
	s = dockertest.Spec(image, "sleep")
	s.Network = "cs-" + paas.NewID("env")
	if _, err := e.Create(t.Context(), s); err == nil || !strings.Contains(err.Error(), "without an address") {
		t.Errorf("a network without an address: %v", err)
	}
	s = dockertest.Spec("cloudsania-test/no-such-image:1", "sleep")
	if _, err := e.Create(t.Context(), s); !paas.IsKind(err, paas.NotFound) {
		t.Errorf("a missing image: %v", err)
	}
	s = dockertest.Spec(image, "sleep")
	if _, err := e.Create(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Create(t.Context(), s); !paas.IsKind(err, paas.Conflict) {
		t.Errorf("the same instance twice: %v", err)
	}
}

func TestAppAnswersOnItsAddress(t *testing.T) {
	t.Parallel()
	e := dockertest.Engine(t)
	image := dockertest.Image(t, e)
	network, subnet := dockertest.Network(t, e)
	s := dockertest.Spec(image)
	s.Entrypoint, s.Argv = []string{"/cnb/process/web"}, nil
	s.Network, s.Addr = network, subnet.Addr().Next().Next()
	s.Env = map[string]paas.Secret{"PORT": paas.NewSecret("5000"), "TEXT": paas.NewSecret("it is me")}
	start(t, e, s)
	eventually(t, "an answer", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.Addr.String()+":5000/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.DefaultClient.Do(req)
		if err != nil {
			return false
		}
		defer r.Body.Close()
		b := make([]byte, 100)
		n, _ := r.Body.Read(b)
		return string(b[:n]) == "it is me"
	})
	// The address is taken: no other container gets it.
	other := dockertest.Spec(image, "sleep")
	other.Network, other.Addr = network, s.Addr
	id, err := e.Create(t.Context(), other)
	if err == nil {
		err = e.Start(t.Context(), id)
	}
	if err == nil {
		t.Error("two containers on one address")
	}
}

func TestOtherInstallationsAreInvisible(t *testing.T) {
	t.Parallel()
	a, b := dockertest.Engine(t), dockertest.Engine(t)
	image := dockertest.Image(t, a)
	id := start(t, a, dockertest.Spec(image, "sleep"))
	if list, err := b.List(t.Context(), docker.KindInstance); err != nil || len(list) != 0 {
		t.Errorf("list %v, %v", list, err)
	}
	if _, err := b.Inspect(t.Context(), id); !paas.IsKind(err, paas.NotFound) {
		t.Errorf("inspect: %v", err)
	}
	if err := b.RemoveLeftovers(t.Context()); err != nil {
		t.Error(err)
	}
	if !inspect(t, a, id).State.Running {
		t.Error("it was ended by another installation")
	}
}

func TestCancelledCalls(t *testing.T) {
	e := dockertest.Engine(t)
	image := dockertest.Image(t, e)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.Create(ctx, dockertest.Spec(image, "sleep")); !errors.Is(err, context.Canceled) {
		t.Errorf("create: %v", err)
	}
	if _, err := e.Ping(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("ping: %v", err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	begin := time.Now()
	if _, err := e.RunOnce(ctx, dockertest.Spec(image, "sleep"), &bytes.Buffer{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a command that is cut short: %v", err)
	}
	if d := time.Since(begin); d > 5*time.Second {
		t.Errorf("took %v", d)
	}
	r, err := e.Raw().ContainerList(t.Context(), client.ContainerListOptions{All: true, Filters: client.Filters{}.Add("label", "cloudsania.installation="+e.Installation())})
	if err != nil || len(r.Items) != 0 {
		t.Errorf("left behind: %v, %v", r.Items, err)
	}
}
