package deploy

import (
	"context"
	"sync"
	"time"
)

// signal wakes one loop. Notifying it again before the loop has come round is the same as once.
type signal chan struct{}

func newSignal() signal { return make(signal, 1) }

func (s signal) notify() {
	select {
	case s <- struct{}{}:
	default: // it has not been taken since the last time
	}
}

// wait returns at the next notification, or after at most so long; false when ctx has ended.
func (s signal) wait(ctx context.Context, atMost time.Duration) bool {
	t := time.NewTimer(atMost)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-s:
	case <-t.C:
	}
	return true
}

// changes tells any number of readers that the thing of a key has changed. It costs nothing for keys that are not
// waited for.
type changes struct {
	mu      sync.Mutex
	waiting map[string]chan struct{} // closed and forgotten at the next change
}

func newChanges() *changes { return &changes{waiting: map[string]chan struct{}{}} }

func (c *changes) notify(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if ch := c.waiting[key]; ch != nil {
		close(ch)
		delete(c.waiting, key)
	}
}

// next is closed at the next change. Take it before looking at the thing, so that no change in between is missed.
func (c *changes) next(key string) <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting[key] == nil {
		c.waiting[key] = make(chan struct{})
	}
	return c.waiting[key]
}

// sleep waits for d; false when ctx has ended.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
