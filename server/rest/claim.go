package rest

import (
	"net/http"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/auth"
	"github.com/cloudsania/cloudsania/control"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/server"
)

// claims make the owner of a new installation.
type claims struct {
	who *auth.Authenticator
	ctl *control.Control
}

func (h claims) routes() []server.Route {
	return []server.Route{
		{Method: http.MethodPost, Path: "/api/v1/claim", Action: access.ClaimTry, Resource: server.NoResource, Handle: h.claim, Claiming: true,
			Doc: server.Doc{ID: "claim", Summary: "Become the owner of a new installation, and sign in", In: api.Claim{}, Out: api.User{}, Status: http.StatusCreated}},
		{Method: http.MethodPost, Path: "/api/v1/claim/totp", Action: access.ClaimTry, Resource: server.NoResource, Handle: h.startTOTP, Claiming: true,
			Doc: server.Doc{ID: "startClaimEnrolment", Summary: "Ask for a second factor to claim with", In: api.StartEnrolment{}, Out: api.EnrolmentSecret{}}},
		{Method: http.MethodPost, Path: "/api/v1/claim/link", Action: access.ClaimIssue, Resource: server.NoResource, Handle: h.issue,
			Doc: server.Doc{ID: "issueClaim", Summary: "Make a new claim link (local socket only)", Out: api.ClaimLink{}, Status: http.StatusCreated}},
	}
}

func (h claims) claim(c *server.Call) error {
	var in api.Claim
	if err := c.Decode(&in); err != nil {
		return err
	}
	signed, err := h.who.Claim(c.Ctx(), auth.NewOwner{Claim: paas.NewSecret(in.Claim), Name: in.Name, Email: in.Email, Password: paas.NewSecret(in.Password),
		TOTP: paas.NewSecret(in.Secret), Code: in.Code, Browser: c.Browser()})
	if err != nil {
		return err
	}
	c.SignedIn(signed)
	return c.JSON(http.StatusCreated, userDTO(signed.User))
}

func (h claims) startTOTP(c *server.Call) error {
	var in api.StartEnrolment
	if err := c.Decode(&in); err != nil {
		return err
	}
	if err := h.who.CheckClaim(paas.NewSecret(in.Claim), c.Addr()); err != nil {
		return err
	}
	return answerEnrolment(c, auth.NewEnrolment(in.Email, paas.Secret{}))
}

// issue answers with an empty link where a claim that the owner chose beforehand is open.
func (h claims) issue(c *server.Call) error {
	secret, expires, err := h.who.IssueClaim()
	if err != nil {
		return err
	}
	if secret.IsZero() {
		return c.JSON(http.StatusCreated, api.ClaimLink{})
	}
	return c.JSON(http.StatusCreated, api.ClaimLink{URL: h.ctl.System.Origin() + "/claim/" + secret.Reveal(), Expires: expires})
}
