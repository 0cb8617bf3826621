package control

import (
	"context"
	"slices"
	"time"

	"github.com/cloudsania/cloudsania/store"
)

// Changes tells when something was committed that pages show. It holds nothing up, and what changes often is told once.
type Changes struct{ watch *store.Watcher }

// Watch begins to tell of changes from now on. Close it in the end.
func (c *Control) Watch() Changes { return Changes{c.store.Watch()} }

// Close ends it.
func (ch Changes) Close() { ch.watch.Close() }

// Next returns at the next change, or when atMost has passed; the error is that of ctx.
func (ch Changes) Next(ctx context.Context, atMost time.Duration) error {
	until, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	for {
		dirty, err := ch.watch.Wait(until)
		if err != nil {
			return ctx.Err() // nil when only the time has passed
		}
		if slices.ContainsFunc(dirty, shown) {
			return nil
		}
	}
}

// shown reports whether pages show such a thing.
func shown(d store.Dirty) bool {
	return d.App != "" || slices.Contains([]store.Kind{store.KindEverything, store.KindSettings, store.KindTeam, store.KindClient, store.KindProject,
		store.KindEnvironment, store.KindBuild}, d.Kind)
}
