package page

import (
	"net/http"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/auth"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/server"
	"github.com/cloudsania/cloudsania/ui"
)

// accounts is what people see and change of themselves.
type accounts struct{ frame }

func (h accounts) routes() []server.Route {
	return []server.Route{
		{Method: http.MethodGet, Path: "/account", Action: access.SelfRead, Resource: server.NoResource, Handle: h.show},
		{Method: http.MethodPost, Path: "/account/profile", Action: access.SelfUpdate, Resource: server.Self, Handle: h.saveProfile},
		{Method: http.MethodPost, Path: "/account/password", Action: access.SelfUpdate, Resource: server.Self, Handle: h.savePassword},
		{Method: http.MethodPost, Path: "/account/second/begin", Action: access.SelfUpdate, Resource: server.Self, Handle: h.startTOTP},
		{Method: http.MethodPost, Path: "/account/second", Action: access.SelfUpdate, Resource: server.Self, Handle: h.enableTOTP},
		{Method: http.MethodPost, Path: "/account/second/off", Action: access.SelfUpdate, Resource: server.Self, Handle: h.disableTOTP},
		{Method: http.MethodPost, Path: "/account/sessions/end", Action: access.SessionRevoke, Resource: server.Self, Handle: h.endOthers},
		{Method: http.MethodPost, Path: "/account/sessions/:session/end", Action: access.SessionRevoke, Resource: server.TheSession, Handle: h.end},
	}
}

func (h accounts) show(c *server.Call) error {
	return h.page(c, http.StatusOK, ui.AccountPage{})
}

// page fills in what is always shown.
func (h accounts) page(c *server.Call, status int, p ui.AccountPage) error {
	if c.Principal.Kind != access.User {
		return server.Redirect("/") // root on the local socket has no account
	}
	shell, err := h.shell(c, "Your account", "account", ui.Crumb{Text: "Account"})
	if err != nil {
		return err
	}
	u, err := h.who.User(c.Principal)
	if err != nil {
		return err
	}
	p.Shell, p.TOTP, p.MinPass = shell, u.TOTP, auth.MinPassword(u.TOTP)
	sessions, err := h.who.Sessions(c.Principal)
	if err != nil {
		return err
	}
	for _, s := range sessions {
		p.Sessions = append(p.Sessions, ui.Session{ID: s.ID, Agent: ui.AgentName(s.UserAgent), Addr: s.Addr, Created: s.Created, Seen: s.Seen, Current: s.Current})
	}
	return answer(c, status, p)
}

// again shows the section with what was wrong in it. What the API calls "password" is the present one here.
func (h accounts) again(c *server.Call, p ui.AccountPage, shown map[string]string, cause error) error {
	if !correctable(cause) {
		return cause
	}
	if e := paas.Public(cause); e.Kind == paas.Forbidden && e.Field == "password" {
		cause = inField(cause, "current")
	}
	p.Form = ui.Failed(shown, cause)
	return h.page(c, statusOf(cause), p)
}

func (h accounts) saveProfile(c *server.Call) error {
	var in struct {
		Name    string      `form:"name"`
		Email   string      `form:"email"`
		Current paas.Secret `form:"current"`
	}
	shown, err := c.Form(&in)
	if err != nil {
		return err
	}
	if _, err := h.who.UpdateProfile(c.Ctx(), c.Principal, auth.Profile{Name: &in.Name, Email: &in.Email, Password: in.Current}); err != nil {
		return h.again(c, ui.AccountPage{Section: "profile"}, shown, err)
	}
	return redirectAfterPost(c, "/account", "Saved.")
}

func (h accounts) savePassword(c *server.Call) error {
	var in struct {
		Current paas.Secret `form:"current"`
		New     paas.Secret `form:"password"`
	}
	if _, err := c.Form(&in); err != nil {
		return err
	}
	signed, err := h.who.ChangePassword(c.Ctx(), c.Principal, auth.PasswordChange{Password: in.Current, New: in.New, Browser: c.Browser()})
	if err != nil {
		return h.again(c, ui.AccountPage{Section: "password"}, nil, err)
	}
	c.SignedIn(signed)
	return redirectAfterPost(c, "/account", "Your password is changed. Other browsers are signed out.")
}

func (h accounts) startTOTP(c *server.Call) error {
	enrol, err := h.enrolment(c, paas.Secret{})
	if err != nil {
		return err
	}
	return h.page(c, http.StatusOK, ui.AccountPage{Enrol: enrol})
}

// enrolment is a second factor for the person who asks; again is the secret that a form brought back.
func (h accounts) enrolment(c *server.Call, again paas.Secret) (*ui.Enrolment, error) {
	e, err := h.who.StartTOTP(c.Principal, again)
	if err != nil {
		return nil, err
	}
	return shownEnrolment(e)
}

// shownEnrolment is a second factor as the pages show it.
func shownEnrolment(e auth.Enrolment) (*ui.Enrolment, error) {
	code, err := e.QR()
	return &ui.Enrolment{Secret: e.Secret.Reveal(), QR: code}, err
}

func (h accounts) enableTOTP(c *server.Call) error {
	var in struct {
		Secret  paas.Secret `form:"secret"`
		Code    string      `form:"code"`
		Current paas.Secret `form:"current"`
	}
	if _, err := c.Form(&in); err != nil {
		return err
	}
	signed, err := h.who.EnableTOTP(c.Ctx(), c.Principal, auth.TOTPProof{Secret: in.Secret, Code: in.Code, Password: in.Current, Browser: c.Browser()})
	if err == nil {
		c.SignedIn(signed)
		return redirectAfterPost(c, "/account", "Two-step sign-in is on. Other browsers are signed out.")
	}
	enrol, e := h.enrolment(c, in.Secret)
	if e != nil {
		return e
	}
	return h.again(c, ui.AccountPage{Section: "second", Enrol: enrol}, nil, err)
}

func (h accounts) disableTOTP(c *server.Call) error {
	var in struct {
		Current paas.Secret `form:"current"`
	}
	if _, err := c.Form(&in); err != nil {
		return err
	}
	signed, err := h.who.DisableTOTP(c.Ctx(), c.Principal, in.Current, c.Browser())
	if err != nil {
		return h.again(c, ui.AccountPage{Section: "second"}, nil, err)
	}
	c.SignedIn(signed)
	return redirectAfterPost(c, "/account", "Two-step sign-in is off.")
}

func (h accounts) endOthers(c *server.Call) error {
	if err := h.who.EndOtherSessions(c.Principal); err != nil {
		return err
	}
	return redirectAfterPost(c, "/account", "Every other browser is signed out.")
}

func (h accounts) end(c *server.Call) error {
	if err := h.who.EndSession(c.Principal, c.Asked("session")); err != nil {
		return err
	}
	return redirectAfterPost(c, "/account", "That browser is signed out.")
}
