package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

// changes is what a watcher has; it waits a moment for the first.
func changes(t testing.TB, w *Watcher) []Dirty {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	return got(w.Wait(ctx))(t)
}

func wantNothing(t testing.TB, w *Watcher) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if seen, err := w.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("%v, %v", seen, err)
	}
}

func TestWatcherHoldsEachChangeOnce(t *testing.T) {
	s := opened(t)
	w := newSite(t, s, "shop")
	early, late := s.Watch(), s.Watch()
	defer early.Close()
	defer late.Close()
	for i := range 100 {
		must(t, s.SetVariables(anna, w.target, []paas.Variable{{Name: "N", Value: paas.NewSecret(fmt.Sprint(i))}}, nil))
	}
	want := []Dirty{{KindAppEnvironment, w.target.Environment, w.app.ID}, {Kind: KindEvent, App: w.app.ID}}
	for _, watcher := range []*Watcher{early, late} {
		seen := changes(t, watcher)
		if len(seen) != len(want) || !slices.Contains(seen, want[0]) || !slices.Contains(seen, want[1]) {
			t.Fatalf("%v", seen)
		}
		wantNothing(t, watcher)
	}
	dep, _ := w.begun(t)
	seen := changes(t, early)
	for _, d := range []Dirty{{KindDeployment, dep.ID, w.app.ID}, {KindRelease, got(s.Deployment(dep.ID))(t).Release, w.app.ID}} {
		if !slices.Contains(seen, d) {
			t.Errorf("%v is not in %v", d, seen)
		}
	}
	got(s.DeleteApp(anna, w.app.ID))(t)
	if seen := changes(t, early); !slices.Contains(seen, Dirty{Kind: KindApp, ID: w.app.ID}) || !slices.Contains(seen, Dirty{Kind: KindTable}) {
		t.Fatalf("a deleted app is not in %v", seen)
	}
}

func TestWatcherIsToldOfCommitsOnly(t *testing.T) {
	s, c := timed(t)
	u := owner(t, s)
	must(t, s.CreateSession(paas.Session{Hash: "h", User: u.ID, Expires: c.now().Add(time.Hour)}))
	tok := got(s.CreateToken(anna, paas.Token{Name: "ci", Hash: "t"}))(t)
	w := s.Watch()
	defer w.Close()
	no := errors.New("no")
	err := s.Change(t.Context(), anna, func(t *Tx) error {
		_, err := t.CreateApp(NewApp{Name: "shop"})
		return errors.Join(err, no)
	})
	if !errors.Is(err, no) {
		t.Fatalf("got %v", err)
	}
	c.add(time.Hour / 2)
	must(t, s.TouchSession("h", c.now().Add(time.Hour)))
	must(t, s.TouchToken(tok.ID))
	got(s.UseTOTPStep(u.ID, 1))(t)
	must(t, s.SaveIdempotent("k", "p", "r", nil, 200))
	wantNothing(t, w)
	w.Close()
	newSite(t, s, "blog")
	wantNothing(t, w)
}

func TestWatcherThatNobodyAsksIsBounded(t *testing.T) {
	s := opened(t)
	w := s.Watch()
	defer w.Close()
	many := map[Dirty]struct{}{}
	for i := range maxDirty {
		many[Dirty{Kind: KindInstance, ID: fmt.Sprint(i)}] = struct{}{}
	}
	s.watchers.publish(many)
	newSite(t, s, "shop")
	if seen := changes(t, w); len(seen) != 1 || seen[0].Kind != KindEverything {
		t.Fatalf("%d entries", len(seen))
	}
}

// Writers that never wait, many watchers, some of which nobody asks: each one that is asked reads the last state in the end.
func TestWatchersSeeTheLastState(t *testing.T) {
	s := opened(t)
	w := newSite(t, s, "shop")
	const writers, rounds, watchers = 4, 25, 20
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	version := func() int { return got(s.AppEnvironment(w.target))(t).VarsVersion }
	var asking, writing sync.WaitGroup
	errs := make(chan error, writers*rounds+watchers)
	for n := range watchers {
		watcher := s.Watch()
		defer watcher.Close()
		if n%4 == 0 {
			continue // never asked
		}
		asking.Go(func() {
			for version() < writers*rounds {
				if _, err := watcher.Wait(ctx); err != nil {
					errs <- err
					return
				}
				time.Sleep(time.Duration(n) * time.Millisecond) // a slow consumer
			}
		})
	}
	for n := range writers {
		writing.Go(func() {
			for i := range rounds {
				errs <- s.SetVariables(anna, w.target, []paas.Variable{{Name: fmt.Sprintf("N%d", n), Value: paas.NewSecret(fmt.Sprint(i))}}, nil)
			}
		})
	}
	writing.Wait()
	asking.Wait()
	close(errs)
	for err := range errs {
		must(t, err)
	}
}
