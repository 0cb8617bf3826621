package deploy

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

// journal is what happened in a test, in order.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) add(line string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, line)
}

func (j *journal) expect(t *testing.T, want ...string) {
	t.Helper()
	j.mu.Lock()
	defer j.mu.Unlock()
	if !slices.Equal(j.lines, want) {
		t.Errorf("happened: %q, want %q", j.lines, want)
	}
}

// runQueue runs work for what is notified until the test ends.
func runQueue(t *testing.T, q *queue, work func(context.Context, paas.Target)) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); q.run(ctx, work) }()
	t.Cleanup(func() { cancel(); <-done })
}

func TestOneWorkerPerTargetAndTargetsBesideEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var happened journal
		q := newQueue()
		runQueue(t, q, func(_ context.Context, target paas.Target) {
			happened.add("begin " + target.App)
			time.Sleep(time.Minute)
			happened.add("end " + target.App)
		})
		a, b := paas.Target{App: "a"}, paas.Target{App: "b"}
		q.notify(a)
		time.Sleep(time.Second)
		q.notify(a) // twice while it works is once
		q.notify(a)
		q.notify(b)
		if time.Sleep(time.Second); !q.working(a) || !q.working(b) {
			t.Error("the targets do not work beside each other")
		}
		time.Sleep(time.Hour)
		happened.expect(t, "begin a", "begin b", "end a", "begin a", "end b", "end a")
		if q.working(a) || q.working(b) {
			t.Error("a worker goes on without work")
		}
	})
}

func TestScalingYieldsToADeploymentOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var happened journal
		q, target := newQueue(), paas.Target{App: "a"}
		runQueue(t, q, func(ctx context.Context, _ paas.Target) {
			yielding, release := q.yielding(ctx, target)
			defer release()
			if sleep(yielding, time.Hour) {
				happened.add("worked")
			} else {
				happened.add("yielded")
			}
		})
		q.notify(target)
		time.Sleep(time.Minute)
		q.notify(target)
		time.Sleep(time.Hour)
		happened.expect(t, "worked")
		q.preempt(target)
		time.Sleep(time.Minute)
		happened.expect(t, "worked", "yielded")
	})
}

func TestBackoffGrows(t *testing.T) {
	var b backoff
	var got []time.Duration
	for range 8 {
		got = append(got, b.next()/time.Second)
	}
	if want := []time.Duration{1, 2, 4, 8, 16, 32, 60, 60}; !slices.Equal(got, want) {
		t.Errorf("pauses in seconds: %d, want %d", got, want)
	}
}

func TestChangesWakeAllWhoWait(t *testing.T) {
	c := newChanges()
	one, two, other := c.next("a"), c.next("a"), c.next("b")
	c.notify("a")
	<-one
	<-two
	select {
	case <-other:
		t.Error("a change of a wakes those who wait for b")
	default:
	}
	if len(c.waiting) != 1 {
		t.Errorf("%d keys are kept", len(c.waiting))
	}
}
