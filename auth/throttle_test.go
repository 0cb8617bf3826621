package auth

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

func TestThrottleDoubles(t *testing.T) {
	c := &clock{at: time.Unix(1_000_000, 0)}
	th := newThrottle(c.now)
	for i := range freeTries {
		if _, err := th.try("a"); err != nil {
			t.Fatalf("try %d: %v", i, err)
		}
	}
	for want := time.Second; want <= 4*time.Minute; want *= 2 {
		_, err := th.try("a", "b")
		var throttled *Throttled
		if !errors.As(err, &throttled) || throttled.Wait != want || !paas.IsKind(err, paas.Throttled) {
			t.Fatalf("wait %v, want %s", err, want)
		}
		c.move(want)
		if _, err := th.try("a"); err != nil {
			t.Fatalf("after %s: %v", want, err)
		}
	}
	for range 10 { // never longer than the cap, however often somebody tries
		c.move(longestDelay)
		if _, err := th.try("a"); err != nil {
			t.Fatalf("after the longest delay: %v", err)
		}
	}
	if _, err := th.try("b"); err != nil {
		t.Errorf("a try that was refused counts for another key: %v", err)
	}
	c.move(forgetAfter + time.Second)
	for range freeTries {
		if _, err := th.try("a"); err != nil {
			t.Errorf("it does not forget: %v", err)
		}
	}
}

func TestThrottleUndoes(t *testing.T) {
	c := &clock{at: time.Unix(1_000_000, 0)}
	th := newThrottle(c.now)
	for range 100 {
		a, err := th.try("a", "b")
		if err != nil {
			t.Fatal(err)
		}
		a.undo()
	}
	if len(th.m) != 0 {
		t.Errorf("%d keys stay", len(th.m))
	}
	for range freeTries {
		if _, err := th.try("a"); err != nil {
			t.Fatal(err)
		}
	}
	th.forget("a")
	if _, err := th.try("a"); err != nil {
		t.Error(err)
	}
}

// However many addresses somebody has, memory is bounded, and who was caught stays caught.
func TestThrottleIsBounded(t *testing.T) {
	c := &clock{at: time.Unix(1_000_000, 0)}
	th := newThrottle(c.now)
	for range freeTries + 1 {
		_, _ = th.try("caught")
	}
	for i := range maxThrottled + 500 {
		if _, err := th.try(fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	if len(th.m) > maxThrottled {
		t.Errorf("%d keys", len(th.m))
	}
	if _, err := th.try("caught"); err == nil {
		t.Error("a flood of others sets somebody free")
	}
}

func TestNetworkOf(t *testing.T) {
	for addr, want := range map[string]string{
		"203.0.113.9":       "203.0.113.0/24",
		"2001:db8:1:2ff::1": "2001:db8:1:200::/56",
		"":                  "local",
		"x":                 "local",
	} {
		if got := networkOf(addr); got != want {
			t.Errorf("%q: %q, want %q", addr, got, want)
		}
	}
}
