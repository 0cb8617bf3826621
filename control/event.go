package control

import (
	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/store"
)

const (
	// DefaultEvents is how many events one call lists unless it says otherwise.
	DefaultEvents = 100
	// MaxListed is the most that one call lists of events and deployments.
	MaxListed = 200

	eventBatch = 500
	eventScan  = 5000 // entries that one search goes through
	smallChain = 5000 // entries that are verified without being asked to
)

// EventQuery chooses events. App narrows them to one app (name or id); Before is the number that the page before ended with; Match, where it
// is given, picks among what by may see. Limit 0 is 100.
type EventQuery struct {
	App    string
	Before uint64
	Limit  int
	Match  func(paas.Event) bool
}

// Events is what can be done with the record of events.
type Events struct{ control *Control }

// List are the newest first. next is the Before of the page after this one, 0 at the end. A search goes through some thousand entries at a
// time, so that a page may be short, or empty, and still have a next one.
func (es Events) List(by access.Principal, q EventQuery) (out []paas.Event, next uint64, err error) {
	if q.Limit <= 0 {
		q.Limit = DefaultEvents
	}
	q.Limit = min(q.Limit, MaxListed)
	f := store.EventFilter{Path: by.Scope, Before: q.Before, Limit: eventBatch}
	if q.Match == nil {
		f.Limit = q.Limit
	}
	err = es.control.store.View(func(t *store.Tx) error {
		if q.App != "" {
			found, err := findApp(t, by, q.App)
			if err != nil {
				return err
			}
			if err := access.Authorize(by, access.EventRead, found.Resource); err != nil {
				return err
			}
			f.Path = found.Resource.Path
		}
		out, next, err = scanEvents(t, by, f, q)
		return err
	})
	return out, next, err
}

func scanEvents(t *store.Tx, by access.Principal, f store.EventFilter, q EventQuery) (out []paas.Event, next uint64, err error) {
	for scanned := 0; scanned < eventScan; scanned += f.Limit {
		batch, err := t.Events(f)
		if err != nil {
			return nil, 0, err
		}
		for _, e := range batch {
			f.Before = e.Seq
			if access.Authorize(by, access.EventRead, access.Resource{Kind: "event", Path: e.Path}) == nil && (q.Match == nil || q.Match(e)) {
				out = append(out, e)
			}
			if len(out) == q.Limit {
				return out, before(e), nil
			}
		}
		if len(batch) < f.Limit {
			return out, 0, nil
		}
	}
	return out, f.Before, nil
}

// before is how a page after e begins; 0 when e is the first of all.
func before(e paas.Event) uint64 {
	if e.Seq <= 1 {
		return 0
	}
	return e.Seq
}

// Chain is what verifying the chain of events found.
type Chain = store.VerifyReport

// Verify reads the whole chain of events and says where it does not hold.
func (es Events) Verify(by access.Principal) (Chain, error) {
	where, err := es.control.Installation()
	if err != nil {
		return Chain{}, err
	}
	if err := access.Authorize(by, access.EventVerify, where); err != nil {
		return Chain{}, err
	}
	return es.control.store.VerifyEvents()
}

// VerifySmall is VerifyEvents where that takes no time worth mentioning and by may; false when it was not done.
func (es Events) VerifySmall(by access.Principal) (Chain, bool, error) {
	newest, err := es.control.store.Events(store.EventFilter{Limit: 1})
	if err != nil || len(newest) == 0 || newest[0].Seq > smallChain {
		return Chain{}, false, err
	}
	r, err := es.Verify(by)
	if paas.IsKind(err, paas.Forbidden) || paas.IsKind(err, paas.NotFound) {
		return r, false, nil
	}
	return r, err == nil, err
}
