package keyed

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func acquire(t *testing.T, l *Lock[string], key string) (release func()) {
	t.Helper()
	release, err := l.Acquire(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	return release
}

func TestHoldersOfAKeyTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l Lock[string]
		var order []int
		first := acquire(t, &l, "a")
		var wg sync.WaitGroup
		for n := range 3 {
			wg.Go(func() {
				defer acquire(t, &l, "a")()
				order = append(order, n)
			})
			synctest.Wait() // it stands in line
		}
		acquire(t, &l, "b")() // another key is free
		if len(order) != 0 {
			t.Errorf("%v went ahead of the holder", order)
		}
		first()
		first() // does no harm
		wg.Wait()
		if fmt.Sprint(order) != "[0 1 2]" {
			t.Errorf("order %v", order)
		}
		if len(l.held) != 0 {
			t.Errorf("%d keys are kept", len(l.held))
		}
	})
}

func TestAcquireEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l Lock[string]
		release := acquire(t, &l, "a")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := l.Acquire(ctx, "a"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		if _, err := l.Acquire(ctx, "free"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a context that has ended: %v", err)
		}
		release()
		acquire(t, &l, "a")()
		if len(l.held) != 0 {
			t.Errorf("%d keys are kept", len(l.held))
		}
	})
}

func TestTryAcquire(t *testing.T) {
	var l Lock[int]
	release, ok := l.TryAcquire(1)
	if !ok {
		t.Fatal("a free key is refused")
	}
	if _, ok := l.TryAcquire(1); ok {
		t.Error("a key has two holders")
	}
	release()
	if release, ok = l.TryAcquire(1); !ok {
		t.Error("a released key is refused")
	}
	release()
	if len(l.held) != 0 {
		t.Errorf("%d keys are kept", len(l.held))
	}
}
