package git

import (
	"context"
	"sync"
)

// turns let one at a time change an app's references. Whoever comes later waits in line. The zero value is ready.
type turns struct {
	mu   sync.Mutex
	apps map[string]*turn
}

type turn struct {
	free  chan struct{} // holds one value while nobody has the turn
	users int           // that hold or await it; guarded by turns.mu
}

// take waits for the app's turn. It must be released.
func (t *turns) take(ctx context.Context, app string) (release func(), err error) {
	t.mu.Lock()
	if t.apps == nil {
		t.apps = map[string]*turn{}
	}
	a := t.apps[app]
	if a == nil {
		a = &turn{free: make(chan struct{}, 1)}
		a.free <- struct{}{}
		t.apps[app] = a
	}
	a.users++
	t.mu.Unlock()
	select {
	case <-a.free:
		return func() { a.free <- struct{}{}; t.leave(app, a) }, nil
	case <-ctx.Done():
		t.leave(app, a)
		return nil, ctx.Err()
	}
}

func (t *turns) leave(app string, a *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if a.users--; a.users == 0 {
		delete(t.apps, app)
	}
}
