package server

import (
	"net/http"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/auth"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/qr"
	"github.com/cloudsania/cloudsania/ui"
)

func accountPages() []Route {
	return []Route{
		{Method: http.MethodGet, Path: "/account", Action: access.SelfRead, Resource: nowhere, Handle: (*Server).showAccount, Page: true},
		{Method: http.MethodPost, Path: "/account/profile", Action: access.SelfUpdate, Resource: oneself, Handle: (*Server).saveProfile, Page: true},
		{Method: http.MethodPost, Path: "/account/password", Action: access.SelfUpdate, Resource: oneself, Handle: (*Server).savePassword, Page: true},
		{Method: http.MethodPost, Path: "/account/second/begin", Action: access.SelfUpdate, Resource: oneself, Handle: (*Server).beginSecond, Page: true},
		{Method: http.MethodPost, Path: "/account/second", Action: access.SelfUpdate, Resource: oneself, Handle: (*Server).turnOnSecond, Page: true},
		{Method: http.MethodPost, Path: "/account/second/off", Action: access.SelfUpdate, Resource: oneself, Handle: (*Server).turnOffSecond, Page: true},
		{Method: http.MethodPost, Path: "/account/sessions/end", Action: access.SessionRevoke, Resource: oneself, Handle: (*Server).signOutElsewhere, Page: true},
		{Method: http.MethodPost, Path: "/account/sessions/:session/end", Action: access.SessionRevoke, Resource: theSession, Handle: (*Server).signOutThere, Page: true},
	}
}

func (s *Server) showAccount(c *Call) error {
	return s.account(c, http.StatusOK, ui.AccountPage{})
}

// account fills in what the page always shows.
func (s *Server) account(c *Call, status int, p ui.AccountPage) error {
	if c.Principal.Kind != access.User {
		return redirect("/") // root on the local socket has no account
	}
	shell, err := s.shell(c, "Your account", "account", ui.Crumb{Text: "Account"})
	if err != nil {
		return err
	}
	u, err := s.Store.User(c.Principal.User)
	if err != nil {
		return err
	}
	p.Shell, p.TOTP, p.MinPass = shell, u.TOTP, auth.MinPassword(u.TOTP)
	sessions, err := s.Auth.Sessions(c.Principal)
	if err != nil {
		return err
	}
	for _, ses := range sessions {
		p.Sessions = append(p.Sessions, ui.Session{
			ID:      ses.ID,
			Agent:   ui.AgentName(ses.UserAgent),
			Addr:    ses.Addr,
			Created: ses.Created,
			Seen:    ses.Seen,
			Current: ses.Current,
		})
	}
	return c.page(status, p)
}

// accountAgain shows the section with what was wrong in it. What the API calls "password" is the present one here.
func (s *Server) accountAgain(c *Call, p ui.AccountPage, in map[string]string, cause error) error {
	if !correctable(cause) {
		return cause
	}
	if e := paas.Public(cause); e.Kind == paas.Forbidden && e.Field == "password" {
		cause = inField(cause, "current")
	}
	p.Form = ui.Failed(in, cause)
	return s.account(c, Status(errorKind(cause)), p)
}

func (s *Server) saveProfile(c *Call) error {
	in, err := c.form("name", "email")
	if err != nil {
		return err
	}
	all, err := c.values()
	if err != nil {
		return err
	}
	name, email := in["name"], in["email"]
	_, err = s.Auth.UpdateProfile(c.Request().Context(), c.Principal, auth.Profile{
		Name:     &name,
		Email:    &email,
		Password: paas.NewSecret(all.Get("current")),
	})
	if err != nil {
		return s.accountAgain(c, ui.AccountPage{Section: "profile"}, in, err)
	}
	return c.went("/account", "Saved.")
}

func (s *Server) savePassword(c *Call) error {
	all, err := c.values()
	if err != nil {
		return err
	}
	signedIn, err := s.Auth.ChangePassword(c.Request().Context(), c.Principal, auth.PasswordChange{
		Password: paas.NewSecret(all.Get("current")),
		New:      paas.NewSecret(all.Get("password")),
		Browser:  c.browser(),
	})
	if err != nil {
		return s.accountAgain(c, ui.AccountPage{Section: "password"}, nil, err)
	}
	c.keepSession(signedIn)
	return c.went("/account", "Your password is changed. Other browsers are signed out.")
}

func (s *Server) beginSecond(c *Call) error {
	enrol, err := s.secondFactor(c, paas.Secret{})
	if err != nil {
		return err
	}
	return s.account(c, http.StatusOK, ui.AccountPage{Enrol: enrol})
}

// secondFactor is one for the person who asks; again is the secret of a form that has to be filled in again.
func (s *Server) secondFactor(c *Call, again paas.Secret) (*ui.Enrolment, error) {
	e, err := s.Auth.StartTOTP(c.Principal, again)
	if err != nil {
		return nil, err
	}
	return enrolment(e)
}

// enrolment is a second factor as the pages show it.
func enrolment(e auth.Enrolment) (*ui.Enrolment, error) {
	code, err := qr.Encode(e.URI.Reveal())
	if err != nil {
		return nil, err
	}
	return &ui.Enrolment{Secret: e.Secret.Reveal(), QR: code}, nil
}

func (s *Server) turnOnSecond(c *Call) error {
	all, err := c.values()
	if err != nil {
		return err
	}
	secret := paas.NewSecret(all.Get("secret"))
	signedIn, err := s.Auth.EnableTOTP(c.Request().Context(), c.Principal, auth.TOTPProof{
		Secret:   secret,
		Code:     all.Get("code"),
		Password: paas.NewSecret(all.Get("current")),
		Browser:  c.browser(),
	})
	if err == nil {
		c.keepSession(signedIn)
		return c.went("/account", "Two-step sign-in is on. Other browsers are signed out.")
	}
	enrol, e := s.secondFactor(c, secret)
	if e != nil {
		return e
	}
	return s.accountAgain(c, ui.AccountPage{Section: "second", Enrol: enrol}, nil, err)
}

func (s *Server) turnOffSecond(c *Call) error {
	all, err := c.values()
	if err != nil {
		return err
	}
	password := paas.NewSecret(all.Get("current"))
	signedIn, err := s.Auth.DisableTOTP(c.Request().Context(), c.Principal, password, c.browser())
	if err != nil {
		return s.accountAgain(c, ui.AccountPage{Section: "second"}, nil, err)
	}
	c.keepSession(signedIn)
	return c.went("/account", "Two-step sign-in is off.")
}

func (s *Server) signOutElsewhere(c *Call) error {
	if err := s.Auth.EndOtherSessions(c.Principal); err != nil {
		return err
	}
	return c.went("/account", "Every other browser is signed out.")
}

func (s *Server) signOutThere(c *Call) error {
	if err := s.Auth.EndSession(c.Principal, c.asked("session")); err != nil {
		return err
	}
	return c.went("/account", "That browser is signed out.")
}
