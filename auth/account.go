package auth

import (
	"context"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/store"
)

// User is the person who asks; NotFound for principals that are none.
func (a *Authenticator) User(by access.Principal) (paas.User, error) { return a.store.User(by.User) }

// TokenOf is the token that asks.
func (a *Authenticator) TokenOf(by access.Principal) (paas.Token, error) { return a.store.Token(by.ID) }

// Profile is what a person says about themselves. Nil leaves a member as it is.
type Profile struct {
	Name, Email *string
	Password    paas.Secret // the present one, needed for another address
}

// UpdateProfile changes the name or e-mail address of the person who asks.
func (a *Authenticator) UpdateProfile(ctx context.Context, by access.Principal, in Profile) (paas.User, error) {
	u, err := a.store.User(by.User)
	if err != nil {
		return u, err
	}
	if in.Email != nil && paas.NormalEmail(*in.Email) != u.Email { // who has the mail box gets into the account
		if _, err := a.confirm(ctx, by, in.Password); err != nil {
			return u, err
		}
	}
	err = a.store.Change(ctx, by.Actor(), func(t *store.Tx) error {
		err := t.UpdateUser(u.ID, func(u *paas.User) error {
			if in.Name != nil {
				u.Name = *in.Name
			}
			if in.Email != nil {
				u.Email = *in.Email
			}
			return nil
		})
		if err != nil {
			return err
		}
		u, err = t.User(u.ID)
		return err
	})
	return u, err
}

// PasswordChange replaces the present password.
type PasswordChange struct {
	Password, New paas.Secret
	Browser       Browser
}

// ChangePassword changes the password of the person who asks. Every session ends; this browser gets a new one.
func (a *Authenticator) ChangePassword(ctx context.Context, by access.Principal, in PasswordChange) (SignedIn, error) {
	u, err := a.confirm(ctx, by, in.Password)
	if err != nil {
		return SignedIn{}, err
	}
	if err := checkPassword(in.New, u.Email, u.Name, u.TOTP); err != nil {
		return SignedIn{}, err
	}
	hash, err := a.passwords.hash(ctx, in.New)
	if err != nil {
		return SignedIn{}, err
	}
	return a.startSession(ctx, by.Actor(), in.Browser, func(t *store.Tx) (string, error) {
		return u.ID, t.UpdateUser(u.ID, func(u *paas.User) error { u.PasswordHash = hash; return nil })
	})
}

// StartTOTP makes a second factor for the person who asks, as NewEnrolment does. EnableTOTP switches it on.
func (a *Authenticator) StartTOTP(by access.Principal, again paas.Secret) (Enrolment, error) {
	u, err := a.store.User(by.User)
	if err != nil {
		return Enrolment{}, err
	}
	return NewEnrolment(u.Email, again), nil
}

// TOTPProof shows that the authenticator app has the secret of a second factor.
type TOTPProof struct {
	Secret   paas.Secret
	Code     string
	Password paas.Secret // the present one
	Browser  Browser
}

// EnableTOTP switches the second factor on once the authenticator app has shown a code. Every session ends; this
// browser gets a new one.
func (a *Authenticator) EnableTOTP(ctx context.Context, by access.Principal, in TOTPProof) (SignedIn, error) {
	u, err := a.confirm(ctx, by, in.Password)
	if err != nil {
		return SignedIn{}, err
	}
	step, err := checkEnrolment(in.Secret, in.Code, a.now())
	if err != nil {
		return SignedIn{}, err
	}
	return a.startSession(ctx, by.Actor(), in.Browser, func(t *store.Tx) (string, error) {
		return u.ID, enrol(t, u.ID, in.Secret, step)
	})
}

// DisableTOTP switches the second factor off. Conflict when the password is too short to stand alone. Every session
// ends; this browser gets a new one.
func (a *Authenticator) DisableTOTP(ctx context.Context, by access.Principal, password paas.Secret, in Browser) (SignedIn, error) {
	u, err := a.confirm(ctx, by, password)
	if err != nil {
		return SignedIn{}, err
	}
	if err := checkPassword(password, u.Email, u.Name, false); err != nil {
		return SignedIn{}, &paas.Error{
			Kind: paas.Conflict,
			Msg:  "your password is too short to stand alone",
			Hint: "change it to a longer one first",
			Err:  err,
		}
	}
	return a.startSession(ctx, by.Actor(), in, func(t *store.Tx) (string, error) {
		return u.ID, t.UpdateUser(u.ID, func(u *paas.User) error { u.TOTP = false; return nil })
	})
}

// enrol switches the second factor on, its first code being used up.
func enrol(t *store.Tx, user string, secret paas.Secret, step int64) error {
	if err := t.SealTOTP(user, secret); err != nil {
		return err
	}
	_, err := t.UseTOTPStep(user, step)
	return err
}
