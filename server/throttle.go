package server

import (
	"fmt"
	"math"
	"net/netip"
	"sync"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

const (
	freeTries     = 5               // before there is a delay
	longestDelay  = 5 * time.Minute // nobody can lock somebody else out for longer
	forgetAfter   = time.Hour
	maxThrottled  = 10_000
	prefixV4Bits  = 24
	prefixV6Bits  = 56
	unknownPrefix = "local"
)

// throttle slows down guessing: after a few failures each further one doubles the wait. It lives in memory and is bounded; a restart
// forgets it, which is why secrets are strong by themselves. Safe for concurrent use.
type throttle struct {
	now func() time.Time

	mu sync.Mutex
	m  map[string]*strikes
}

// strikes are the failures of one account or address prefix.
type strikes struct {
	n          int
	last, next time.Time
}

func newThrottle(now func() time.Time) *throttle {
	return &throttle{now: now, m: map[string]*strikes{}}
}

// try counts an attempt as failed beforehand, so that many at once are not all free. Success takes it back. When one of the keys has to
// wait, nothing is counted and the error says for how long.
func (t *throttle) try(keys ...string) (*attempt, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	for _, k := range keys {
		if s := t.m[k]; s != nil && now.Before(s.next) {
			return nil, &tooFast{wait: s.next.Sub(now)}
		}
	}
	for _, k := range keys {
		t.strike(k, now)
	}
	return &attempt{throttle: t, keys: keys}, nil
}

func (t *throttle) strike(key string, now time.Time) {
	s := t.m[key]
	if s == nil || now.Sub(s.last) > forgetAfter {
		t.makeRoom(now)
		s = &strikes{}
		t.m[key] = s
	}
	s.n++
	s.last = now
	if over := s.n - freeTries; over >= 0 {
		s.next = now.Add(min(time.Second<<min(over, 16), longestDelay))
	}
}

// makeRoom drops what is forgotten and, when that is not enough, who waits least.
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

// forgive takes this attempt back: it was neither right nor a guess.
func (a *attempt) forgive() {
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

// tooFast is a Throttled error that knows when to come back.
type tooFast struct{ wait time.Duration }

func (e *tooFast) Error() string { return "too many tries" }

func (e *tooFast) Unwrap() error {
	return &paas.Error{Kind: paas.Throttled, Msg: "too many tries", Hint: fmt.Sprintf("try again in %s", e.wait.Round(time.Second)+time.Second)}
}

// seconds is for the Retry-After header.
func (e *tooFast) seconds() int { return int(e.wait/time.Second) + 1 }

// prefixOf is the network that an address is throttled with: one person easily has all of it.
func prefixOf(addr string) string {
	a, err := netip.ParseAddr(addr)
	if err != nil {
		return unknownPrefix
	}
	bits := prefixV6Bits
	if a.Is4() {
		bits = prefixV4Bits
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return unknownPrefix
	}
	return p.String()
}
