// Package keyed locks by key: holders of different keys do not wait for each other.
package keyed

import (
	"context"
	"sync"
)

// Lock is a lock per key, granted in the order of asking. The zero value is ready; free keys take no memory.
type Lock[K comparable] struct {
	mu   sync.Mutex
	held map[K]*entry
}

type entry struct {
	free  chan struct{} // has one value while the lock is free
	users int           // that hold or await it; guarded by Lock.mu
}

// Acquire waits for the key. The error is the context's when that ends first; else release must be called, more
// than once does no harm.
func (l *Lock[K]) Acquire(ctx context.Context, key K) (release func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	e := l.join(key)
	select {
	case <-e.free:
		return l.releaser(key, e), nil
	case <-ctx.Done():
		l.leave(key, e)
		return nil, ctx.Err()
	}
}

// TryAcquire takes the key when it is free and not awaited; ok is false otherwise.
func (l *Lock[K]) TryAcquire(key K) (release func(), ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held[key] != nil {
		return nil, false
	}
	e := l.add(key)
	e.users++
	<-e.free
	return l.releaser(key, e), true
}

func (l *Lock[K]) releaser(key K, e *entry) func() {
	return sync.OnceFunc(func() {
		e.free <- struct{}{}
		l.leave(key, e)
	})
}

func (l *Lock[K]) join(key K) *entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.held[key]
	if e == nil {
		e = l.add(key)
	}
	e.users++
	return e
}

func (l *Lock[K]) add(key K) *entry {
	if l.held == nil {
		l.held = map[K]*entry{}
	}
	e := &entry{free: make(chan struct{}, 1)}
	e.free <- struct{}{}
	l.held[key] = e
	return e
}

func (l *Lock[K]) leave(key K, e *entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e.users--; e.users == 0 {
		delete(l.held, key)
	}
}
