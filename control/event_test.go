package control

import (
	"fmt"
	"testing"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/paas"
)

func TestEventsByPage(t *testing.T) {
	r := newRig(t)
	shop, other := r.app("shop"), r.app("other")
	for i := range 5 {
		r.must(r.store.AppendEvent(paas.System, paas.SessionRefused{Why: fmt.Sprint(i)}, shop.App.ID, shop.Path))
		r.must(r.store.AppendEvent(paas.System, paas.SessionEnded{}, other.App.ID, other.Path))
	}
	all := func(by access.Principal, q EventQuery) (out []paas.Event, pages int) {
		t.Helper()
		for {
			page, next, err := r.Events.List(by, q)
			r.must(err)
			out, pages = append(out, page...), pages+1
			if next == 0 {
				return out, pages
			}
			if next == q.Before || pages > 100 {
				t.Fatal("the pages have no end")
			}
			q.Before = next
		}
	}
	count := func(events []paas.Event, action paas.EventName) (n int) {
		for i, e := range events {
			if i > 0 && events[i-1].Seq <= e.Seq {
				t.Errorf("%d comes before %d", events[i-1].Seq, e.Seq)
			}
			if e.Action == action {
				n++
			}
		}
		return n
	}
	events, pages := all(r.owner, EventQuery{Limit: 3})
	if count(events, paas.EventSessionRefused) != 5 || count(events, paas.EventSessionEnded) != 5 || pages < 4 {
		t.Errorf("%d events on %d pages", len(events), pages)
	}
	events, _ = all(r.owner, EventQuery{App: "shop", Limit: 3})
	if count(events, paas.EventSessionRefused) != 5 || count(events, paas.EventSessionEnded) != 0 {
		t.Errorf("of one app %+v", events)
	}
	events, _ = all(r.only(shop), EventQuery{})
	if count(events, paas.EventSessionRefused) != 5 || len(events) == 0 || count(events, paas.EventSessionEnded) != 0 {
		t.Errorf("a token of one app sees %+v", events)
	}
	events, _ = all(r.only(shop, access.AppRead), EventQuery{})
	if len(events) != 0 {
		t.Errorf("a token that may not read events sees %+v", events)
	}
	third := func(e paas.Event) bool { return e.Detail["why"] == "2" }
	events, _ = all(r.owner, EventQuery{Match: third})
	if len(events) != 1 || events[0].Action != paas.EventSessionRefused {
		t.Errorf("a search finds %+v", events)
	}
	page, _, err := r.Events.List(r.owner, EventQuery{Limit: 10_000})
	if err != nil || len(page) > MaxListed {
		t.Errorf("%d events at once, %v", len(page), err)
	}
}

func TestVerifyEvents(t *testing.T) {
	r := newRig(t)
	p := r.app("shop")
	chain, err := r.Events.Verify(r.owner)
	if err != nil || !chain.OK() || chain.Events == 0 {
		t.Errorf("%+v %v", chain, err)
	}
	if small, ok, err := r.Events.VerifySmall(r.owner); err != nil || !ok || small.Hash != chain.Hash {
		t.Errorf("%+v %v %v", small, ok, err)
	}
	_, err = r.Events.Verify(r.only(p))
	fails(t, "a token of one app", err, paas.NotFound, "")
	if _, ok, err := r.Events.VerifySmall(r.only(p)); ok || err != nil {
		t.Errorf("a token of one app verifies everything: %v", err)
	}
}
