package server

import (
	"net/http"
	"slices"
	"strings"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/paas"
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
	p.Shell, p.TOTP, p.MinPass = shell, u.TOTP, MinPassword(u.TOTP)
	sessions, err := s.Store.SessionsOf(u.ID)
	if err != nil {
		return err
	}
	slices.SortFunc(sessions, func(a, b paas.Session) int { return b.Seen.Compare(a.Seen) })
	for _, ses := range sessions {
		p.Sessions = append(p.Sessions, ui.Session{ID: sessionID(ses), Agent: ui.AgentName(ses.UserAgent), Addr: ses.Addr, Created: ses.Created, Seen: ses.Seen,
			Current: ses.Hash == c.Principal.Session})
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
	section := ui.AccountPage{Section: "profile"}
	u, err := s.Store.User(c.Principal.User)
	if err != nil {
		return err
	}
	if in["email"] != u.Email {
		if _, err := s.confirm(c, all.Get("current")); err != nil {
			return s.accountAgain(c, section, in, err)
		}
	}
	err = s.Store.UpdateUser(c.Actor(), u.ID, func(u *paas.User) error {
		u.Name, u.Email = in["name"], in["email"]
		return nil
	})
	if err != nil {
		return s.accountAgain(c, section, in, err)
	}
	return c.went("/account", "Saved.")
}

func (s *Server) savePassword(c *Call) error {
	all, err := c.values()
	if err != nil {
		return err
	}
	if err := s.ChangePassword(c, api.ChangePassword{Password: all.Get("current"), New: all.Get("password")}); err != nil {
		return s.accountAgain(c, ui.AccountPage{Section: "password"}, nil, err)
	}
	return c.went("/account", "Your password is changed. Other browsers are signed out.")
}

func (s *Server) beginSecond(c *Call) error {
	u, err := s.Store.User(c.Principal.User)
	if err != nil {
		return err
	}
	enrol, err := enrolment(NewEnrolment(u.Email))
	if err != nil {
		return err
	}
	return s.account(c, http.StatusOK, ui.AccountPage{Enrol: enrol})
}

// enrolment is a second factor as the pages show it.
func enrolment(e Enrolment) (*ui.Enrolment, error) {
	size, dark, err := QRModules(e.URI)
	if err != nil {
		return nil, err
	}
	return &ui.Enrolment{Secret: e.Secret, QR: ui.NewQR(size, dark)}, nil
}

// enrolmentOf is the second factor that a form brought back, so that the same code can be scanned again; a fresh one when it is none.
func enrolmentOf(email, secret string) Enrolment {
	e := NewEnrolment(email)
	if raw, err := secretAlphabet.DecodeString(strings.ToLower(secret)); err != nil || len(raw) != totpBytes {
		return e
	}
	return Enrolment{Secret: secret, URI: strings.Replace(e.URI, e.Secret, secret, 1)}
}

func (s *Server) turnOnSecond(c *Call) error {
	all, err := c.values()
	if err != nil {
		return err
	}
	secret := all.Get("secret")
	err = s.EnableTOTP(c, api.Enrol{Secret: secret, Code: all.Get("code"), Password: all.Get("current")})
	if err == nil {
		return c.went("/account", "Two-step sign-in is on. Other browsers are signed out.")
	}
	u, e := s.Store.User(c.Principal.User)
	if e != nil {
		return e
	}
	enrol, e := enrolment(enrolmentOf(u.Email, secret))
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
	if err := s.DisableTOTP(c, all.Get("current")); err != nil {
		return s.accountAgain(c, ui.AccountPage{Section: "second"}, nil, err)
	}
	return c.went("/account", "Two-step sign-in is off.")
}

func (s *Server) signOutElsewhere(c *Call) error {
	if err := s.endSessions(c, func(ses paas.Session) bool { return ses.Hash != c.Principal.Session }); err != nil {
		return err
	}
	return c.went("/account", "Every other browser is signed out.")
}

func (s *Server) signOutThere(c *Call) error {
	if err := s.endSessions(c, func(ses paas.Session) bool { return sessionID(ses) == c.asked("session") }); err != nil {
		return err
	}
	return c.went("/account", "That browser is signed out.")
}
