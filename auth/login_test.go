package auth

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/store"
)

// Who does not know the password cannot tell whether there is such an account, nor whether it has a second factor.
func TestLoginTellsNothing(t *testing.T) {
	r := newClaimed(t)
	if err := r.store.SealTOTP(r.owner.ID, NewEnrolment("", paas.Secret{}).Secret); err != nil {
		t.Fatal(err)
	}
	for _, in := range []Login{
		login(ownerEmail, "wrong", "", "203.0.113.9"),
		login("nobody@example.com", "wrong", "", "203.0.113.9"),
		login(ownerEmail, strings.Repeat("x", 5000), "123456", "203.0.113.9"),
		login(strings.Repeat("x", 5000), "wrong", "", "203.0.113.9"),
		login("", "", "", "203.0.113.9"),
	} {
		_, err := r.SignIn(t.Context(), in)
		if *paas.Public(err) != *paas.Public(wrongLogin()) {
			t.Errorf("%.30q: %v", in.Email, err)
		}
	}
	if strings.Contains(r.logs.String(), ownerEmail) {
		t.Error("the log has the address of a person who did not get in")
	}
	events, err := r.store.Events(store.EventFilter{Subject: r.owner.ID})
	if err != nil || len(events) == 0 || events[0].Action != "session.refused" || events[0].Actor.Addr != "203.0.113.9" {
		t.Errorf("the refusals are not on record: %+v %v", events, err)
	}
}

func TestLoginIsThrottledPerAccountAndNetwork(t *testing.T) {
	r := newClaimed(t)
	try := func(email, password, addr string) error {
		_, err := r.SignIn(t.Context(), login(email, password, "", addr))
		return err
	}
	// an attacker with many networks: the account slows them down
	for i := range freeTries {
		fails(t, "a free try", try(ownerEmail, "wrong", fmt.Sprintf("192.0.%d.1", i)), paas.Unauthenticated, "")
	}
	fails(t, "one more", try(ownerEmail, "wrong", "192.0.99.1"), paas.Throttled, "")
	fails(t, "the right password", try(ownerEmail, ownerPassword, "192.0.98.1"), paas.Throttled, "")
	// but where the owner is signed in, that does not keep them out
	err := r.store.CreateSession(paas.Session{Hash: "h", User: r.owner.ID, Addr: "198.51.100.7", Expires: r.clock.now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	if err := try(ownerEmail, ownerPassword, "198.51.100.200"); err != nil {
		t.Errorf("the owner's own network: %v", err)
	}
	// one network against many accounts: neighbours in it share the delay
	for i := range freeTries {
		email, addr := fmt.Sprintf("user%d@example.com", i), fmt.Sprintf("203.0.113.%d", i)
		fails(t, "a free try", try(email, "wrong", addr), paas.Unauthenticated, "")
	}
	err = try("another@example.com", "wrong", "203.0.113.77")
	var throttled *Throttled
	if !errors.As(err, &throttled) || throttled.Wait != time.Second {
		t.Errorf("a neighbour: %v", err)
	}
	r.clock.move(time.Minute)
	fails(t, "a minute later", try("another@example.com", "wrong", "203.0.113.77"), paas.Unauthenticated, "")
}

func TestSecondFactor(t *testing.T) {
	r := newClaimed(t)
	old := r.signIn("")
	by := r.who(old)
	e, err := r.StartTOTP(by, paas.Secret{})
	if err != nil || !strings.HasPrefix(e.URI.Reveal(), "otpauth://totp/Cloudsania:"+ownerEmail+"?") {
		t.Fatal(e.URI.Reveal(), err)
	}
	if again, err := r.StartTOTP(by, e.Secret); err != nil || again != e {
		t.Errorf("the same secret is another second factor: %v", err)
	}
	proof := func(password, code string) TOTPProof {
		return TOTPProof{Secret: e.Secret, Code: code, Password: paas.NewSecret(password)}
	}
	code := codeAt(t, e.Secret, r.clock.now())
	_, err = r.EnableTOTP(t.Context(), by, proof("wrong", code))
	fails(t, "a wrong password", err, paas.Forbidden, "password")
	_, err = r.EnableTOTP(t.Context(), by, proof(ownerPassword, "12345"))
	fails(t, "a wrong code", err, paas.Invalid, "code")
	on, err := r.EnableTOTP(t.Context(), by, proof(ownerPassword, code))
	if err != nil || !on.User.TOTP {
		t.Fatalf("%+v %v", on, err)
	}
	if r.alive(old) {
		t.Error("a session from before works without the second factor")
	}
	by = r.who(on.Secret)

	_, err = r.SignIn(t.Context(), login(ownerEmail, ownerPassword, "", "198.51.100.7"))
	fails(t, "without a code", err, paas.Unauthenticated, "code")
	_, err = r.SignIn(t.Context(), login(ownerEmail, ownerPassword, code, "198.51.100.7"))
	fails(t, "a code that was used", err, paas.Unauthenticated, "code")

	// The same code on many connections at once: exactly one gets in.
	r.clock.move(2 * totpPeriod * time.Second)
	code = codeAt(t, e.Secret, r.clock.now())
	var wg sync.WaitGroup
	in := make(chan bool, 4)
	for i := range cap(in) {
		wg.Go(func() {
			_, err := r.SignIn(t.Context(), login(ownerEmail, ownerPassword, code, fmt.Sprintf("192.0.%d.1", i)))
			in <- err == nil
		})
	}
	wg.Wait()
	close(in)
	n := 0
	for ok := range in {
		if ok {
			n++
		}
	}
	if n != 1 {
		t.Errorf("one code signed %d browsers in", n)
	}

	_, err = r.DisableTOTP(t.Context(), by, paas.NewSecret("wrong"), Browser{})
	fails(t, "a wrong password", err, paas.Forbidden, "password")
	off, err := r.DisableTOTP(t.Context(), by, paas.NewSecret(ownerPassword), Browser{})
	if err != nil || off.User.TOTP {
		t.Fatalf("%+v %v", off, err)
	}
	r.signIn("")
}

// A browser asks for the code in a second step: the first is no guess.
func TestMissingCodeIsNoFailure(t *testing.T) {
	r := newClaimed(t)
	if err := r.store.SealTOTP(r.owner.ID, NewEnrolment("", paas.Secret{}).Secret); err != nil {
		t.Fatal(err)
	}
	for range 2 * freeTries {
		_, err := r.SignIn(t.Context(), login(ownerEmail, ownerPassword, " ", "198.51.100.7"))
		fails(t, "without a code", err, paas.Unauthenticated, "code")
	}
}

func TestOldHashesAreRenewed(t *testing.T) {
	r := newClaimed(t)
	weak, err := newPasswords(costs{memory: 64, time: 1, threads: 1}).hash(t.Context(), paas.NewSecret(ownerPassword))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.store.UpdateUser(paas.System, r.owner.ID, func(u *paas.User) error { u.PasswordHash = weak; return nil }); err != nil {
		t.Fatal(err)
	}
	r.signIn("")
	u, err := r.store.User(r.owner.ID)
	if err != nil || u.PasswordHash == weak {
		t.Errorf("the weak hash stays: %v", err)
	}
	ok, stale, err := r.passwords.verify(t.Context(), u.PasswordHash, paas.NewSecret(ownerPassword))
	if !ok || stale || err != nil {
		t.Errorf("the new one: %v %v %v", ok, stale, err)
	}
}
