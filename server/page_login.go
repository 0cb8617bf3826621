package server

import (
	"net/http"
	"strings"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/auth"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/ui"
)

func loginPages() []Route {
	return []Route{
		{Method: http.MethodGet, Path: "/login", Action: access.SessionStart, Resource: nowhere, Handle: (*Server).showLogin, Page: true},
		{Method: http.MethodPost, Path: "/login", Action: access.SessionStart, Resource: nowhere, Handle: (*Server).loginPage, Page: true},
		{Method: http.MethodPost, Path: "/logout", Action: access.SessionRevoke, Resource: oneself, Handle: (*Server).logoutPage, Page: true},
	}
}

func (s *Server) showLogin(c *Call) error {
	if c.Principal.Kind == access.User {
		return redirect(safeNext(c.QueryParam("next")))
	}
	return s.loginForm(c, http.StatusOK, ui.LoginPage{Next: safeNext(c.QueryParam("next"))})
}

func (s *Server) loginForm(c *Call, status int, p ui.LoginPage) error {
	p.Bare = ui.Bare{Title: "Sign in", Scripts: []string{"login.js"}, Flash: c.flash()}
	p.Action = "/login"
	return c.page(status, p)
}

func (s *Server) loginPage(c *Call) error {
	in, err := c.form("email", "code", "next")
	if err != nil {
		return err
	}
	all, err := c.values()
	if err != nil {
		return err
	}
	next := safeNext(in["next"])
	signedIn, err := s.Auth.SignIn(c.Request().Context(), auth.Login{
		Email:    in["email"],
		Password: paas.NewSecret(all.Get("password")),
		Code:     in["code"],
		Browser:  c.browser(),
	})
	if err == nil {
		c.keepSession(signedIn)
		return c.went(next, "")
	}
	if c.wants("json") || !correctable(err) {
		return err
	}
	e := paas.Public(err)
	return s.loginForm(c, Status(e.Kind), ui.LoginPage{Next: next, NeedCode: e.Field == "code", Form: ui.Failed(map[string]string{"email": in["email"]}, err)})
}

// safeNext is a path of ours to go on to, whatever a link says.
func safeNext(next string) string {
	path, _, _ := strings.Cut(next, "?")
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n") || len(next) > 1000 ||
		strings.HasPrefix(next, "/login") || strings.HasPrefix(next, ui.StaticPrefix) || strings.HasSuffix(path, "/live") {
		return "/"
	}
	return next
}

func (s *Server) logoutPage(c *Call) error {
	c.dropSession()
	if err := s.Auth.SignOut(c.Principal); err != nil {
		return err
	}
	return c.went("/login", "You are signed out.")
}
