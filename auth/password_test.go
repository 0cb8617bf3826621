package auth

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/cloudsania/cloudsania/paas"
)

func TestPasswords(t *testing.T) {
	p := newPasswords(todaysCosts)
	ctx := t.Context()
	a, err := p.hash(ctx, paas.NewSecret("secret"))
	if err != nil || !strings.HasPrefix(a, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Fatal(a, err)
	}
	if b, err := p.hash(ctx, paas.NewSecret("secret")); err != nil || a == b {
		t.Errorf("no salt: %v", err)
	}
	for _, tt := range []struct {
		hash, password string
		want           bool
	}{{a, "secret", true}, {a, "Secret", false}, {a, "", false}, {"", "secret", false}, {"", "", false}, {a, strings.Repeat("x", maxPassword+1), false}} {
		if ok, _, err := p.verify(ctx, tt.hash, paas.NewSecret(tt.password)); ok != tt.want || err != nil {
			t.Errorf("%q with %.10q: %v %v", tt.password, tt.hash, ok, err)
		}
	}
	for _, bad := range []string{"plain", "$argon2i$v=19$m=64,t=1,p=1$AA$AA", "$argon2id$v=19$m=99999999,t=1,p=1$AA$AA", "$argon2id$v=19$m=64,t=0,p=1$AA$AA",
		"$argon2id$v=19$m=64,t=1,p=1$AA$", "$argon2id$v=19$m=64,t=1,p=1$%%$AA", "$argon2id$v=18$m=64,t=1,p=1$AA$AA"} {
		if _, _, err := p.verify(ctx, bad, paas.NewSecret("x")); err == nil {
			t.Errorf("%q is taken for a hash", bad)
		}
	}
}

// A flood of logins must not become a flood of memory: two hashes at a time, a bounded queue, and the rest is sent
// away at once.
func TestPasswordFlood(t *testing.T) {
	p := newPasswords(lowCosts)
	for range hashesAtOnce {
		p.slots <- struct{}{} // two that take their time
	}
	const flood = 200
	ctx, cancel := context.WithCancel(context.Background())
	errs := make(chan error, flood)
	for range flood {
		go func() {
			_, _, err := p.verify(ctx, "", paas.NewSecret("x"))
			errs <- err
		}()
	}
	for range flood - hashesWaiting {
		if err := <-errs; !paas.IsKind(err, paas.Throttled) {
			t.Fatalf("%v, want to be sent away", err)
		}
	}
	if n := p.waiting.Load(); n != hashesWaiting {
		t.Errorf("%d wait, want %d", n, hashesWaiting)
	}
	cancel()
	for range hashesWaiting {
		if err := <-errs; !errors.Is(err, context.Canceled) {
			t.Errorf("who is gone gets %v", err)
		}
	}
	<-p.slots // one is done: the next may go on
	if _, err := p.hash(context.Background(), paas.NewSecret("x")); err != nil {
		t.Error(err)
	}
	if len(p.slots) != 1 || p.waiting.Load() != 0 {
		t.Errorf("%d slots and %d places are not given back", len(p.slots)-1, p.waiting.Load())
	}
}

func TestCheckPassword(t *testing.T) {
	tests := []struct {
		name, password string
		second, ok     bool
	}{
		{"long", "correct horse battery", false, true},
		{"14 characters", "14 characters!", false, false},
		{"15 characters", "15 characters!!", false, true},
		{"letters count, not bytes", "ééééééééééééaa!", false, true},
		{"8 with a second factor", "k3vinbac", true, true},
		{"7 with a second factor", "k3vinba", true, false},
		{"too long", strings.Repeat("ab cd", 30), false, false},
		{"one character", strings.Repeat("a", 20), false, false},
		{"a run", strings.Repeat("abc1", 5), false, false},
		{"digits in order", "012345678901234", false, false},
		{"the alphabet", "abcdefghijklmnop", false, false},
		{"the address", "ada@example.com", false, false},
		{"the name twice", "Ada LovelaceAda Lovelace", false, false},
		{"not text", "aaaaaaaaaaaaaaaa\xff", false, false},
	}
	for _, tt := range tests {
		if err := checkPassword(paas.NewSecret(tt.password), "ada@example.com", "Ada Lovelace", tt.second); (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}
