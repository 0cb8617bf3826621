package store

import (
	"errors"

	"github.com/cloudsania/cloudsania/paas"
)

// SealTOTP gives a user a second factor that is asked for from now on, and replaces the one before; the sessions are void after it. Call it
// once the person has shown a code of it.
func (s *Store) SealTOTP(user string, secret paas.Secret) error {
	if secret.IsZero() {
		return paas.Invalidf("totp", "switch the second factor off with UpdateUser", "there is no secret")
	}
	return s.update(func(t *tx) error {
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
		return t.userEvent(paas.Actor{Kind: paas.ActorUser, ID: user, Name: r.Name}, "user.totp_set", r.User, nil)
	})
}

// TOTPSecret of a user. NotFound when none is asked for.
func (s *Store) TOTPSecret(user string) (paas.Secret, error) {
	var secret paas.Secret
	err := s.view(func(t *tx) error {
		r, err := get[userRecord](t, userBucket, user)
		if err != nil {
			return err
		}
		box, ok, err := t.raw(totpBucket, user)
		if err != nil {
			return err
		}
		if !r.TOTP || !ok {
			return notFound("second factor of user", user)
		}
		plain, err := t.s.seals.open(totpBucket, user, r.TOTPVersion, box)
		secret = paas.NewSecret(string(plain))
		return err
	})
	return secret, err
}

// UseTOTPStep takes note that a code of that time step was used; false when it, or a later one, was used before: a code works once, also
// when two requests come at the same moment.
func (s *Store) UseTOTPStep(user string, step int64) (bool, error) {
	fresh := false
	err := s.update(func(t *tx) error {
		r, err := get[userRecord](t, userBucket, user)
		if err != nil {
			return err
		}
		fresh = step > r.TOTPStep
		if !fresh {
			return nil
		}
		r.TOTPStep = step
		return t.put(userBucket, user, r)
	})
	return fresh && err == nil, err
}
