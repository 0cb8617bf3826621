package auth

import (
	"context"
	"strings"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/store"
)

// Login is what a person signs in with.
type Login struct {
	Email    string
	Password paas.Secret
	Code     string // of the second factor; "" when none was asked for yet
	Browser  Browser
}

// SignIn checks a person's password and second factor and begins a session. Every refusal reads the same and takes as
// long, whether the account exists or not; only who has the password right learns that a code is missing
// (Unauthenticated with Field "code").
func (a *Authenticator) SignIn(ctx context.Context, in Login) (SignedIn, error) {
	in.Email = paas.NormalEmail(in.Email)
	if len(in.Email) > paas.MaxEmail {
		return SignedIn{}, wrongLogin()
	}
	u, err := a.store.UserByEmail(in.Email)
	if err != nil && !paas.IsKind(err, paas.NotFound) {
		return SignedIn{}, err
	}
	try, err := a.attempts.try(a.loginKeys(u, in.Email, in.Browser.Addr)...)
	if err != nil {
		return SignedIn{}, err
	}
	if err := a.checkLogin(ctx, u, in, try); err != nil {
		return SignedIn{}, a.recordRefusal(u, in.Browser.Addr, err)
	}
	try.undo()
	a.attempts.forget(accountKey(in.Email))
	return a.startSession(ctx, paas.System, in.Browser, func(*store.Tx) (string, error) { return u.ID, nil })
}

// recordRefusal puts a refusal on record: in the events only when there is such an account, so that guessing
// addresses does not fill them. It returns why, unless that cannot be recorded.
func (a *Authenticator) recordRefusal(u paas.User, addr string, why error) error {
	a.log.Warn("a sign-in was refused", "network", networkOf(addr))
	if u.ID == "" || !paas.IsKind(why, paas.Unauthenticated) {
		return why
	}
	by := paas.Actor{Kind: paas.ActorSystem, Name: paas.System.Name, Addr: addr}
	detail := paas.SessionRefused{Why: paas.Public(why).Msg}
	if err := a.store.AppendEvent(by, detail, u.ID, paas.Path{}); err != nil {
		return err
	}
	return why
}

func accountKey(email string) string { return "account " + email }

// loginKeys are what an attempt is throttled by: the network, and the account. Where the person is signed in already,
// or was a moment ago, the account is left out: otherwise an attacker could keep them out by guessing.
func (a *Authenticator) loginKeys(u paas.User, email, addr string) []string {
	network := networkOf(addr)
	keys := []string{"network " + network}
	if u.ID != "" {
		sessions, err := a.store.SessionsOf(u.ID)
		for _, ses := range sessions {
			if err == nil && networkOf(ses.Addr) == network {
				return keys
			}
		}
	}
	return append(keys, accountKey(email))
}

func (a *Authenticator) checkLogin(ctx context.Context, u paas.User, in Login, try *attempt) error {
	ok, stale, err := a.passwords.verify(ctx, u.PasswordHash, in.Password)
	if err != nil {
		try.undo()
		return err
	}
	if !ok || u.Disabled {
		return wrongLogin()
	}
	if u.TOTP {
		if strings.TrimSpace(in.Code) == "" {
			try.undo()
			return &paas.Error{
				Kind:  paas.Unauthenticated,
				Field: "code",
				Msg:   "the code of your authenticator app is missing",
				Hint:  "type the six digits that it shows now",
			}
		}
		if err := a.useCode(u, in.Code); err != nil {
			return err
		}
	}
	if stale {
		return a.rehash(ctx, u, in.Password)
	}
	return nil
}

// useCode accepts each code once.
func (a *Authenticator) useCode(u paas.User, code string) error {
	secret, err := a.store.TOTPSecret(u.ID)
	if err != nil {
		return err
	}
	step, ok := totpStep(secret, code, a.now())
	if ok {
		ok, err = a.store.UseTOTPStep(u.ID, step)
	}
	if err != nil {
		return err
	}
	if !ok {
		return &paas.Error{
			Kind:  paas.Unauthenticated,
			Field: "code",
			Msg:   "this code is not the right one, or was used already",
			Hint:  "wait for the next one; the clocks of both devices must be right",
		}
	}
	return nil
}

// rehash brings an old hash to today's costs, now that the password is at hand.
func (a *Authenticator) rehash(ctx context.Context, u paas.User, password paas.Secret) error {
	hash, err := a.passwords.hash(ctx, password)
	if err != nil {
		return err
	}
	return a.store.UpdateUser(paas.System, u.ID, func(u *paas.User) error { u.PasswordHash = hash; return nil })
}

func wrongLogin() error {
	return &paas.Error{
		Kind: paas.Unauthenticated,
		Msg:  "the e-mail address or the password is not right",
		Hint: "check both and try again",
	}
}

// confirm checks the present password again, for what a borrowed browser must not do.
func (a *Authenticator) confirm(ctx context.Context, by access.Principal, password paas.Secret) (paas.User, error) {
	u, err := a.store.User(by.User)
	if err != nil {
		return u, err
	}
	try, err := a.attempts.try("confirm " + u.ID)
	if err != nil {
		return u, err
	}
	ok, _, err := a.passwords.verify(ctx, u.PasswordHash, password)
	if err != nil {
		try.undo()
		return u, err
	}
	if !ok {
		return u, &paas.Error{
			Kind:  paas.Forbidden,
			Field: "password",
			Msg:   "the present password is not right",
			Hint:  "type the one that you sign in with",
		}
	}
	try.undo()
	return u, nil
}
