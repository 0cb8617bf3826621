package store

import (
	"errors"

	"github.com/cloudsania/cloudsania/paas"
)

// SealTOTP gives a user a second factor that is asked for from now on, and replaces the one before; the sessions are void after it. Call it
// once the person has shown a code of it.
func (t *Tx) SealTOTP(user string, secret paas.Secret) error {
	if secret.IsZero() {
		return paas.Invalidf("totp", "switch the second factor off with UpdateUser", "there is no secret")
	}
	r, err := get[userRecord](t, userBucket, user)
	if err != nil {
		return err
	}
	r.TOTPVersion++
	r.TOTP, r.TOTPStep = true, 0
	r.Epoch++
	err = errors.Join(
		t.putRaw(totpBucket, user, t.s.seals.seal(totpBucket, user, r.TOTPVersion, []byte(secret.Reveal()))),
		t.put(userBucket, user, r),
	)
	if err != nil {
		return err
	}
	return t.byPerson(r.User, "").userEvent(paas.UserTOTPSet{}, r.User)
}

// TOTPSecret of a user. NotFound when none is asked for.
func (t *Tx) TOTPSecret(user string) (paas.Secret, error) {
	r, err := get[userRecord](t, userBucket, user)
	if err != nil {
		return paas.Secret{}, err
	}
	box, ok, err := t.raw(totpBucket, user)
	if err != nil {
		return paas.Secret{}, err
	}
	if !r.TOTP || !ok {
		return paas.Secret{}, notFound("second factor of user", user)
	}
	plain, err := t.s.seals.open(totpBucket, user, r.TOTPVersion, box)
	return paas.NewSecret(string(plain)), err
}

// UseTOTPStep takes note that a code of that time step was used; false when it, or a later one, was used before: a code works once, also
// when two requests come at the same moment.
func (t *Tx) UseTOTPStep(user string, step int64) (bool, error) {
	r, err := get[userRecord](t, userBucket, user)
	if err != nil || step <= r.TOTPStep {
		return false, err
	}
	r.TOTPStep = step
	return true, t.keep(userBucket, user, r)
}
