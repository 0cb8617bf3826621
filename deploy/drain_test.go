package deploy

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

// drains is what the drainer of a test works with: instances, an edge, and what was ended.
type drains struct {
	mu      sync.Mutex
	insts   map[string]paas.Instance
	edge    paas.EdgeStatus
	asked   int   // times that the edge was
	stuck   error // of ending
	working bool
	ended   []string
}

func (d *drains) Instances(states ...paas.InstanceState) ([]paas.Instance, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []paas.Instance
	for _, i := range d.insts {
		if slices.Contains(states, i.State) {
			out = append(out, i)
		}
	}
	return out, nil
}

func (d *drains) Instance(id string) (paas.Instance, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.insts[id], nil
}

func (d *drains) Status(context.Context) ([]paas.EdgeStatus, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked++
	return []paas.EdgeStatus{d.edge}, nil
}

func (d *drains) end(_ context.Context, i paas.Instance) error {
	time.Sleep(30 * time.Second) // a process that takes its whole grace time
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stuck == nil {
		d.ended = append(d.ended, i.ID)
		delete(d.insts, i.ID)
	}
	return d.stuck
}

func (d *drains) isWorking(paas.Target) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.working
}

func (d *drains) set(fn func(*drains)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	fn(d)
}

func (d *drains) expect(t *testing.T, want ...string) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if slices.Sort(d.ended); !slices.Equal(d.ended, want) {
		t.Errorf("ended: %q, want %q", d.ended, want)
	}
}

func runDrainer(t *testing.T, insts ...paas.Instance) (*drains, *drainer) {
	d := &drains{insts: map[string]paas.Instance{}, edge: paas.EdgeStatus{Generation: 5}}
	for _, i := range insts {
		d.insts[i.ID] = i
	}
	r := &drainer{store: d, edges: d, working: d.isWorking, end: d.end, behind: newSignal(), cap: 24 * time.Hour,
		wake: newSignal(), log: slog.New(slog.DiscardHandler)}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); r.run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return d, r
}

func draining(id string) paas.Instance {
	return paas.Instance{ID: id, Process: "web", State: paas.Draining, DrainedFrom: time.Now(), DrainGeneration: 5}
}

func TestInstancesDrainBesideEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _ := runDrainer(t, draining("a"), draining("b"), draining("c"))
		time.Sleep(31 * time.Second)
		d.expect(t, "a", "b", "c")
	})
}

func TestAStreamHoldsUpItsInstanceOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _ := runDrainer(t, draining("free"), draining("streaming"))
		d.set(func(d *drains) { d.edge.Active = map[string]int{"streaming": 1} })
		time.Sleep(time.Hour)
		d.expect(t, "free")
		if d.asked > 60*60/10 {
			t.Errorf("the edge was asked %d times in an hour for one stream", d.asked)
		}
		d.set(func(d *drains) { d.edge.Active = nil })
		time.Sleep(time.Minute)
		d.expect(t, "free", "streaming")
	})
}

func TestTheCapEndsAStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _ := runDrainer(t, draining("streaming"))
		d.set(func(d *drains) { d.edge.Active = map[string]int{"streaming": 1} })
		time.Sleep(23 * time.Hour)
		d.expect(t)
		time.Sleep(61 * time.Minute)
		d.expect(t, "streaming")
	})
}

// Story: after an edge had missed a table, the old instance waited for the next deployment.
func TestAnEdgeThatIsBehindIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, r := runDrainer(t, draining("old"))
		d.set(func(d *drains) { d.edge.Generation = 4 })
		time.Sleep(time.Minute)
		d.expect(t)
		select {
		case <-r.behind:
		default:
			t.Error("nothing sends the table again")
		}
	})
}

// Story: containers of failed deployments ran for ever once they could not be removed within a minute.
func TestWhatAFailedAttemptLeftIsEndedInTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, r := runDrainer(t, paas.Instance{ID: "left", App: "a", State: paas.Starting})
		d.set(func(d *drains) { d.working, d.stuck = true, errors.New("docker does not answer") })
		r.wake.notify()
		time.Sleep(10 * time.Minute)
		d.expect(t) // its worker may still want it
		d.set(func(d *drains) { d.working = false })
		time.Sleep(10 * time.Minute)
		d.expect(t)
		d.set(func(d *drains) { d.stuck = nil })
		time.Sleep(2 * time.Minute)
		d.expect(t, "left")
	})
}

func TestNothingDrainsNothingIsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, r := runDrainer(t)
		time.Sleep(time.Hour)
		if d.asked != 0 {
			t.Errorf("the edge was asked %d times in an idle hour", d.asked)
		}
		d.set(func(d *drains) { d.insts["new"] = draining("new") })
		r.wake.notify()
		time.Sleep(31 * time.Second)
		d.expect(t, "new")
	})
}
