package auth

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/paas"
)

// newClaim offers the installation.
func (r *rig) newClaim() paas.Secret {
	r.t.Helper()
	secret, expires, err := r.IssueClaim()
	if err != nil || len(secret.Reveal()) < 26 || expires.Sub(r.clock.now()) != claimLife {
		r.t.Fatal(expires, err)
	}
	return secret
}

func newOwner(claim paas.Secret, password string) NewOwner {
	return NewOwner{Claim: claim, Name: "Ada", Email: ownerEmail, Password: paas.NewSecret(password), Browser: Browser{Addr: "203.0.113.9"}}
}

func TestClaim(t *testing.T) {
	r := newRig(t)
	secret := r.newClaim()
	_, err := r.Claim(t.Context(), newOwner(paas.NewSecret("wrong"), ownerPassword))
	fails(t, "a wrong claim", err, paas.Unauthenticated, "claim")
	_, err = r.Claim(t.Context(), newOwner(secret, "short"))
	fails(t, "a short password", err, paas.Invalid, "password")
	if claimed, err := r.Claimed(); claimed || err != nil {
		t.Errorf("claimed before there is an owner: %v", err)
	}
	in, err := r.Claim(t.Context(), newOwner(paas.NewSecret(" "+secret.Reveal()+"\n"), ownerPassword))
	if err != nil || in.User.Role != paas.Owner || in.User.TOTP || in.User.Email != ownerEmail {
		t.Fatalf("%+v %v", in, err)
	}
	if claimed, err := r.Claimed(); !claimed || err != nil {
		t.Errorf("not claimed: %v", err)
	}
	if p, err := r.Session(in.Secret, ""); err != nil || p.Kind != access.User || p.Role != paas.Owner || p.Scope.Team == "" {
		t.Errorf("%+v %v", p, err)
	}
	_, err = r.Claim(t.Context(), newOwner(secret, ownerPassword))
	fails(t, "a second time", err, paas.Unauthenticated, "claim")
	_, _, err = r.IssueClaim()
	fails(t, "another claim", err, paas.Conflict, "")
	if strings.Contains(r.logs.String(), secret.Reveal()) {
		t.Error("the claim is in the log")
	}
}

func TestClaimWithSecondFactor(t *testing.T) {
	r := newRig(t)
	e := NewEnrolment(ownerEmail, paas.Secret{})
	in := newOwner(r.newClaim(), "eight888")
	_, err := r.Claim(t.Context(), in)
	fails(t, "too short to stand alone", err, paas.Invalid, "password")
	in.TOTP, in.Code = paas.NewSecret("A"), "000000"
	_, err = r.Claim(t.Context(), in)
	fails(t, "a secret of another make", err, paas.Invalid, "secret")
	in.TOTP, in.Code = e.Secret, "12345"
	_, err = r.Claim(t.Context(), in)
	fails(t, "a wrong code", err, paas.Invalid, "code")
	in.Code = codeAt(t, e.Secret, r.clock.now())
	out, err := r.Claim(t.Context(), in)
	if err != nil || !out.User.TOTP {
		t.Fatalf("%+v %v", out, err)
	}
	_, err = r.SignIn(t.Context(), login("ADA@example.com ", "eight888", in.Code, ""))
	fails(t, "the code that made the owner", err, paas.Unauthenticated, "code")
	r.clock.move(totpPeriod * time.Second)
	if _, err := r.SignIn(t.Context(), login("ADA@example.com ", "eight888", codeAt(t, e.Secret, r.clock.now()), "")); err != nil {
		t.Error(err)
	}
}

// Of many who come with the same claim, exactly one becomes the owner.
func TestClaimOnce(t *testing.T) {
	r := newRig(t)
	secret := r.newClaim()
	won := make(chan error, 6)
	var wg sync.WaitGroup
	for range cap(won) {
		wg.Go(func() {
			_, err := r.Claim(t.Context(), newOwner(secret, ownerPassword))
			won <- err
		})
	}
	wg.Wait()
	close(won)
	n := 0
	for err := range won {
		if err == nil {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d owners", n)
	}
}

func TestClaimExpiresAndIsReplaced(t *testing.T) {
	r := newRig(t)
	first := r.newClaim()
	second := r.newClaim()
	fails(t, "one that was replaced", r.CheckClaim(first, ""), paas.Unauthenticated, "claim")
	if err := r.CheckClaim(second, ""); err != nil {
		t.Error(err)
	}
	r.clock.move(claimLife + time.Second)
	fails(t, "an hour later", r.CheckClaim(second, ""), paas.Unauthenticated, "claim")
}

func TestClaimGuessesAreSlowedDown(t *testing.T) {
	r := newRig(t)
	secret := r.newClaim()
	for range freeTries {
		fails(t, "a guess", r.CheckClaim(paas.NewSecret("wrong"), "203.0.113.9"), paas.Unauthenticated, "claim")
	}
	fails(t, "the right one", r.CheckClaim(secret, "203.0.113.99"), paas.Throttled, "")
	if err := r.CheckClaim(secret, "192.0.2.1"); err != nil {
		t.Errorf("another network is held up: %v", err)
	}
}

func TestPresetClaim(t *testing.T) {
	r := newRig(t)
	preset := paas.NewSecret("four words in a row")
	fails(t, "a short one", r.PresetClaim(paas.NewSecret("short")), paas.Invalid, "claim")
	if err := r.PresetClaim(paas.Secret{}); err != nil {
		t.Errorf("none: %v", err)
	}
	if err := r.PresetClaim(preset); err != nil {
		t.Fatal(err)
	}
	r.clock.move(1000 * time.Hour) // valid until used
	if secret, expires, err := r.IssueClaim(); err != nil || !secret.IsZero() || !expires.IsZero() {
		t.Errorf("another one takes the place of the chosen secret: %v", err)
	}
	if _, err := r.Claim(t.Context(), newOwner(preset, ownerPassword)); err != nil {
		t.Fatal(err)
	}
	if err := r.PresetClaim(preset); err != nil { // the setting may stay where it is
		t.Errorf("after the claim: %v", err)
	}
}
