package server

import (
	"net/http"
	"strings"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/auth"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/qr"
)

func accountRoutes() []Route {
	const me = "/api/v1/users/me"
	return []Route{
		{Method: http.MethodPost, Path: "/api/v1/claim", Action: access.ClaimTry, Resource: nowhere, Handle: (*Server).claim, Claiming: true,
			Doc: Doc{ID: "claim", Summary: "Become the owner of a new installation, and sign in", In: api.Claim{}, Out: api.User{}, Status: http.StatusCreated}},
		{Method: http.MethodPost, Path: "/api/v1/claim/totp", Action: access.ClaimTry, Resource: nowhere, Handle: (*Server).startClaimEnrolment, Claiming: true,
			Doc: Doc{ID: "startClaimEnrolment", Summary: "Ask for a second factor to claim with", In: api.StartEnrolment{}, Out: api.EnrolmentSecret{}}},
		{Method: http.MethodPost, Path: "/api/v1/claim/link", Action: access.ClaimIssue, Resource: nowhere, Handle: (*Server).issueClaim,
			Doc: Doc{ID: "issueClaim", Summary: "Make a new claim link (local socket only)", Out: api.ClaimLink{}, Status: http.StatusCreated}},
		{Method: http.MethodPost, Path: "/api/v1/login", Action: access.SessionStart, Resource: nowhere, Handle: (*Server).login,
			Doc: Doc{ID: "login", Summary: "Sign a browser in: the answer sets a cookie", In: api.Login{}, Out: api.User{}}},
		{Method: http.MethodPost, Path: "/api/v1/logout", Action: access.SessionRevoke, Resource: oneself, Handle: (*Server).logout,
			Doc: Doc{ID: "logout", Summary: "Sign this browser out"}},
		{Method: http.MethodGet, Path: me, Action: access.SelfRead, Resource: nowhere, Handle: (*Server).showMe,
			Doc: Doc{ID: "showMe", Summary: "Tell whom the credential stands for", Out: api.Me{}}},
		{Method: http.MethodPatch, Path: me, Action: access.SelfUpdate, Resource: oneself, Handle: (*Server).updateMe,
			Doc: Doc{ID: "updateMe", Summary: "Change one's name or e-mail address", In: api.UpdateMe{}, Out: api.User{}}},
		{Method: http.MethodPost, Path: me + "/password", Action: access.SelfUpdate, Resource: oneself, Handle: (*Server).changePassword,
			Doc: Doc{ID: "changePassword", Summary: "Change one's password; every other session ends", In: api.ChangePassword{}}},
		{Method: http.MethodPost, Path: me + "/totp", Action: access.SelfUpdate, Resource: oneself, Handle: (*Server).startEnrolment,
			Doc: Doc{ID: "startEnrolment", Summary: "Ask for a new second factor", Out: api.EnrolmentSecret{}}},
		{Method: http.MethodPut, Path: me + "/totp", Action: access.SelfUpdate, Resource: oneself, Handle: (*Server).finishEnrolment,
			Doc: Doc{ID: "finishEnrolment", Summary: "Switch the second factor on; every other session ends", In: api.Enrol{}, Out: api.User{}}},
		{Method: http.MethodDelete, Path: me + "/totp", Action: access.SelfUpdate, Resource: oneself, Handle: (*Server).dropEnrolment,
			Doc: Doc{ID: "dropEnrolment", Summary: "Switch the second factor off; every other session ends", In: api.ConfirmPassword{}, Out: api.User{}}},
		{Method: http.MethodGet, Path: "/api/v1/sessions", Action: access.SessionList, Resource: oneself, Handle: (*Server).listSessions,
			Doc: Doc{ID: "listSessions", Summary: "List the browsers that one is signed in with", Out: api.Sessions{}}},
		{Method: http.MethodDelete, Path: "/api/v1/sessions", Action: access.SessionRevoke, Resource: oneself, Handle: (*Server).endOtherSessions,
			Doc: Doc{ID: "endOtherSessions", Summary: "Sign out everywhere else"}},
		{Method: http.MethodDelete, Path: "/api/v1/sessions/:session", Action: access.SessionRevoke, Resource: theSession, Handle: (*Server).endOneSession,
			Doc: Doc{ID: "endSession", Summary: "Sign one browser out"}},
		{Method: http.MethodGet, Path: "/api/v1/tokens", Action: access.TokenList, Resource: installation, Handle: (*Server).listTokens,
			Doc: Doc{ID: "listTokens", Summary: "List the tokens, newest first", Out: api.Tokens{}}},
		{Method: http.MethodPost, Path: "/api/v1/tokens", Action: access.TokenCreate, Resource: installation, Handle: (*Server).createToken,
			Doc: Doc{ID: "createToken", Summary: "Make a token; only this answer has its text", In: api.CreateToken{}, Out: api.NewToken{}, Status: http.StatusCreated}},
		{Method: http.MethodDelete, Path: "/api/v1/tokens/:token", Action: access.TokenRevoke, Resource: theToken, Handle: (*Server).revokeToken,
			Doc: Doc{ID: "revokeToken", Summary: "End a token at once"}},
	}
}

func (s *Server) claim(c *Call) error {
	var in api.Claim
	if err := c.decode(&in); err != nil {
		return err
	}
	signedIn, err := s.Auth.Claim(c.Request().Context(), auth.NewOwner{
		Claim:    paas.NewSecret(in.Claim),
		Name:     in.Name,
		Email:    in.Email,
		Password: paas.NewSecret(in.Password),
		TOTP:     paas.NewSecret(in.Secret),
		Code:     in.Code,
		Browser:  c.browser(),
	})
	if err != nil {
		return err
	}
	c.keepSession(signedIn)
	return c.JSON(http.StatusCreated, userDTO(signedIn.User))
}

func (s *Server) startClaimEnrolment(c *Call) error {
	var in api.StartEnrolment
	if err := c.decode(&in); err != nil {
		return err
	}
	if err := s.Auth.CheckClaim(paas.NewSecret(in.Claim), addrOf(c.Request())); err != nil {
		return err
	}
	return answerEnrolment(c, auth.NewEnrolment(in.Email, paas.Secret{}))
}

func answerEnrolment(c *Call, e auth.Enrolment) error {
	code, err := qr.Encode(e.URI.Reveal())
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, api.EnrolmentSecret{Secret: e.Secret.Reveal(), URI: e.URI.Reveal(), QR: code.SVG()})
}

// issueClaim answers without a link when the owner is on the way with a secret that they chose.
func (s *Server) issueClaim(c *Call) error {
	secret, expires, err := s.Auth.IssueClaim()
	if err != nil {
		return err
	}
	if secret.IsZero() {
		return c.JSON(http.StatusCreated, api.ClaimLink{})
	}
	return c.JSON(http.StatusCreated, api.ClaimLink{URL: claimLink(s.Origin, secret), Expires: expires})
}

// claimLink is where the owner-to-be goes with a claim.
func claimLink(origin string, secret paas.Secret) string {
	return strings.TrimSuffix(origin, "/") + "/claim/" + secret.Reveal()
}

func (s *Server) login(c *Call) error {
	var in api.Login
	if err := c.decode(&in); err != nil {
		return err
	}
	signedIn, err := s.Auth.SignIn(c.Request().Context(), auth.Login{
		Email:    in.Email,
		Password: paas.NewSecret(in.Password),
		Code:     in.Code,
		Browser:  c.browser(),
	})
	if err != nil {
		return err
	}
	c.keepSession(signedIn)
	return c.JSON(http.StatusOK, userDTO(signedIn.User))
}

func (s *Server) logout(c *Call) error {
	c.dropSession()
	if err := s.Auth.SignOut(c.Principal); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

func (s *Server) showMe(c *Call) error {
	out := api.Me{Kind: string(c.Principal.Kind)}
	switch c.Principal.Kind {
	case access.User:
		u, err := s.Store.User(c.Principal.User)
		if err != nil {
			return err
		}
		dto := userDTO(u)
		out.User = &dto
	case access.Token:
		t, err := s.Store.Token(c.Principal.ID)
		if err != nil {
			return err
		}
		dto := tokenDTO(t)
		out.Token = &dto
	}
	return c.JSON(http.StatusOK, out)
}

func (s *Server) updateMe(c *Call) error {
	var in api.UpdateMe
	if err := c.decode(&in); err != nil {
		return err
	}
	u, err := s.Auth.UpdateProfile(c.Request().Context(), c.Principal, auth.Profile{
		Name:     in.Name,
		Email:    in.Email,
		Password: paas.NewSecret(in.Password),
	})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, userDTO(u))
}

func (s *Server) changePassword(c *Call) error {
	var in api.ChangePassword
	if err := c.decode(&in); err != nil {
		return err
	}
	signedIn, err := s.Auth.ChangePassword(c.Request().Context(), c.Principal, auth.PasswordChange{
		Password: paas.NewSecret(in.Password),
		New:      paas.NewSecret(in.New),
		Browser:  c.browser(),
	})
	if err != nil {
		return err
	}
	c.keepSession(signedIn)
	return c.NoContent(http.StatusNoContent)
}

func (s *Server) startEnrolment(c *Call) error {
	e, err := s.Auth.StartTOTP(c.Principal, paas.Secret{})
	if err != nil {
		return err
	}
	return answerEnrolment(c, e)
}

func (s *Server) finishEnrolment(c *Call) error {
	var in api.Enrol
	if err := c.decode(&in); err != nil {
		return err
	}
	signedIn, err := s.Auth.EnableTOTP(c.Request().Context(), c.Principal, auth.TOTPProof{
		Secret:   paas.NewSecret(in.Secret),
		Code:     in.Code,
		Password: paas.NewSecret(in.Password),
		Browser:  c.browser(),
	})
	if err != nil {
		return err
	}
	c.keepSession(signedIn)
	return c.JSON(http.StatusOK, userDTO(signedIn.User))
}

func (s *Server) dropEnrolment(c *Call) error {
	var in api.ConfirmPassword
	if err := c.decode(&in); err != nil {
		return err
	}
	signedIn, err := s.Auth.DisableTOTP(c.Request().Context(), c.Principal, paas.NewSecret(in.Password), c.browser())
	if err != nil {
		return err
	}
	c.keepSession(signedIn)
	return c.JSON(http.StatusOK, userDTO(signedIn.User))
}

// theSession is one of one's own sessions.
func theSession(s *Server, c *Call) (access.Resource, error) {
	asked := c.asked("session")
	sessions, err := s.Auth.Sessions(c.Principal)
	for _, ses := range sessions {
		if ses.ID == asked {
			return access.Resource{Kind: "session", Asked: asked, Owner: c.Principal.User}, err
		}
	}
	return access.Absent("session", asked), err
}

func (s *Server) listSessions(c *Call) error {
	sessions, err := s.Auth.Sessions(c.Principal)
	if err != nil {
		return err
	}
	out := api.Sessions{Sessions: []api.Session{}}
	for _, ses := range sessions {
		out.Sessions = append(out.Sessions, api.Session{
			ID:        ses.ID,
			Current:   ses.Current,
			UserAgent: plain(ses.UserAgent),
			Addr:      ses.Addr,
			Created:   ses.Created,
			Seen:      ses.Seen,
			Expires:   ses.Expires,
		})
	}
	return c.JSON(http.StatusOK, out)
}

func (s *Server) endOneSession(c *Call) error {
	if err := s.Auth.EndSession(c.Principal, c.asked("session")); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

func (s *Server) endOtherSessions(c *Call) error {
	if err := s.Auth.EndOtherSessions(c.Principal); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
