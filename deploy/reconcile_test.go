package deploy

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/docker"
	"github.com/cloudsania/cloudsania/paas"
)

var errTest = errors.New("broken for the test")

func TestInstancesAreComparedWithContainers(t *testing.T) {
	live, old := paas.Instance{ID: "i", State: paas.Live}, paas.Instance{ID: "i", State: paas.Draining}
	starting := paas.Instance{ID: "i", State: paas.Starting}
	runs, stopped := docker.State{Instance: "i", Running: true}, docker.State{Instance: "i"}
	restarting := docker.State{Instance: "i", Restarting: true}
	now := time.Now()
	crashed := func(ago time.Duration) paas.Instance {
		return paas.Instance{ID: "i", State: paas.Live, Restarts: paas.Restarts{N: 3, Until: now.Add(-ago)}}
	}
	resting, rested, proven := crashed(-time.Second), crashed(time.Second), crashed(provenAfter)
	for _, tt := range []struct {
		name       string
		insts      []paas.Instance
		containers []docker.State
		want       string
	}{
		{"a live one runs", []paas.Instance{live}, []docker.State{runs}, ""},
		{"a live one is being restarted by Docker", []paas.Instance{live}, []docker.State{restarting}, ""},
		{"a live one has stopped", []paas.Instance{live}, []docker.State{stopped}, startAgain},
		{"a live one is missing", []paas.Instance{live}, nil, makeAgain},
		{"one rests after a crash", []paas.Instance{resting}, []docker.State{stopped}, ""},
		{"one has rested", []paas.Instance{rested}, []docker.State{stopped}, startAgain},
		{"one runs again since a moment", []paas.Instance{rested}, []docker.State{runs}, ""},
		{"one has run long since its crash", []paas.Instance{proven}, []docker.State{runs}, giveBack},
		{"a static one needs no container", []paas.Instance{{ID: "i", State: paas.Live, Dir: "bld"}}, nil, ""},
		{"one starts", []paas.Instance{starting}, nil, ""},
		{"one stopped while it drained", []paas.Instance{old}, []docker.State{stopped}, ""},
		{"one that drained is missing", []paas.Instance{old}, nil, recordGone},
		{"nothing refers to it", nil, []docker.State{runs}, removeIt},
	} {
		var got []string
		repairs, next := compare(tt.insts, tt.containers, now)
		if next > safetyNet || next <= 0 {
			t.Errorf("%s: looked at again after %v", tt.name, next)
		}
		for _, r := range repairs {
			got = append(got, r.what)
		}
		if strings.Join(got, ", ") != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestDrift(t *testing.T) {
	spec := docker.Spec{ID: "i", Image: "a"}
	for _, tt := range []struct {
		name string
		hash string
		want bool
	}{
		{"the same", spec.Hash(), false},
		{"another", docker.Spec{ID: "i", Image: "b"}.Hash(), true},
		{"of a version that wrote none", "", false},
	} {
		if got := drifted(docker.State{Spec: tt.hash}, spec); got != tt.want {
			t.Errorf("%s: drifted = %v", tt.name, got)
		}
	}
}

// A container that stopped and is no longer what it should be, since the app was renamed, is made again and
// not started.
func TestAStoppedContainerThatDriftedIsMadeAgain(t *testing.T) {
	r := newRig(t)
	r.lives("one")
	r.stop()
	if err := r.store.RenameApp(by, r.app.ID, "other"); err != nil {
		t.Fatal(err)
	}
	for _, c := range r.engine.containers {
		c.exited = true
	}
	r.boot(r.store)
	r.eventually("it runs with the new name", func() bool {
		r.engine.mu.Lock()
		defer r.engine.mu.Unlock()
		for _, c := range r.engine.containers {
			if !c.exited && c.spec.Env["CLOUDSANIA_APP"].Reveal() == "other" {
				return true
			}
		}
		return false
	})
}
