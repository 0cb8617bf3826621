package deploy

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/cloudsania/cloudsania/docker"
	"github.com/cloudsania/cloudsania/paas"
)

const (
	crashWindow = 5 * time.Minute
	crashLimit  = 5 // ends within the window: more is a loop
	crashRest   = 5 * time.Minute
)

// crashes counts how often live instances end by themselves.
type crashes struct {
	mu    sync.Mutex
	ends  map[string][]time.Time
	until map[string]time.Time // resting: not started again before
}

func newCrashes() *crashes {
	return &crashes{ends: map[string][]time.Time{}, until: map[string]time.Time{}}
}

// count notes an end and reports whether it is one too many.
func (c *crashes) count(id string, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	recent := c.ends[id][:0]
	for _, t := range c.ends[id] {
		if now.Sub(t) < crashWindow {
			recent = append(recent, t)
		}
	}
	c.ends[id] = append(recent, now)
	if len(c.ends[id]) <= crashLimit {
		return false
	}
	delete(c.ends, id)
	c.until[id] = now.Add(crashRest)
	return true
}

func (c *crashes) resting(id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Now().Before(c.until[id]) {
		return true
	}
	delete(c.until, id)
	return false
}

// onEvent notices a live instance that ended. Docker starts it again by itself; a loop of crashes is taken away from Docker, rests,
// and is tried again by the comparison with the store.
func (d *Deployer) onEvent(ctx context.Context, e docker.Event) {
	if e.Action == docker.Connected { // the engine is back: what happened meanwhile nobody told us
		d.compare(ctx)
		return
	}
	if e.Action != docker.Died || e.Instance == "" {
		return
	}
	inst, err := d.store.Instance(e.Instance)
	if err != nil || inst.State != paas.Live || !d.crash.count(inst.ID, time.Now()) {
		return
	}
	d.log.Warn("an app ends again and again; it rests before the next try", "app", inst.App, "instance", inst.ID, "exit", e.ExitCode)
	if err := d.engine.SetRestart(ctx, inst.Container, false); err != nil {
		d.log.Warn("cannot change the restart policy", "app", inst.App, "instance", inst.ID, "err", err)
	}
	if err := d.engine.Stop(ctx, inst.Container, d.timing.StopGrace); err != nil {
		d.log.Warn("cannot stop a crashing instance", "app", inst.App, "instance", inst.ID, "err", err)
	}
	path, err := d.store.PathOf(inst.App)
	if err != nil {
		return
	}
	detail := map[string]string{"instance": inst.ID, "process": inst.Process, "exit_code": fmt.Sprint(e.ExitCode)}
	if err := d.store.AppendEvent(paas.System, "instance.crashing", inst.App, path, detail); err != nil {
		d.log.Error("cannot record an event", "app", inst.App, "err", err)
	}
}
