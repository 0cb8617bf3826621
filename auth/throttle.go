package auth

import (
	"fmt"
	"math"
	"net/netip"
	"sync"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

const (
	freeTries    = 5               // before there is a delay
	longestDelay = 5 * time.Minute // that an attacker can keep the owner of an account out for
	forgetAfter  = time.Hour
	maxThrottled = 10_000
	networkBits4 = 24
	networkBits6 = 56
	localNetwork = "local"
)

// throttle slows down guessing: after a few failures each further one doubles the wait. It lives in memory and is
// bounded; a restart forgets it, which is why secrets are strong by themselves. Safe for concurrent use.
type throttle struct {
	now func() time.Time

	mu sync.Mutex
	m  map[string]*failures
}

// failures are those of one account or network.
type failures struct {
	n          int
	last, next time.Time
}

func newThrottle(now func() time.Time) *throttle {
	return &throttle{now: now, m: map[string]*failures{}}
}

// try counts an attempt as failed beforehand, so that many at once are not all free. Success undoes it. When one of
// the keys has to wait, nothing is counted and the error is a *Throttled.
func (t *throttle) try(keys ...string) (*attempt, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	for _, k := range keys {
		if s := t.m[k]; s != nil && now.Before(s.next) {
			return nil, &Throttled{Wait: s.next.Sub(now)}
		}
	}
	for _, k := range keys {
		t.fail(k, now)
	}
	return &attempt{throttle: t, keys: keys}, nil
}

func (t *throttle) fail(key string, now time.Time) {
	s := t.m[key]
	if s == nil || now.Sub(s.last) > forgetAfter {
		t.makeRoom(now)
		s = &failures{}
		t.m[key] = s
	}
	s.n++
	s.last = now
	if over := s.n - freeTries; over >= 0 {
		s.next = now.Add(min(time.Second<<min(over, 16), longestDelay))
	}
}

// makeRoom drops what is forgotten and, when that is not enough, the key with the fewest failures.
func (t *throttle) makeRoom(now time.Time) {
	if len(t.m) < maxThrottled {
		return
	}
	mildest, least := "", math.MaxInt
	for k, s := range t.m {
		if now.Sub(s.last) > forgetAfter {
			delete(t.m, k)
		} else if s.n < least {
			mildest, least = k, s.n
		}
	}
	if len(t.m) >= maxThrottled {
		delete(t.m, mildest)
	}
}

// forget wipes a key's failures: its owner has shown up.
func (t *throttle) forget(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.m, key)
}

// attempt is one counted try.
type attempt struct {
	throttle *throttle
	keys     []string
}

// undo takes this attempt back: it succeeded, or was no guess.
func (a *attempt) undo() {
	a.throttle.mu.Lock()
	defer a.throttle.mu.Unlock()
	for _, k := range a.keys {
		if s := a.throttle.m[k]; s != nil {
			s.n--
			s.next = time.Time{}
			if s.n <= 0 {
				delete(a.throttle.m, k)
			}
		}
	}
}

// Throttled says that there were too many tries, and when the next one is welcome. It wraps a paas.Error of that kind.
type Throttled struct{ Wait time.Duration }

func (e *Throttled) Error() string { return "too many tries" }

func (e *Throttled) Unwrap() error {
	wait := e.Wait.Round(time.Second) + time.Second
	return &paas.Error{Kind: paas.Throttled, Msg: "too many tries", Hint: fmt.Sprintf("try again in %s", wait)}
}

// networkOf is the network that an address is throttled with: one person easily has all of it.
func networkOf(addr string) string {
	a, err := netip.ParseAddr(addr)
	if err != nil {
		return localNetwork
	}
	bits := networkBits6
	if a.Is4() {
		bits = networkBits4
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return localNetwork
	}
	return p.String()
}
