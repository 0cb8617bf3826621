package page

import (
	"net/http"
	"strings"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/auth"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/server"
	"github.com/cloudsania/cloudsania/ui"
)

// logins is signing in and out.
type logins struct{ frame }

func (h logins) routes() []server.Route {
	return []server.Route{
		{Method: http.MethodGet, Path: "/login", Action: access.SessionStart, Resource: server.NoResource, Handle: h.show},
		{Method: http.MethodPost, Path: "/login", Action: access.SessionStart, Resource: server.NoResource, Handle: h.signIn},
		{Method: http.MethodPost, Path: "/logout", Action: access.SessionRevoke, Resource: server.Self, Handle: h.signOut},
	}
}

func (h logins) show(c *server.Call) error {
	next := safeNext(c.QueryParam("next"))
	if c.Principal.Kind == access.User {
		return server.Redirect(next)
	}
	return h.page(c, http.StatusOK, ui.LoginPage{Next: next})
}

func (h logins) page(c *server.Call, status int, p ui.LoginPage) error {
	p.Bare = ui.Bare{Title: "Sign in", Scripts: []string{"login.js"}, Flash: flash(c)}
	p.Action = "/login"
	return answer(c, status, p)
}

func (h logins) signIn(c *server.Call) error {
	var in struct {
		Email    string      `form:"email"`
		Password paas.Secret `form:"password"`
		Code     string      `form:"code"`
		Next     string      `form:"next"`
	}
	if _, err := c.Form(&in); err != nil {
		return err
	}
	next := safeNext(in.Next)
	signed, err := h.who.SignIn(c.Ctx(), auth.Login{Email: in.Email, Password: in.Password, Code: in.Code, Browser: c.Browser()})
	if err == nil {
		c.SignedIn(signed)
		return redirectAfterPost(c, next, "")
	}
	if wantsFragment(c, "json") || !correctable(err) {
		return err
	}
	needCode := paas.Public(err).Field == "code"
	return h.page(c, statusOf(err), ui.LoginPage{Next: next, NeedCode: needCode, Form: ui.Failed(map[string]string{"email": in.Email}, err)})
}

// safeNext is a path of ours to go on to, whatever a link says.
func safeNext(next string) string {
	path, _, _ := strings.Cut(next, "?")
	if !server.IsLocal(next) || strings.HasPrefix(next, "/login") || strings.HasPrefix(next, ui.StaticPrefix) || strings.HasSuffix(path, "/live") {
		return "/"
	}
	return next
}

func (h logins) signOut(c *server.Call) error {
	if err := h.who.SignOut(c.Principal); err != nil {
		return err
	}
	c.SignedOut()
	return redirectAfterPost(c, "/login", "You are signed out.")
}
