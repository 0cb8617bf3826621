package server

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/auth"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/ui"
)

func claimPages() []Route {
	return []Route{
		{Method: http.MethodGet, Path: "/claim", Action: access.ClaimTry, Resource: nowhere, Handle: (*Server).showClaim, Page: true, Claiming: true},
		{Method: http.MethodGet, Path: "/claim/*", Action: access.ClaimTry, Resource: nowhere, Handle: (*Server).openClaim, Page: true, Claiming: true},
		{Method: http.MethodPost, Path: "/claim", Action: access.ClaimTry, Resource: nowhere, Handle: (*Server).claimPage, Page: true, Claiming: true},
		{Method: http.MethodGet, Path: "/welcome", Action: access.AppList, Resource: nowhere, Handle: (*Server).showWelcome, Page: true},
	}
}

func (s *Server) showClaim(c *Call) error { return s.claimForm(c, http.StatusOK, ui.ClaimPage{}) }

// openClaim is where the link leads that the installer prints.
func (s *Server) openClaim(c *Call) error { return s.claimStep(c, c.asked("*")) }

// claimStep goes on to the account when the code is right.
func (s *Server) claimStep(c *Call, code string) error {
	if err := s.Auth.CheckClaim(paas.NewSecret(code), addrOf(c.Request())); err != nil {
		if !correctable(err) {
			return err
		}
		return s.claimForm(c, Status(errorKind(err)), ui.ClaimPage{Form: ui.Failed(map[string]string{"claim": paas.Clip(code, auth.MaxClaimText)}, err)})
	}
	enrol, err := enrolment(auth.NewEnrolment("", paas.Secret{}))
	if err != nil {
		return err
	}
	return s.claimForm(c, http.StatusOK, ui.ClaimPage{Code: code, TOTP: enrol})
}

func (s *Server) claimForm(c *Call, status int, p ui.ClaimPage) error {
	p.Bare = ui.Bare{Title: "Claim this server"}
	p.Action, p.MinPass, p.MinTwo = "/claim", auth.MinPassword(false), auth.MinPassword(true)
	if p.Code == "" {
		p.Facts = s.serverFacts()
	}
	return c.page(status, p)
}

// serverFacts are what a newcomer may see of the server before it is theirs: nothing that would help anybody else.
func (s *Server) serverFacts() []string {
	var out []string
	if strings.HasPrefix(s.Origin, "https://") {
		out = append(out, "It answers over HTTPS")
	}
	if b := s.builderState(); !b.Preparing && b.Failed == "" {
		out = append(out, "It is ready to build apps")
	} else if b.Preparing {
		out = append(out, fmt.Sprintf("It is getting ready to build apps, %d%% so far", b.Percent))
	}
	return out
}

func (s *Server) claimPage(c *Call) error {
	in, err := c.form("claim", "name", "email", "code", "secret")
	if err != nil {
		return err
	}
	all, err := c.values()
	if err != nil {
		return err
	}
	if !all.Has("password") { // only the code so far
		return s.claimStep(c, in["claim"])
	}
	signedIn, err := s.Auth.Claim(c.Request().Context(), auth.NewOwner{
		Claim:    paas.NewSecret(in["claim"]),
		Name:     in["name"],
		Email:    in["email"],
		Password: paas.NewSecret(all.Get("password")),
		TOTP:     paas.NewSecret(in["secret"]),
		Code:     in["code"],
		Browser:  c.browser(),
	})
	if err != nil {
		return s.claimAgain(c, in, err)
	}
	c.keepSession(signedIn)
	return c.went("/welcome", "")
}

func (s *Server) claimAgain(c *Call, in map[string]string, cause error) error {
	e := paas.Public(cause)
	switch {
	case !correctable(cause):
		return cause
	case e.Field == "claim": // it ran out meanwhile
		return s.claimForm(c, Status(e.Kind), ui.ClaimPage{Form: ui.Failed(nil, cause)})
	}
	enrol, err := enrolment(auth.NewEnrolment("", paas.NewSecret(in["secret"])))
	if err != nil {
		return err
	}
	return s.claimForm(c, Status(e.Kind), ui.ClaimPage{Code: in["claim"], TOTP: enrol, Form: ui.Failed(map[string]string{"name": in["name"], "email": in["email"]}, cause)})
}

// showWelcome greets the new owner.
func (s *Server) showWelcome(c *Call) error {
	who, err := s.person(c)
	if err != nil {
		return err
	}
	facts := []string{"Your apps get addresses below " + s.Domain}
	if strings.HasPrefix(s.Origin, "https://") && !s.selfSigned(c) {
		facts = append([]string{"HTTPS is on and renews itself"}, facts...)
	}
	first, _, _ := strings.Cut(who.Name, " ")
	return c.page(http.StatusOK, ui.ReadyPage{Bare: ui.Bare{Title: "Ready"}, Name: first, Address: s.Origin, Facts: facts})
}
