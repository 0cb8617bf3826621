package deploy

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloudsania/cloudsania/docker"
	"github.com/cloudsania/cloudsania/paas"
)

func TestCrashLoopIsNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrashes()
		for n := range crashLimit - 1 {
			if c.count("ins") {
				t.Fatalf("end %d counts as a loop", n+1)
			}
			time.Sleep(crashWindow / crashLimit)
		}
		if !c.count("ins") {
			t.Error("a loop is not noticed")
		}
		if len(c.ends) != 0 {
			t.Errorf("%d instances are kept in mind", len(c.ends))
		}
	})
}

func TestSlowEndsAreNoCrashLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrashes()
		for range 3 * crashLimit {
			if c.count("slow") {
				t.Error("an end every minute counts as a loop")
			}
			time.Sleep(crashWindow)
		}
		if c.count("other"); len(c.ends) != 1 {
			t.Error("ends of long ago are kept in mind")
		}
	})
}

func TestCrashPausesGrow(t *testing.T) {
	for n, want := range map[int]time.Duration{crashLimit: time.Second, crashLimit + 1: 2 * time.Second, crashLimit + 8: 256 * time.Second,
		crashLimit + 9: maxCrashPause, 1 << 40: maxCrashPause} {
		if got := crashPause(n); got != want {
			t.Errorf("after crash %d: %v, want %v", n, got, want)
		}
	}
}

// container is the only one of the tests' Docker.
func (r *rig) container() fakeContainer {
	r.engine.mu.Lock()
	defer r.engine.mu.Unlock()
	for _, c := range r.engine.containers {
		return *c
	}
	return fakeContainer{}
}

func (r *rig) crash(inst paas.Instance) {
	r.t.Helper()
	r.engine.mu.Lock()
	r.engine.containers[inst.Container].exited = true
	r.engine.mu.Unlock()
	r.onEvent(r.t.Context(), docker.Event{Action: docker.Died, State: docker.State{Instance: inst.ID, ExitCode: 7}})
}

// Story: after a crash loop had rested, Docker's restart policy was never given back, and a restart of control
// forgot the loop.
func TestRestartsAreTakenAndGivenBack(t *testing.T) {
	r := newRig(t)
	r.lives("one")
	live, err := r.store.Instances(paas.Live)
	if err != nil || len(live) != 1 {
		t.Fatal(live, err)
	}
	inst := live[0]
	for range crashLimit - 1 {
		r.crash(inst)
	}
	if !r.container().restart {
		t.Error("Docker does not restart the first crashes")
	}
	r.crash(inst)
	if now, err := r.store.Instance(inst.ID); err != nil || now.Restarts.N != crashLimit || now.Restarts.Exit != 7 || r.container().restart {
		t.Errorf("a loop is left to Docker: %+v, %v", now.Restarts, err)
	}
	r.eventually("it is started after a pause", func() bool { return !r.container().exited })
	if r.container().restart {
		t.Error("Docker has the restarts back before the app has proven itself")
	}
	r.crash(inst)
	r.reboot()
	now, err := r.store.Instance(inst.ID)
	if err != nil || now.Restarts.N != crashLimit+1 {
		t.Errorf("a restart forgot the loop: %+v, %v", now.Restarts, err)
	}
	r.eventually("it is started after a longer pause", func() bool { return !r.container().exited })
	long := time.Now().Add(-provenAfter)
	if err := r.store.UpdateInstance(inst.ID, func(i *paas.Instance) error { i.Restarts.Until = long; return nil }); err != nil {
		t.Fatal(err)
	}
	r.repair.notify()
	r.eventually("Docker has the restarts back", func() bool {
		now, err := r.store.Instance(inst.ID)
		return err == nil && now.Restarts == paas.Restarts{} && r.container().restart
	})
}
