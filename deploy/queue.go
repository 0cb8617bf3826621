package deploy

import (
	"context"
	"sync"

	"github.com/cloudsania/cloudsania/paas"
)

// lanes run the deployments: one at a time per target, the targets beside each other. What waits is in the store, not here.
type lanes struct {
	kicked chan struct{}

	mu      sync.Mutex
	waiting map[paas.Target]bool
	busy    map[paas.Target]bool
	running map[string]*attempt // deployment id → its attempt
}

// attempt is the handle of a deployment in progress.
type attempt struct {
	app    string
	cancel context.CancelFunc
	by     *paas.Actor // who stopped it, if somebody did
}

func newLanes() *lanes {
	return &lanes{kicked: make(chan struct{}, 1), waiting: map[paas.Target]bool{}, busy: map[paas.Target]bool{}, running: map[string]*attempt{}}
}

// kick says that target may have something queued.
func (l *lanes) kick(target paas.Target) {
	l.mu.Lock()
	l.waiting[target] = true
	l.mu.Unlock()
	select {
	case l.kicked <- struct{}{}:
	default: // a kick is pending already and will see this target too
	}
}

// take returns the targets that have something queued and nothing running, and marks them busy.
func (l *lanes) take() []paas.Target {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []paas.Target
	for t := range l.waiting {
		if !l.busy[t] {
			l.busy[t] = true
			delete(l.waiting, t)
			out = append(out, t)
		}
	}
	return out
}

func (l *lanes) release(target paas.Target) {
	l.mu.Lock()
	delete(l.busy, target)
	again := l.waiting[target]
	l.mu.Unlock()
	if again {
		l.kick(target)
	}
}

func (l *lanes) begin(ctx context.Context, dep paas.Deployment) (context.Context, *attempt) {
	ctx, cancel := context.WithCancel(ctx)
	a := &attempt{app: dep.App, cancel: cancel}
	l.mu.Lock()
	l.running[dep.ID] = a
	l.mu.Unlock()
	return ctx, a
}

// commit takes away the chance to cancel: from here on a deployment can only be rolled back. False when it was cancelled already.
func (l *lanes) commit(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.running[id]
	delete(l.running, id)
	return a == nil || a.by == nil
}

// of lists the cancellable deployments of an app.
func (l *lanes) of(app string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []string
	for id, a := range l.running {
		if a.app == app {
			out = append(out, id)
		}
	}
	return out
}

// cancel stops a running attempt; false when none runs or it is past that.
func (l *lanes) cancel(id string, by paas.Actor) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.running[id]
	if a == nil {
		return false
	}
	a.by = &by
	a.cancel()
	return true
}

// end takes the handle of an attempt that has ended and tells who cancelled it, nil when nobody did.
func (l *lanes) end(id string, a *attempt) *paas.Actor {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.running, id)
	return a.by
}

// dispatch starts a lane for each target that has work, until ctx ends; it returns after every lane has.
func (d *Deployer) dispatch(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		for _, target := range d.lanes.take() {
			wg.Go(func() {
				defer d.lanes.release(target)
				d.drive(ctx, target)
			})
		}
		select {
		case <-ctx.Done():
			return
		case <-d.lanes.kicked:
		}
	}
}

// drive works off what is queued for one target.
func (d *Deployer) drive(ctx context.Context, target paas.Target) {
	for ctx.Err() == nil {
		dep, ok, err := d.next(target)
		if err != nil {
			d.log.Error("cannot read the queue", "app", target.App, "err", err)
			return
		}
		if !ok {
			return
		}
		d.work(ctx, dep)
	}
}

// next is the oldest unfinished deployment of target.
func (d *Deployer) next(target paas.Target) (paas.Deployment, bool, error) {
	all, err := d.store.Unfinished()
	if err != nil {
		return paas.Deployment{}, false, err
	}
	var first paas.Deployment
	for _, dep := range all {
		if dep.App == target.App && dep.Environment == target.Environment && (first.ID == "" || dep.ID < first.ID) {
			first = dep
		}
	}
	return first, first.ID != "", nil
}
