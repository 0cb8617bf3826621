package deploy

import (
	"context"
	"sync"

	"github.com/cloudsania/cloudsania/paas"
)

// attempts are the deployments in progress that can still be cancelled.
type attempts struct {
	mu      sync.Mutex
	running map[string]*attempt // by deployment
}

// attempt is the handle of a deployment in progress.
type attempt struct {
	app    string
	cancel context.CancelFunc
	by     *paas.Actor // who cancelled it; nil while nobody did
}

func newAttempts() *attempts { return &attempts{running: map[string]*attempt{}} }

func (s *attempts) begin(ctx context.Context, dep paas.Deployment) (context.Context, *attempt) {
	ctx, cancel := context.WithCancel(ctx)
	a := &attempt{app: dep.App, cancel: cancel}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running[dep.ID] = a
	return ctx, a
}

// commit takes the chance to cancel away: from here on a deployment can only be rolled back. False when it was
// cancelled before.
func (s *attempts) commit(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.running[id]
	delete(s.running, id)
	return a == nil || a.by == nil
}

// of lists the deployments of an app that can be cancelled.
func (s *attempts) of(app string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for id, a := range s.running {
		if a.app == app {
			out = append(out, id)
		}
	}
	return out
}

// cancel is false when no such deployment runs or it is past the point.
func (s *attempts) cancel(id string, by paas.Actor) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.running[id]
	if a == nil {
		return false
	}
	a.by = &by
	a.cancel()
	return true
}

// end takes the handle of an attempt that has ended and tells who cancelled it.
func (s *attempts) end(id string, a *attempt) *paas.Actor {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.running, id)
	return a.by
}
