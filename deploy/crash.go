package deploy

import (
	"context"
	"sync"
	"time"

	"github.com/cloudsania/cloudsania/docker"
	"github.com/cloudsania/cloudsania/paas"
)

const (
	crashWindow   = time.Minute
	crashLimit    = 3 // ends within the window: from then on control starts the instance, after growing pauses
	maxCrashPause = 5 * time.Minute
	provenAfter   = 10 * time.Minute // of running: Docker gets its restarts back
)

// crashes counts how often live instances end without having been asked to, while it is Docker that starts them again.
type crashes struct {
	mu   sync.Mutex
	ends map[string][]time.Time
}

func newCrashes() *crashes { return &crashes{ends: map[string][]time.Time{}} }

// count takes note of an end and reports whether it is one too many.
func (c *crashes) count(id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	for other, ends := range c.ends {
		if now.Sub(ends[len(ends)-1]) >= crashWindow {
			delete(c.ends, other)
		}
	}
	recent := c.ends[id][:0]
	for _, t := range c.ends[id] {
		if now.Sub(t) < crashWindow {
			recent = append(recent, t)
		}
	}
	if len(recent)+1 >= crashLimit {
		delete(c.ends, id)
		return true
	}
	c.ends[id] = append(recent, now)
	return false
}

// crashPause is how long an instance is left alone after its n-th crash: 1 s at the limit, then twice as long each
// time.
func crashPause(n int) time.Duration {
	return min(time.Second<<min(max(n-crashLimit, 0), 16), maxCrashPause)
}

// onEvent hears what happens to an instance's container.
func (d *Deployer) onEvent(ctx context.Context, e docker.Event) {
	switch e.Action {
	case docker.Connected: // the engine is back: nothing told what happened meanwhile
		d.repair.notify()
	case docker.Started:
		d.printing.notify(e.App)
	case docker.Died:
		if err := d.ended(ctx, e); err != nil && ctx.Err() == nil {
			d.log.Warn("cannot take note of a crash", "app", e.App, "instance", e.Instance, "err", err)
		}
	}
}

// ended takes note that a live instance has ended. Docker starts it again the first times. Then control takes the
// restarts over, which is durable state of the instance: reconcile starts it after the pause, and gives Docker its
// restarts back once it has run for long enough.
func (d *Deployer) ended(ctx context.Context, e docker.Event) error {
	inst, err := d.store.Instance(e.Instance)
	if err != nil || inst.State != paas.Live || time.Now().Before(inst.Restarts.Until) {
		return err // in its pause it was control that stopped it
	}
	taken := inst.Restarts.N > 0
	if !taken && !d.crashes.count(inst.ID) {
		return nil
	}
	st, err := d.engine.Inspect(ctx, inst.Container)
	if err != nil {
		return err
	}
	n := max(inst.Restarts.N+1, crashLimit)
	restarts := paas.Restarts{N: n, Until: time.Now().UTC().Add(crashPause(n)), Exit: e.ExitCode, OOM: st.OOMKilled}
	err = d.store.UpdateInstance(inst.ID, func(i *paas.Instance) error { i.Restarts = restarts; return nil })
	if err == nil && !taken {
		err = d.takeRestarts(ctx, inst, e)
	}
	d.repair.notify() // so that it is looked at when the pause is over
	return err
}

// takeRestarts takes an instance in a crash loop away from Docker and tells people about it.
func (d *Deployer) takeRestarts(ctx context.Context, inst paas.Instance, e docker.Event) error {
	d.log.Warn("an app ends again and again; it is started after growing pauses",
		"app", inst.App, "instance", inst.ID, "exit", e.ExitCode)
	if err := d.engine.SetRestart(ctx, inst.Container, false); err != nil {
		return err
	}
	if err := d.engine.Stop(ctx, inst.Container, d.timing.StopGrace); err != nil { // Docker may have started it meanwhile
		return err
	}
	path, err := d.store.PathIn(paas.Target{App: inst.App, Environment: inst.Environment})
	if err != nil {
		return err
	}
	detail := paas.InstanceCrashing{Instance: inst.ID, Process: inst.Process, ExitCode: e.ExitCode}
	return d.store.AppendEvent(paas.System, detail, inst.App, path)
}

// giveRestartsBack lets Docker start an instance again that has run for long since its last crash.
func (d *Deployer) giveRestartsBack(ctx context.Context, inst paas.Instance) error {
	if err := d.launch.keep(ctx, inst.Container); err != nil {
		return err
	}
	return d.store.UpdateInstance(inst.ID, func(i *paas.Instance) error { i.Restarts = paas.Restarts{}; return nil })
}
