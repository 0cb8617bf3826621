package deploy

import (
	"context"
	"sync"

	"github.com/cloudsania/cloudsania/paas"
)

// queue has at most one worker per target, the targets beside each other. What there is to do is in the store, not
// here: the queue knows only who should look.
type queue struct {
	wake signal

	mu      sync.Mutex
	waiting map[paas.Target]bool
	busy    map[paas.Target]bool
	yield   map[paas.Target]context.CancelFunc // ends work that gives way to a deployment
	urgent  map[paas.Target]bool               // a deployment waits
}

func newQueue() *queue {
	return &queue{
		wake:    newSignal(),
		waiting: map[paas.Target]bool{},
		busy:    map[paas.Target]bool{},
		yield:   map[paas.Target]context.CancelFunc{},
		urgent:  map[paas.Target]bool{},
	}
}

// notify says that there may be something to do for target.
func (q *queue) notify(target paas.Target) {
	q.mu.Lock()
	q.waiting[target] = true
	q.mu.Unlock()
	q.wake.notify()
}

// preempt is notify for a deployment: it does not wait for work that can yield.
func (q *queue) preempt(target paas.Target) {
	q.mu.Lock()
	q.urgent[target] = true
	if cancel := q.yield[target]; cancel != nil {
		cancel()
	}
	q.mu.Unlock()
	q.notify(target)
}

// run calls work for each target that was notified, until ctx ends; it returns after every worker has.
func (q *queue) run(ctx context.Context, work func(context.Context, paas.Target)) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		for _, target := range q.take() {
			wg.Go(func() {
				defer q.done(target)
				work(ctx, target)
			})
		}
		select {
		case <-ctx.Done():
			return
		case <-q.wake:
		}
	}
}

// take returns the targets that wait and have no worker, and marks them busy.
func (q *queue) take() []paas.Target {
	q.mu.Lock()
	defer q.mu.Unlock()
	var out []paas.Target
	for t := range q.waiting {
		if !q.busy[t] {
			q.busy[t] = true
			delete(q.waiting, t)
			delete(q.urgent, t)
			out = append(out, t)
		}
	}
	return out
}

func (q *queue) done(target paas.Target) {
	q.mu.Lock()
	delete(q.busy, target)
	again := q.waiting[target]
	q.mu.Unlock()
	if again {
		q.wake.notify()
	}
}

// working reports whether target has a worker now.
func (q *queue) working(target paas.Target) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.busy[target]
}

// yielding is a context for work of target that gives way to a deployment. Call release in the end.
func (q *queue) yielding(ctx context.Context, target paas.Target) (_ context.Context, release func()) {
	ctx, cancel := context.WithCancel(ctx)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.yield[target] = cancel
	if q.urgent[target] {
		cancel()
	}
	return ctx, func() {
		cancel()
		q.mu.Lock()
		defer q.mu.Unlock()
		delete(q.yield, target)
	}
}
