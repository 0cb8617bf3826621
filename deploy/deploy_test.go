package deploy

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/cloudsania/cloudsania/control"
	"github.com/cloudsania/cloudsania/paas"
)

func TestDeployGoesLiveStepByStep(t *testing.T) {
	r := newRig(t)
	d, log := r.end(r.deploy("one").ID)
	if d.Status != paas.Succeeded || d.Number != 1 {
		t.Fatalf("deployment: %+v\n%s", d, log)
	}
	var steps []paas.Step
	for _, s := range d.Steps {
		if len(steps) == 0 || steps[len(steps)-1] != s.Step {
			steps = append(steps, s.Step)
		}
	}
	want := []paas.Step{paas.StepQueued, paas.StepSource, paas.StepDetect, paas.StepBuild, paas.StepStart, paas.StepHealth, paas.StepSwitch}
	if !slices.Equal(steps[:min(len(want), len(steps))], want) {
		t.Errorf("steps: %v, want %v first", steps, want)
	}
	if n, up := r.edges.serving(); n != 1 || up != 1 {
		t.Errorf("the edge serves v%d with %d upstreams", n, up)
	}
	for _, line := range []string{"building", "v1 is live at http://shop.localhost:8080"} {
		if !strings.Contains(log, line) {
			t.Errorf("the log does not say %q:\n%s", line, log)
		}
	}
}

// The old instance ends only when every edge process has the new table and nobody is on it any more.
func TestOldInstanceDrains(t *testing.T) {
	r := newRig(t)
	r.lives("one")
	old, err := r.store.Instances(paas.Live)
	if err != nil || len(old) != 1 {
		t.Fatal(old, err)
	}
	r.edges.mu.Lock()
	r.edges.active = map[string]int{old[0].ID: 1}
	r.edges.mu.Unlock()
	r.lives("two")
	asked := r.edges.asked.Load()
	r.eventually("the drainer looked", func() bool { return r.edges.asked.Load() > asked+1 })
	if got := r.engine.running(); len(got) != 2 {
		t.Errorf("with a stream on the old instance, running: %v", got)
	}
	r.edges.mu.Lock()
	r.edges.active = nil
	r.edges.mu.Unlock()
	r.eventually("the old instance ends", func() bool {
		return slices.Equal(r.engine.running(), []string{"two web"}) || len(r.engine.running()) == 1
	})
}

func TestFailuresLeaveTheLiveVersion(t *testing.T) {
	for _, tt := range []struct {
		name     string
		does     behaviour
		build    error
		release  int
		procfile string
		want     []string
	}{
		{name: "exits at once", does: behaviour{exit: 3, output: "Error: Cannot find module 'left-pad'"}, want: []string{"exit code 3", "left-pad", "dependencies in package.json"}},
		{name: "answers 500", does: behaviour{status: 500}, want: []string{"answers / with 500"}},
		{name: "listens on 127.0.0.1 only", does: behaviour{local: true}, want: []string{"127.0.0.1 only", "0.0.0.0"}},
		{name: "build fails", build: &paas.Error{Kind: paas.Failed, Msg: "npm run build failed", Hint: "fix it"}, want: []string{"npm run build failed", "fix it"}},
		{name: "unknown trouble", build: errors.New("disk on fire"), want: []string{"internal error"}},
		{name: "release command fails", release: 1, procfile: "web: node x.js\nrelease: migrate", want: []string{"release command", "exit code 1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.lives("good")
			for _, ref := range []string{"bad", r.app.ID + "@bad"} {
				r.engine.behaviours[ref] = tt.does
			}
			r.images.err, r.engine.release = tt.build, tt.release
			if tt.procfile != "" {
				r.stop()
				r.repos.files = map[string]string{"Procfile": tt.procfile}
				r.boot(r.store)
			}
			d, log := r.end(r.deploy("bad").ID)
			if d.Status != paas.StatusFailed || d.Failure == nil {
				t.Fatalf("deployment: %+v\n%s", d, log)
			}
			said := d.Failure.Message + " " + d.Failure.Hint + " " + strings.Join(d.Failure.Lines, " ")
			for _, w := range tt.want {
				if !strings.Contains(said, w) {
					t.Errorf("the failure does not say %q: %s", w, said)
				}
			}
			if !strings.Contains(log, "v1 is still serving and was not touched") {
				t.Errorf("the log does not say what stays:\n%s", log)
			}
			if n, _ := r.edges.serving(); n != 1 {
				t.Errorf("the edge serves v%d", n)
			}
			if got := r.engine.running(); len(got) != 1 {
				t.Errorf("left running: %v", got)
			}
		})
	}
}

func TestOtherPortIsRecorded(t *testing.T) {
	r := newRig(t)
	for _, ref := range []string{"odd", r.app.ID + "@odd"} {
		r.engine.behaviours[ref] = behaviour{port: 4321}
	}
	r.lives("odd")
	live, err := r.store.Instances(paas.Live)
	if err != nil || len(live) != 1 || live[0].Port != 4321 {
		t.Errorf("live: %+v %v", live, err)
	}
}

// Three pushes while one builds: the newest waiting one wins, the other is superseded, the running one is not
// disturbed.
func TestNewestWaitingWins(t *testing.T) {
	r := newRig(t)
	block := make(chan struct{})
	r.images.block = block
	a := r.deploy("a")
	r.eventually("the first builds", func() bool { r.images.mu.Lock(); defer r.images.mu.Unlock(); return r.images.builds == 1 })
	b, c := r.deploy("b"), r.deploy("c")
	close(block)
	for id, want := range map[string]paas.Status{a.ID: paas.Succeeded, b.ID: paas.Superseded, c.ID: paas.Succeeded} {
		if d, log := r.end(id); d.Status != want {
			t.Errorf("%s: %s, want %s\n%s", d.Source.Commit, d.Status, want, log)
		}
	}
	if r.images.builds != 2 {
		t.Errorf("%d builds, want 2", r.images.builds)
	}
}

func TestCancel(t *testing.T) {
	r := newRig(t)
	r.lives("good")
	r.images.block = make(chan struct{})
	running, waiting := r.deploy("running"), paas.Deployment{}
	r.eventually("it builds", func() bool { r.images.mu.Lock(); defer r.images.mu.Unlock(); return r.images.builds == 2 })
	waiting = r.deploy("waiting")
	for _, d := range []paas.Deployment{waiting, running} {
		if err := r.Cancel(context.Background(), by, d.ID); err != nil {
			t.Fatal(err)
		}
		if got, _ := r.end(d.ID); got.Status != paas.StatusCancelled || !strings.Contains(got.Failure.Message, "Ada") {
			t.Errorf("%s: %s %+v", d.Source.Commit, got.Status, got.Failure)
		}
	}
	if err := r.Cancel(context.Background(), by, running.ID); !paas.IsKind(err, paas.Conflict) {
		t.Errorf("cancel of a cancelled one: %v", err)
	}
	if n, _ := r.edges.serving(); n != 1 {
		t.Errorf("the edge serves v%d", n)
	}
}

// A restart in the middle of a build: the deployment goes on by itself, once, and nothing is left over.
func TestRestartInTheMiddle(t *testing.T) {
	r := newRig(t)
	r.lives("good")
	r.images.block = make(chan struct{})
	d := r.deploy("next")
	r.eventually("it builds", func() bool { r.images.mu.Lock(); defer r.images.mu.Unlock(); return r.images.builds == 2 })
	r.stop()
	if got, err := r.store.Deployment(d.ID); err != nil || got.Status != paas.Running {
		t.Fatalf("after the stop: %+v %v", got, err)
	}
	r.images.block = nil
	r.boot(r.store)
	if got, log := r.end(d.ID); got.Status != paas.Succeeded || got.Number != 2 {
		t.Errorf("after the restart: %s v%d %+v\n%s", got.Status, got.Number, got.Failure, log)
	}
	r.eventually("only the new instance runs", func() bool { return len(r.engine.running()) == 1 })
}

// The edge is away when traffic should switch: the store has decided already, so the deployment waits and then
// succeeds.
func TestEdgeAwayAtTheSwitch(t *testing.T) {
	r := newRig(t)
	r.lives("good")
	r.edges.mu.Lock()
	r.edges.err = errors.New("no edge")
	r.edges.mu.Unlock()
	d := r.deploy("next")
	r.eventually("it waits at the switch", func() bool { got, err := r.store.Deployment(d.ID); return err == nil && got.Step == paas.StepSwitch })
	r.reboot()
	r.edges.mu.Lock()
	r.edges.err = nil
	r.edges.mu.Unlock()
	if got, _ := r.end(d.ID); got.Status != paas.Succeeded {
		t.Errorf("status %s", got.Status)
	}
	r.eventually("the edge serves v2", func() bool { n, _ := r.edges.serving(); return n == 2 })
}

// Somebody removed a container by hand, and another one nobody knows of is there: the next start mends both.
func TestStartComparesWithDocker(t *testing.T) {
	r := newRig(t)
	r.lives("good")
	r.stop()
	for id := range r.engine.containers {
		_ = r.engine.Remove(context.Background(), id)
	}
	r.engine.containers["cs-stranger"] = &fakeContainer{}
	r.boot(r.store)
	r.eventually("the live instance is back and the stranger gone", func() bool {
		got := r.engine.running()
		return len(got) == 1 && strings.Contains(got[0], "good")
	})
}

func TestRollbackTakesBuildAndVariables(t *testing.T) {
	r := newRig(t)
	set := func(v string) {
		t.Helper()
		if err := r.store.SetVariables(by, r.target, []paas.Variable{{Name: "GREETING", Value: paas.NewSecret(v)}}, nil); err != nil {
			t.Fatal(err)
		}
	}
	set("first")
	r.lives("one")
	set("second")
	r.lives("two")
	builds := r.images.builds
	d, err := r.control.RollBack(context.Background(), root, r.target, 0)
	if err != nil {
		t.Fatal(err)
	}
	got, log := r.end(d.ID)
	if got.Status != paas.Succeeded || got.Number != 3 || r.images.builds != builds {
		t.Fatalf("rollback: %s v%d, %d builds\n%s", got.Status, got.Number, r.images.builds-builds, log)
	}
	vars, err := r.store.ReleaseVariables(got.Release)
	if err != nil || len(vars) != 1 || vars[0].Value.Reveal() != "first" {
		t.Errorf("variables of the rollback: %v %v", len(vars), err)
	}
	if _, err := r.control.RollBack(context.Background(), root, r.target, 3); !paas.IsKind(err, paas.Conflict) {
		t.Errorf("rollback to the live version: %v", err)
	}
	if _, err := r.control.RollBack(context.Background(), root, r.target, 99); !paas.IsKind(err, paas.NotFound) {
		t.Errorf("rollback to a version that never was: %v", err)
	}
}

// Changed variables make a new version of the same build; one that the build reads makes it build again.
func TestApply(t *testing.T) {
	r := newRig(t)
	if _, err := r.control.Deploy(context.Background(), root, r.target, control.DeployFrom{Configuration: true}); !paas.IsKind(err, paas.Conflict) {
		t.Errorf("apply before anything is live: %v", err)
	}
	r.lives("one")
	for n, v := range []paas.Variable{{Name: "SECRET", Value: paas.NewSecret("s")}, {Name: "VITE_X", Value: paas.NewSecret("x"), Build: true}} {
		if err := r.store.SetVariables(by, r.target, []paas.Variable{v}, nil); err != nil {
			t.Fatal(err)
		}
		d, err := r.control.Deploy(context.Background(), root, r.target, control.DeployFrom{Configuration: true})
		if err != nil {
			t.Fatal(err)
		}
		if got, log := r.end(d.ID); got.Status != paas.Succeeded || r.images.builds != 1+n {
			t.Errorf("after %s: %s, %d builds\n%s", v.Name, got.Status, r.images.builds, log)
		}
	}
	if len(r.images.env) != 1 || r.images.env["VITE_X"].Reveal() != "x" {
		t.Errorf("the build saw %d variables", len(r.images.env))
	}
}

// Story: a variable was changed while a push was being built. The change was applied to the build that was live at
// that moment, so the old code went live again as the newest version.
func TestApplyBehindAPushKeepsTheNewCode(t *testing.T) {
	r := newRig(t)
	r.lives("old")
	block := make(chan struct{})
	r.images.block = block
	push := r.deploy("new")
	r.eventually("the push builds", func() bool { r.images.mu.Lock(); defer r.images.mu.Unlock(); return r.images.builds == 2 })
	change, err := r.control.Deploy(t.Context(), root, r.target, control.DeployFrom{Configuration: true})
	if err != nil {
		t.Fatal(err)
	}
	close(block)
	for _, id := range []string{push.ID, change.ID} {
		if d, log := r.end(id); d.Status != paas.Succeeded {
			t.Fatalf("%s: %s\n%s", d.Source.Message, d.Status, log)
		}
	}
	_, b, err := r.live(r.target)
	if err != nil || b.Source.Commit != "new" || r.images.builds != 2 {
		t.Errorf("live: commit %q after %d builds, %v", b.Source.Commit, r.images.builds, err)
	}
}

// Story: a push that waited was dropped by a change of a variable.
func TestApplyKeepsAPushThatWaits(t *testing.T) {
	r := newRig(t)
	r.lives("old")
	block := make(chan struct{})
	r.images.block = block
	r.deploy("new")
	r.eventually("the push builds", func() bool { r.images.mu.Lock(); defer r.images.mu.Unlock(); return r.images.builds == 2 })
	r.deploy("newest")
	change, err := r.control.Deploy(t.Context(), root, r.target, control.DeployFrom{Configuration: true})
	if err != nil {
		t.Fatal(err)
	}
	close(block)
	if d, log := r.end(change.ID); d.Status != paas.Succeeded {
		t.Fatalf("%s\n%s", d.Status, log)
	}
	if _, b, err := r.live(r.target); err != nil || b.Source.Commit != "newest" {
		t.Errorf("live: commit %q, %v", b.Source.Commit, err)
	}
}

// After many deploys only the versions that one can go back to are kept.
func TestOldBuildsAreRemoved(t *testing.T) {
	r := newRig(t)
	for n := range keptReleases + 2 {
		r.lives(string(rune('a' + n)))
	}
	r.eventually("two builds are removed", func() bool { r.images.mu.Lock(); defer r.images.mu.Unlock(); return len(r.images.removed) >= 2 })
	if builds, err := r.store.Builds(r.app.ID); err != nil || len(builds) > keptReleases+1 {
		t.Errorf("%d builds are kept, %v", len(builds), err)
	}
}

func TestDelete(t *testing.T) {
	r := newRig(t)
	r.lives("one")
	if err := r.control.DeleteApp(context.Background(), root, r.app.ID, nil); err != nil {
		t.Fatal(err)
	}
	r.eventually("nothing of it runs", func() bool { return len(r.engine.running()) == 0 })
	r.eventually("the removal is finished", func() bool { open, err := r.store.Removals(); return err == nil && len(open) == 0 })
	r.eventually("the edge has no route", func() bool { _, up := r.edges.serving(); return up == 0 })
}
