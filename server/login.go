package server

import (
	"context"
	"strings"

	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/paas"
)

const maxEmail = 254 // RFC 5321, 4.5.3.1.3

// SignIn checks a person's password and second factor and signs their browser in. Every refusal reads the same and takes as long, whether
// the account exists or not; only who has the password right learns that a code is missing (Unauthenticated with Field "code").
func (s *Server) SignIn(c *Call, in api.Login) (paas.User, error) {
	ctx := c.Request().Context()
	in.Email = strings.ToLower(strings.TrimSpace(in.Email))
	if len(in.Email) > maxEmail {
		return paas.User{}, wrongLogin()
	}
	u, err := s.Store.UserByEmail(in.Email)
	if err != nil && !paas.IsKind(err, paas.NotFound) {
		return paas.User{}, err
	}
	try, err := s.logins.try(s.loginKeys(u, in.Email, addrOf(c.Request()))...)
	if err != nil {
		return paas.User{}, err
	}
	if err := s.checkLogin(ctx, u, in, try); err != nil {
		return paas.User{}, s.refusedLogin(c, u, err)
	}
	try.forgive()
	s.logins.forget(accountKey(in.Email))
	return u, s.startSession(c, u)
}

// refusedLogin puts a refusal on record: in the events when there is such an account, so that guessing addresses does not fill them.
func (s *Server) refusedLogin(c *Call, u paas.User, why error) error {
	addr := addrOf(c.Request())
	s.Log.Warn("a sign-in was refused", "request", c.RequestID(), "network", prefixOf(addr))
	if u.ID == "" || !paas.IsKind(why, paas.Unauthenticated) {
		return why
	}
	by := paas.Actor{Kind: paas.ActorSystem, Name: paas.System.Name, Addr: addr}
	if err := s.Store.AppendEvent(by, "session.refused", u.ID, paas.Path{}, map[string]string{"why": paas.Public(why).Msg}); err != nil {
		return err
	}
	return why
}

func accountKey(email string) string { return "account " + email }

// loginKeys are what an attempt is throttled by: the network, and the account. Where the person is signed in already, or was a moment
// ago, the account is left out: otherwise anybody could keep them out by guessing.
func (s *Server) loginKeys(u paas.User, email, addr string) []string {
	network := prefixOf(addr)
	keys := []string{"network " + network}
	if u.ID != "" {
		sessions, err := s.Store.SessionsOf(u.ID)
		for _, ses := range sessions {
			if err == nil && prefixOf(ses.Addr) == network {
				return keys
			}
		}
	}
	return append(keys, accountKey(email))
}

func (s *Server) checkLogin(ctx context.Context, u paas.User, in api.Login, try *attempt) error {
	ok, stale, err := s.passwords.verify(ctx, u.PasswordHash, in.Password)
	if err != nil {
		try.forgive()
		return err
	}
	if !ok || u.Disabled {
		return wrongLogin()
	}
	if u.TOTP {
		if strings.TrimSpace(in.Code) == "" {
			try.forgive()
			return &paas.Error{Kind: paas.Unauthenticated, Field: "code", Msg: "the code of your authenticator app is missing", Hint: "type the six digits that it shows now"}
		}
		if err := s.useCode(u, in.Code); err != nil {
			return err
		}
	}
	if stale {
		return s.rehash(ctx, u, in.Password)
	}
	return nil
}

// useCode accepts each code once.
func (s *Server) useCode(u paas.User, code string) error {
	secret, err := s.Store.TOTPSecret(u.ID)
	if err != nil {
		return err
	}
	step, ok := totpStep(secret.Reveal(), code, s.Now())
	if ok {
		ok, err = s.Store.UseTOTPStep(u.ID, step)
	}
	if err != nil {
		return err
	}
	if !ok {
		return &paas.Error{Kind: paas.Unauthenticated, Field: "code", Msg: "this code is not the right one, or was used already",
			Hint: "wait for the next one; the clocks of both devices must be right"}
	}
	return nil
}

// rehash brings an old hash to today's costs, now that the password is at hand.
func (s *Server) rehash(ctx context.Context, u paas.User, password string) error {
	hash, err := s.passwords.hash(ctx, password)
	if err != nil {
		return err
	}
	return s.Store.UpdateUser(paas.System, u.ID, func(u *paas.User) error { u.PasswordHash = hash; return nil })
}

func wrongLogin() error {
	return &paas.Error{Kind: paas.Unauthenticated, Msg: "the e-mail address or the password is not right", Hint: "check both and try again"}
}

// confirm checks the present password again, for what a borrowed browser must not do.
func (s *Server) confirm(c *Call, password string) (paas.User, error) {
	u, err := s.Store.User(c.Principal.User)
	if err != nil {
		return u, err
	}
	try, err := s.logins.try("confirm " + u.ID)
	if err != nil {
		return u, err
	}
	ok, _, err := s.passwords.verify(c.Request().Context(), u.PasswordHash, password)
	if err != nil {
		try.forgive()
		return u, err
	}
	if !ok {
		return u, &paas.Error{Kind: paas.Forbidden, Field: "password", Msg: "the present password is not right", Hint: "type the one that you sign in with"}
	}
	try.forgive()
	return u, nil
}
