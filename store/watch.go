package store

import (
	"context"
	"sync"

	"github.com/cloudsania/cloudsania/paas"
)

// maxDirty bounds what a watcher holds for a consumer that does not come; past it the set becomes the one word Everything.
const maxDirty = 10_000

// Dirty names something that was changed, made or removed by a committed change. It says nothing of how: read it again. App is the app
// that it belongs to, "" when it belongs to none or is gone.
type Dirty struct {
	Kind Kind
	ID   string // of the noun; of an app in an environment the environment's; "" for what exists once, and for events
	App  string
}

// Kind is a noun that can be watched.
type Kind string

const (
	KindEverything     Kind = "everything" // too much to list
	KindSettings       Kind = "settings"
	KindTable          Kind = "table" // the edge's: it has a new generation
	KindTeam           Kind = "team"
	KindClient         Kind = "client"
	KindProject        Kind = "project"
	KindEnvironment    Kind = "environment"
	KindApp            Kind = "app"
	KindAppEnvironment Kind = "app_environment"
	KindBuild          Kind = "build"
	KindRelease        Kind = "release"
	KindDeployment     Kind = "deployment"
	KindInstance       Kind = "instance"
	KindRemoval        Kind = "removal"
	KindEvent          Kind = "event"
	KindUser           Kind = "user"
	KindSession        Kind = "session"
	KindToken          Kind = "token"
)

// watched says which buckets hold a noun that is watched. The others are indexes and bookkeeping, which change with one of these or show
// nowhere.
var watched = map[bucket]Kind{
	teamBucket: KindTeam, clientBucket: KindClient, projectBucket: KindProject, environmentBucket: KindEnvironment, appBucket: KindApp,
	appEnvironmentBucket: KindAppEnvironment, buildBucket: KindBuild, releaseBucket: KindRelease, deploymentBucket: KindDeployment,
	instanceBucket: KindInstance, removalBucket: KindRemoval, eventBucket: KindEvent, userBucket: KindUser, sessionBucket: KindSession,
	tokenBucket: KindToken,
}

// touch takes note of what the transaction changes; v is nil for what it removes.
func (t *Tx) touch(b bucket, key string, v any) {
	kind, ok := watched[b]
	d := Dirty{Kind: kind, ID: key}
	switch {
	case b == metaBucket && (key == "settings" || key == "claim"):
		d = Dirty{Kind: KindSettings}
	case b == metaBucket && key == "generation":
		d = Dirty{Kind: KindTable}
	case !ok:
		return
	case b == eventBucket:
		d.ID, d.App = "", appOf(v)
	case b == appEnvironmentBucket:
		target := targetAt(key)
		d.ID, d.App = target.Environment, target.App
	default:
		d.App = appOf(v)
	}
	if t.changed != nil {
		t.changed[d] = struct{}{}
	}
}

// appOf is the app that a record belongs to.
func appOf(v any) string {
	switch v := v.(type) {
	case paas.App:
		return v.ID
	case paas.Build:
		return v.App
	case paas.Release:
		return v.App
	case paas.Deployment:
		return v.App
	case paas.Instance:
		return v.App
	case Removed:
		return v.App.ID
	case paas.Event:
		return v.Path.App
	}
	return ""
}

// Watcher holds what has changed since it was last asked. It never holds up a change, however slow its consumer is: what is changed often
// in the meantime is in it once. Safe for concurrent use; several consumers of one watcher share what comes.
type Watcher struct {
	all   *watchers
	ready chan struct{} // holds one element while dirty may have any

	mu    sync.Mutex
	dirty map[Dirty]struct{}
}

// Watch begins to watch: what is committed from now on is in the watcher. Close it in the end.
func (s *Store) Watch() *Watcher {
	w := &Watcher{all: &s.watchers, ready: make(chan struct{}, 1), dirty: map[Dirty]struct{}{}}
	s.watchers.mu.Lock()
	defer s.watchers.mu.Unlock()
	if s.watchers.open == nil {
		s.watchers.open = map[*Watcher]struct{}{}
	}
	s.watchers.open[w] = struct{}{}
	return w
}

// Wait returns what has changed since the last call, in no order, as soon as there is something; the error is that of ctx.
func (w *Watcher) Wait(ctx context.Context) ([]Dirty, error) {
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-w.ready:
		}
		if out := w.Take(); len(out) > 0 {
			return out, nil
		}
	}
}

// Close stops the watcher: nothing more is put into it.
func (w *Watcher) Close() {
	w.all.mu.Lock()
	defer w.all.mu.Unlock()
	delete(w.all.open, w)
}

// Take is what is dirty now, without waiting; nil when nothing is.
func (w *Watcher) Take() []Dirty {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := make([]Dirty, 0, len(w.dirty))
	for d := range w.dirty {
		out = append(out, d)
	}
	clear(w.dirty)
	return out
}

func (w *Watcher) add(changed map[Dirty]struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for d := range changed {
		w.dirty[d] = struct{}{}
	}
	if len(w.dirty) > maxDirty {
		w.dirty = map[Dirty]struct{}{{Kind: KindEverything}: {}}
	}
	select {
	case w.ready <- struct{}{}:
	default: // it has not been taken since the last time
	}
}

// watchers are those of one store.
type watchers struct {
	mu   sync.Mutex
	open map[*Watcher]struct{}
}

func (all *watchers) publish(changed map[Dirty]struct{}) {
	if len(changed) == 0 {
		return
	}
	all.mu.Lock()
	defer all.mu.Unlock()
	for w := range all.open {
		w.add(changed)
	}
}
