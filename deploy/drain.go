package deploy

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cloudsania/cloudsania/builder/contract"
	"github.com/cloudsania/cloudsania/docker"
	"github.com/cloudsania/cloudsania/paas"
)

const (
	drainEvery    = time.Second      // while something drains
	drainSeldom   = 15 * time.Second // while all that drains has done so for long
	endedAtOnce   = 8                // containers of one attempt that are stopped side by side
	slowedDrainBy = 20               // a drain that has taken 20 s more is looked at a second later
)

// stopper ends containers.
type stopper interface {
	Stop(ctx context.Context, id string, grace time.Duration) error
	Remove(ctx context.Context, id string) error
}

// drainer ends the instances that are done: old ones that nobody uses any more, and what failed attempts could not
// remove. A stream of 24 hours holds up nothing but its own instance. It looks while there is something to end, and
// is notified otherwise.
type drainer struct {
	store interface {
		Instances(states ...paas.InstanceState) ([]paas.Instance, error)
		Instance(id string) (paas.Instance, error)
	}
	edges interface {
		Status(ctx context.Context) ([]paas.EdgeStatus, error)
	}
	working func(paas.Target) bool                           // the target has a worker: its starting instances are the worker's
	end     func(ctx context.Context, i paas.Instance) error // stops and removes the instance
	behind  signal                                           // an edge has an old table
	cap     time.Duration                                    // after which an instance ends whatever it does
	wake    signal
	log     *slog.Logger

	mu     sync.Mutex
	ending map[string]bool
}

func (r *drainer) run(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		next, err := r.look(ctx, &wg)
		if err != nil {
			r.log.Error("cannot read draining instances", "err", err)
		}
		if !r.wake.wait(ctx, next) {
			return
		}
	}
}

// look begins to end what is done, and tells when to look again.
func (r *drainer) look(ctx context.Context, wg *sync.WaitGroup) (next time.Duration, err error) {
	insts, err := r.store.Instances(paas.Draining, paas.Starting)
	if err != nil {
		return safetyNet, err
	}
	next = safetyNet
	edges, asked := []paas.EdgeStatus(nil), false
	for _, inst := range insts {
		if inst.State == paas.Starting {
			if !r.abandoned(inst) {
				continue
			}
			next = min(next, drainSeldom)
		} else {
			if !asked {
				edges, asked = r.status(ctx), true
			}
			next = min(next, pause(time.Since(inst.DrainedFrom)))
			if slices.ContainsFunc(edges, func(e paas.EdgeStatus) bool { return e.Generation < inst.DrainGeneration }) {
				r.behind.notify()
			}
			if !drained(inst, edges, r.cap) {
				continue
			}
		}
		r.finish(ctx, wg, inst)
	}
	return next, nil
}

// pause is how long a drain that has taken so long is left alone.
func pause(taken time.Duration) time.Duration {
	return min(max(taken/slowedDrainBy, drainEvery), drainSeldom)
}

// status is nil when an edge does not answer: nothing vouches then that an instance is idle, and only the cap ends it.
func (r *drainer) status(ctx context.Context) []paas.EdgeStatus {
	edges, err := r.edges.Status(ctx)
	if err != nil {
		return nil
	}
	return edges
}

// abandoned reports whether the attempt that started the instance is over. A worker that began after the list was
// read does not matter: it makes instances of its own.
func (r *drainer) abandoned(inst paas.Instance) bool {
	if r.working(paas.Target{App: inst.App, Environment: inst.Environment}) {
		return false
	}
	now, err := r.store.Instance(inst.ID)
	return err == nil && now.State == paas.Starting
}

// finish ends the instance beside the others. What fails is tried again at the next look.
func (r *drainer) finish(ctx context.Context, wg *sync.WaitGroup, inst paas.Instance) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ending[inst.ID] {
		return
	}
	if r.ending == nil {
		r.ending = map[string]bool{}
	}
	r.ending[inst.ID] = true
	wg.Go(func() {
		if err := r.end(ctx, inst); err != nil && ctx.Err() == nil {
			r.log.Warn("cannot end an instance; trying again", "app", inst.App, "instance", inst.ID, "err", err)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.ending, inst.ID)
	})
}

// drained reports whether inst can go: a worker gets no requests; a web instance when every edge process has
// written down a table without it and has no request or stream left on it; anything at the cap.
func drained(inst paas.Instance, edges []paas.EdgeStatus, most time.Duration) bool {
	if inst.Process != contract.WebProcess || time.Since(inst.DrainedFrom) > most {
		return true
	}
	for _, e := range edges {
		if e.Generation < inst.DrainGeneration || e.Active[inst.ID] > 0 {
			return false
		}
	}
	return len(edges) > 0
}

// discard removes what a failed attempt started, side by side. What fails is tried again by the drainer.
func (d *Deployer) discard(ctx context.Context, ids []string) {
	var g errgroup.Group
	g.SetLimit(endedAtOnce)
	for _, id := range ids {
		g.Go(func() error {
			inst, err := d.store.Instance(id)
			if err == nil {
				err = d.end(ctx, inst)
			}
			if err != nil {
				d.log.Warn("cannot discard an instance; trying again later", "instance", id, "err", err)
			}
			return nil
		})
	}
	_ = g.Wait() // each has logged its own
}

// end stops and removes an instance's container and records that it is gone.
func (d *Deployer) end(ctx context.Context, inst paas.Instance) error {
	if inst.State == paas.Gone {
		return nil
	}
	if inst.Dir == "" {
		if err := d.removeContainer(ctx, inst); err != nil {
			return err
		}
	}
	if err := d.store.InstanceGone(inst.ID); err != nil {
		return err
	}
	d.queue.notify(paas.Target{App: inst.App, Environment: inst.Environment}) // builds may be free now
	return nil
}

// removeContainer stops an instance's container and removes it.
func (d *Deployer) removeContainer(ctx context.Context, inst paas.Instance) error {
	ctx, cancel := context.WithTimeout(ctx, d.timing.StopGrace+time.Minute)
	defer cancel()
	name := containerOf(inst)
	if err := d.engine.Stop(ctx, name, d.timing.StopGrace); err != nil && !paas.IsKind(err, paas.NotFound) {
		d.log.Warn("cannot stop a container", "app", inst.App, "instance", inst.ID, "err", err) // removing it kills it
	}
	return d.engine.Remove(ctx, name)
}

// containerOf names the instance's container also when a crash came between making it and writing its id down.
func containerOf(inst paas.Instance) string {
	if inst.Container == "" {
		return docker.ContainerName(inst.ID)
	}
	return inst.Container
}
