package deploy

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

func TestCopiesAreCompared(t *testing.T) {
	plan := paas.Plan{Processes: []paas.Process{{Type: "worker"}, {Type: "web"}, {Type: "release"}}}
	old, young := time.Now().Add(-time.Hour), time.Now()
	running := []paas.Instance{{ID: "w1", Process: "web", Created: old}, {ID: "w2", Process: "web", Created: young}, {ID: "j1", Process: "worker", Created: old}}
	for _, tt := range []struct {
		name             string
		scale            map[string]int
		missing, surplus string
	}{
		{"as it should be", map[string]int{"web": 2}, "", ""},
		{"more", map[string]int{"web": 4, "worker": 2}, "web web worker", ""},
		{"fewer: the youngest goes", map[string]int{"web": 1}, "", "w2"},
		{"none", map[string]int{"web": 2, "worker": 0}, "", "j1"},
		{"one unless said otherwise", nil, "", "w2"},
	} {
		missing, surplus := wantedCopies(plan, tt.scale).compare(running)
		var ids []string
		for _, s := range surplus {
			ids = append(ids, s.ID)
		}
		if m, s := strings.Join(missing, " "), strings.Join(ids, " "); m != tt.missing || s != tt.surplus {
			t.Errorf("%s: missing %q, surplus %q", tt.name, m, s)
		}
	}
}

func (r *rig) rescale(copies map[string]int) {
	r.t.Helper()
	if err := r.store.UpdateAppEnvironment(by, r.target, func(p *paas.AppEnvironment) error { p.SetScale(copies); return nil }); err != nil {
		r.t.Fatal(err)
	}
}

// upstreams counts the copies that the edge sends requests to.
func (r *rig) upstreams(n int) func() bool {
	return func() bool { _, up := r.edges.serving(); return up == n }
}

func TestScalingMakesNoRelease(t *testing.T) {
	r := newRig(t)
	r.lives("one")
	first, err := r.store.Instances(paas.Live)
	if err != nil {
		t.Fatal(err)
	}
	r.rescale(map[string]int{"web": 3})
	r.eventually("three copies serve", r.upstreams(3))
	live, err := r.store.Instances(paas.Live)
	if err != nil || !slices.ContainsFunc(live, func(i paas.Instance) bool { return i.ID == first[0].ID }) {
		t.Errorf("the first copy did not stay: %v %v", live, err)
	}
	for _, i := range live {
		if c := r.engine.containers[i.Container]; c == nil || !c.restart {
			t.Errorf("Docker would not start %s again", i.ID)
		}
	}
	r.rescale(map[string]int{"web": 1})
	r.eventually("one copy serves", r.upstreams(1))
	r.eventually("the others have ended", func() bool { return len(r.engine.running()) == 1 })
	rels, err := r.store.Releases(r.target)
	deps, err2 := r.store.Deployments(r.target, 10)
	if err != nil || err2 != nil || len(rels) != 1 || len(deps) != 1 {
		t.Errorf("%d releases and %d deployments, want one of each", len(rels), len(deps))
	}
}

func TestScalingGoesOnAfterARestart(t *testing.T) {
	r := newRig(t)
	r.lives("one")
	r.stop()
	r.rescale(map[string]int{"web": 2})
	r.boot(r.store)
	r.eventually("two copies serve", r.upstreams(2))
}

func TestACopyThatFailsTakesNoTraffic(t *testing.T) {
	r := newRig(t)
	r.lives("one")
	r.engine.mu.Lock()
	for _, ref := range []string{"one", r.app.ID + "@one"} {
		r.engine.behaviours[ref] = behaviour{exit: 1}
	}
	r.engine.mu.Unlock()
	r.rescale(map[string]int{"web": 2})
	r.eventually("a copy is tried", func() bool {
		r.engine.mu.Lock()
		defer r.engine.mu.Unlock()
		return len(r.engine.calls) == 2
	})
	r.eventually("it is gone", func() bool { return len(r.engine.running()) == 1 })
	if n, up := r.edges.serving(); n != 1 || up != 1 {
		t.Errorf("the edge serves v%d with %d upstreams", n, up)
	}
}

func TestADeploymentStartsTheCopiesOfTheAppEnvironment(t *testing.T) {
	r := newRig(t)
	r.rescale(map[string]int{"web": 2})
	r.lives("one")
	r.rescale(map[string]int{"web": 3})
	r.eventually("three copies serve", r.upstreams(3))
	d, err := r.control.RollBack(t.Context(), root, r.target, r.lives("two").Number-1)
	if err != nil {
		t.Fatal(err)
	}
	if got, log := r.end(d.ID); got.Status != paas.Succeeded {
		t.Fatalf("rollback: %s\n%s", got.Status, log)
	}
	r.eventually("the rollback has three copies, too", r.upstreams(3))
}

func TestCopiesThatFailAreTriedAgainLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p := newScaling(), paas.AppEnvironment{Target: paas.Target{App: "a"}, Traffic: []paas.Share{{Release: "rel", Weight: 1}}}
		p.SetScale(map[string]int{"web": 2})
		if !s.may(p) {
			t.Error("the first try has to wait")
		}
		s.note(p, errTest)
		if s.may(p) {
			t.Error("the same copies are tried again at once")
		}
		changed := p
		changed.SetScale(map[string]int{"web": 3})
		if !s.may(changed) {
			t.Error("another number of copies has to wait")
		}
		if time.Sleep(3 * time.Minute); !s.may(p) {
			t.Error("they are never tried again")
		}
		if s.note(p, nil); !s.may(p) || len(s.failed) != 0 {
			t.Error("a success is not forgotten")
		}
	})
}
