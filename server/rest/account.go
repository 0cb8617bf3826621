package rest

import (
	"net/http"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/auth"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/server"
	"github.com/cloudsania/cloudsania/terminal"
)

// accounts are what people do about themselves.
type accounts struct{ who *auth.Authenticator }

func (h accounts) routes() []server.Route {
	const me = "/api/v1/users/me"
	return []server.Route{
		{Method: http.MethodPost, Path: "/api/v1/login", Action: access.SessionStart, Resource: server.NoResource, Handle: h.signIn,
			Doc: server.Doc{ID: "login", Summary: "Sign a browser in: the answer sets a cookie", In: api.Login{}, Out: api.User{}}},
		{Method: http.MethodPost, Path: "/api/v1/logout", Action: access.SessionRevoke, Resource: server.Self, Handle: h.signOut,
			Doc: server.Doc{ID: "logout", Summary: "Sign this browser out"}},
		{Method: http.MethodGet, Path: me, Action: access.SelfRead, Resource: server.NoResource, Handle: h.show,
			Doc: server.Doc{ID: "showMe", Summary: "Tell whom the credential stands for", Out: api.Me{}}},
		{Method: http.MethodPatch, Path: me, Action: access.SelfUpdate, Resource: server.Self, Handle: h.update,
			Doc: server.Doc{ID: "updateMe", Summary: "Change one's name or e-mail address", In: api.UpdateMe{}, Out: api.User{}}},
		{Method: http.MethodPost, Path: me + "/password", Action: access.SelfUpdate, Resource: server.Self, Handle: h.changePassword,
			Doc: server.Doc{ID: "changePassword", Summary: "Change one's password; every other session ends", In: api.ChangePassword{}}},
		{Method: http.MethodPost, Path: me + "/totp", Action: access.SelfUpdate, Resource: server.Self, Handle: h.startTOTP,
			Doc: server.Doc{ID: "startEnrolment", Summary: "Ask for a new second factor", Out: api.EnrolmentSecret{}}},
		{Method: http.MethodPut, Path: me + "/totp", Action: access.SelfUpdate, Resource: server.Self, Handle: h.enableTOTP,
			Doc: server.Doc{ID: "finishEnrolment", Summary: "Switch the second factor on; every other session ends", In: api.Enrol{}, Out: api.User{}}},
		{Method: http.MethodDelete, Path: me + "/totp", Action: access.SelfUpdate, Resource: server.Self, Handle: h.disableTOTP,
			Doc: server.Doc{ID: "dropEnrolment", Summary: "Switch the second factor off; every other session ends", In: api.ConfirmPassword{}, Out: api.User{}}},
		{Method: http.MethodGet, Path: "/api/v1/sessions", Action: access.SessionList, Resource: server.Self, Handle: h.sessions,
			Doc: server.Doc{ID: "listSessions", Summary: "List the browsers that one is signed in with", Out: api.Sessions{}}},
		{Method: http.MethodDelete, Path: "/api/v1/sessions", Action: access.SessionRevoke, Resource: server.Self, Handle: h.endOthers,
			Doc: server.Doc{ID: "endOtherSessions", Summary: "Sign out everywhere else"}},
		{Method: http.MethodDelete, Path: "/api/v1/sessions/:session", Action: access.SessionRevoke, Resource: server.TheSession, Handle: h.end,
			Doc: server.Doc{ID: "endSession", Summary: "Sign one browser out"}},
	}
}

func (h accounts) signIn(c *server.Call) error {
	var in api.Login
	if err := c.Decode(&in); err != nil {
		return err
	}
	signed, err := h.who.SignIn(c.Ctx(), auth.Login{Email: in.Email, Password: paas.NewSecret(in.Password), Code: in.Code, Browser: c.Browser()})
	if err != nil {
		return err
	}
	c.SignedIn(signed)
	return c.JSON(http.StatusOK, userDTO(signed.User))
}

func (h accounts) signOut(c *server.Call) error {
	if err := h.who.SignOut(c.Principal); err != nil {
		return err
	}
	c.SignedOut()
	return c.NoContent(http.StatusNoContent)
}

func (h accounts) show(c *server.Call) error {
	out := api.Me{Kind: string(c.Principal.Kind)}
	switch c.Principal.Kind {
	case access.User:
		u, err := h.who.User(c.Principal)
		if err != nil {
			return err
		}
		dto := userDTO(u)
		out.User = &dto
	case access.Token:
		t, err := h.who.TokenOf(c.Principal)
		if err != nil {
			return err
		}
		dto := tokenDTO(t)
		out.Token = &dto
	}
	return c.JSON(http.StatusOK, out)
}

func (h accounts) update(c *server.Call) error {
	var in api.UpdateMe
	if err := c.Decode(&in); err != nil {
		return err
	}
	u, err := h.who.UpdateProfile(c.Ctx(), c.Principal, auth.Profile{Name: in.Name, Email: in.Email, Password: paas.NewSecret(in.Password)})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, userDTO(u))
}

func (h accounts) changePassword(c *server.Call) error {
	var in api.ChangePassword
	if err := c.Decode(&in); err != nil {
		return err
	}
	signed, err := h.who.ChangePassword(c.Ctx(), c.Principal, auth.PasswordChange{Password: paas.NewSecret(in.Password), New: paas.NewSecret(in.New), Browser: c.Browser()})
	if err != nil {
		return err
	}
	c.SignedIn(signed)
	return c.NoContent(http.StatusNoContent)
}

func (h accounts) startTOTP(c *server.Call) error {
	e, err := h.who.StartTOTP(c.Principal, paas.Secret{})
	if err != nil {
		return err
	}
	return answerEnrolment(c, e)
}

func answerEnrolment(c *server.Call, e auth.Enrolment) error {
	code, err := e.QR()
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, api.EnrolmentSecret{Secret: e.Secret.Reveal(), URI: e.URI.Reveal(), QR: code.SVG()})
}

func (h accounts) enableTOTP(c *server.Call) error {
	var in api.Enrol
	if err := c.Decode(&in); err != nil {
		return err
	}
	signed, err := h.who.EnableTOTP(c.Ctx(), c.Principal, auth.TOTPProof{Secret: paas.NewSecret(in.Secret), Code: in.Code, Password: paas.NewSecret(in.Password), Browser: c.Browser()})
	if err != nil {
		return err
	}
	c.SignedIn(signed)
	return c.JSON(http.StatusOK, userDTO(signed.User))
}

func (h accounts) disableTOTP(c *server.Call) error {
	var in api.ConfirmPassword
	if err := c.Decode(&in); err != nil {
		return err
	}
	signed, err := h.who.DisableTOTP(c.Ctx(), c.Principal, paas.NewSecret(in.Password), c.Browser())
	if err != nil {
		return err
	}
	c.SignedIn(signed)
	return c.JSON(http.StatusOK, userDTO(signed.User))
}

func (h accounts) sessions(c *server.Call) error {
	all, err := h.who.Sessions(c.Principal)
	if err != nil {
		return err
	}
	out := api.Sessions{Sessions: []api.Session{}}
	for _, s := range all {
		out.Sessions = append(out.Sessions, api.Session{ID: s.ID, Current: s.Current, UserAgent: terminal.Plain(s.UserAgent), Addr: s.Addr,
			Created: s.Created, Seen: s.Seen, Expires: s.Expires})
	}
	return c.JSON(http.StatusOK, out)
}

func (h accounts) end(c *server.Call) error {
	if err := h.who.EndSession(c.Principal, c.Asked("session")); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

func (h accounts) endOthers(c *server.Call) error {
	if err := h.who.EndOtherSessions(c.Principal); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
