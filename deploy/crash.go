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

// crashes counts how often live instances end without having been asked to.
type crashes struct {
	mu    sync.Mutex
	ends  map[string][]time.Time
	until map[string]time.Time // resting: not started again before
}

func newCrashes() *crashes {
	return &crashes{ends: map[string][]time.Time{}, until: map[string]time.Time{}}
}

// count takes note of an end and reports whether it is one too many: the instance rests from now on.
func (c *crashes) count(id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
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

// next is how long it takes until an instance has rested enough; at least a second, an hour when none rests.
func (c *crashes) next() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	next := time.Hour
	for _, until := range c.until {
		next = min(next, max(time.Until(until), time.Second))
	}
	return next
}

// onEvent hears what happens to an instance's container. Docker starts a live one again when it ends; a loop of crashes is taken away
// from Docker, rests, and is tried again by reconcile.
func (d *Deployer) onEvent(ctx context.Context, e docker.Event) {
	switch e.Action {
	case docker.Connected: // the engine is back: nothing told what happened meanwhile
		d.repair.notify()
	case docker.Started:
		d.printing.notify(e.App)
	case docker.Died:
		d.countEnd(ctx, e)
	}
}

func (d *Deployer) countEnd(ctx context.Context, e docker.Event) {
	inst, err := d.store.Instance(e.Instance)
	if err != nil || inst.State != paas.Live || !d.crashes.count(inst.ID) {
		return
	}
	d.log.Warn("an app ends again and again; it rests before the next try", "app", inst.App, "instance", inst.ID, "exit", e.ExitCode)
	if err := d.engine.SetRestart(ctx, inst.Container, false); err != nil {
		d.log.Warn("cannot change the restart policy", "app", inst.App, "instance", inst.ID, "err", err)
	}
	if err := d.engine.Stop(ctx, inst.Container, d.timing.StopGrace); err != nil {
		d.log.Warn("cannot stop a crashing instance", "app", inst.App, "instance", inst.ID, "err", err)
	}
	d.repair.notify() // so that it is looked at when the rest is over
	path, err := d.store.PathOf(inst.App)
	if err != nil {
		return
	}
	detail := map[string]string{"instance": inst.ID, "process": inst.Process, "exit_code": fmt.Sprint(e.ExitCode)}
	if err := d.store.AppendEvent(paas.System, "instance.crashing", inst.App, path, detail); err != nil {
		d.log.Error("cannot record an event", "app", inst.App, "err", err)
	}
}
