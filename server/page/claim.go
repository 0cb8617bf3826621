package page

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/auth"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/server"
	"github.com/cloudsania/cloudsania/ui"
)

// claims are the first pages of a new server.
type claims struct{ frame }

func (h claims) routes() []server.Route {
	return []server.Route{
		{Method: http.MethodGet, Path: "/claim", Action: access.ClaimTry, Resource: server.NoResource, Handle: h.show, Claiming: true},
		{Method: http.MethodGet, Path: "/claim/*", Action: access.ClaimTry, Resource: server.NoResource, Handle: h.open, Claiming: true},
		{Method: http.MethodPost, Path: "/claim", Action: access.ClaimTry, Resource: server.NoResource, Handle: h.claim, Claiming: true},
		{Method: http.MethodGet, Path: "/welcome", Action: access.AppList, Resource: server.NoResource, Handle: h.welcome},
	}
}

func (h claims) show(c *server.Call) error { return h.page(c, http.StatusOK, ui.ClaimPage{}) }

// open is where the link leads that the installer prints.
func (h claims) open(c *server.Call) error { return h.account(c, c.Asked("*")) }

// account goes on to the account when the code is right.
func (h claims) account(c *server.Call, code string) error {
	if err := h.who.CheckClaim(paas.NewSecret(code), c.Addr()); err != nil {
		if !correctable(err) {
			return err
		}
		return h.page(c, statusOf(err), ui.ClaimPage{Form: ui.Failed(map[string]string{"claim": paas.Clip(code, auth.MaxClaimText)}, err)})
	}
	enrol, err := shownEnrolment(auth.NewEnrolment("", paas.Secret{}))
	if err != nil {
		return err
	}
	return h.page(c, http.StatusOK, ui.ClaimPage{Code: code, TOTP: enrol})
}

func (h claims) page(c *server.Call, status int, p ui.ClaimPage) error {
	p.Bare = ui.Bare{Title: "Claim this server"}
	p.Action, p.MinPass, p.MinTwo = "/claim", auth.MinPassword(false), auth.MinPassword(true)
	if p.Code == "" {
		p.Facts = h.facts()
	}
	return answer(c, status, p)
}

// facts are what a newcomer may see of the server before it is theirs: nothing that would help others.
func (h claims) facts() []string {
	var out []string
	if strings.HasPrefix(h.ctl.System.Origin(), "https://") {
		out = append(out, "It answers over HTTPS")
	}
	if b := builderState(h.ctl.System.Builder()); !b.Preparing && b.Failed == "" {
		out = append(out, "It is ready to build apps")
	} else if b.Preparing {
		out = append(out, fmt.Sprintf("It is getting ready to build apps, %d%% so far", b.Percent))
	}
	return out
}

// claimForm is both steps of the form: the first has only the code.
type claimForm struct {
	Claim    string      `form:"claim"`
	Name     string      `form:"name"`
	Email    string      `form:"email"`
	Password paas.Secret `form:"password"`
	Account  bool        `form:"password"`
	Secret   paas.Secret `form:"secret"`
	Code     string      `form:"code"`
}

func (h claims) claim(c *server.Call) error {
	var in claimForm
	if _, err := c.Form(&in); err != nil {
		return err
	}
	if !in.Account {
		return h.account(c, in.Claim)
	}
	signed, err := h.who.Claim(c.Ctx(), auth.NewOwner{Claim: paas.NewSecret(in.Claim), Name: in.Name, Email: in.Email, Password: in.Password,
		TOTP: in.Secret, Code: in.Code, Browser: c.Browser()})
	if err != nil {
		return h.again(c, in, err)
	}
	c.SignedIn(signed)
	return redirectAfterPost(c, "/welcome", "")
}

func (h claims) again(c *server.Call, in claimForm, cause error) error {
	e := paas.Public(cause)
	switch {
	case !correctable(cause):
		return cause
	case e.Field == "claim": // it ran out meanwhile
		return h.page(c, statusOf(cause), ui.ClaimPage{Form: ui.Failed(nil, cause)})
	}
	enrol, err := shownEnrolment(auth.NewEnrolment("", in.Secret))
	if err != nil {
		return err
	}
	shown := map[string]string{"name": in.Name, "email": in.Email}
	return h.page(c, statusOf(cause), ui.ClaimPage{Code: in.Claim, TOTP: enrol, Form: ui.Failed(shown, cause)})
}

// welcome greets the new owner.
func (h claims) welcome(c *server.Call) error {
	who, err := h.person(c)
	if err != nil {
		return err
	}
	facts := []string{"Your apps get addresses below " + h.ctl.System.Domain()}
	if strings.HasPrefix(h.ctl.System.Origin(), "https://") && !h.ctl.System.SelfSigned(c.Ctx()) {
		facts = append([]string{"HTTPS is on and renews itself"}, facts...)
	}
	first, _, _ := strings.Cut(who.Name, " ")
	return answer(c, http.StatusOK, ui.ReadyPage{Bare: ui.Bare{Title: "Ready"}, Name: first, Address: h.ctl.System.Origin(), Facts: facts})
}
