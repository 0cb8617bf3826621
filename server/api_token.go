package server

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/auth"
	"github.com/cloudsania/cloudsania/paas"
)

const (
	tokenDays    = 90
	maxTokenDays = 3650
)

// theToken is one of the installation's tokens.
func theToken(s *Server, c *Call) (access.Resource, error) {
	asked := c.asked("token")
	if !paas.IsID("tok", asked) {
		return access.Absent("token", asked), nil
	}
	_, err := s.Store.Token(asked)
	if paas.IsKind(err, paas.NotFound) {
		return access.Absent("token", asked), nil
	}
	if err != nil {
		return access.Resource{}, err
	}
	team, err := s.Store.Team()
	return access.Resource{Kind: "token", Asked: asked, Path: paas.Path{Team: team.ID}}, err
}

func (s *Server) listTokens(c *Call) error {
	tokens, err := s.Store.Tokens()
	if err != nil {
		return err
	}
	out := api.Tokens{Tokens: []api.Token{}}
	for _, t := range slices.Backward(tokens) {
		out.Tokens = append(out.Tokens, tokenDTO(t))
	}
	return c.JSON(http.StatusOK, out)
}

func (s *Server) createToken(c *Call) error {
	var in api.CreateToken
	if err := c.decode(&in); err != nil {
		return err
	}
	t, text, err := s.CreateToken(c, in)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, api.NewToken{Token: tokenDTO(t), Text: text})
}

// CreateToken makes a token that can do no more than who asks for it. Its text is returned once and kept nowhere.
func (s *Server) CreateToken(c *Call, in api.CreateToken) (paas.Token, string, error) {
	t := paas.Token{Name: strings.TrimSpace(in.Name), User: c.Principal.User}
	team, err := s.Store.Team()
	if err != nil {
		return t, "", err
	}
	t.Scope = paas.Path{Team: team.ID}
	if in.App != "" {
		_, res, err := s.Doors.findApp(c.Principal, in.App)
		if err != nil {
			return t, "", err
		}
		if err := access.Authorize(c.Principal, access.TokenCreate, res); err != nil {
			return t, "", err
		}
		t.Scope = res.Path
	}
	if t.Actions, err = grantable(in.Actions); err != nil {
		return t, "", err
	}
	if t.Expires, err = s.tokenEnd(in.Days); err != nil {
		return t, "", err
	}
	text, hash := auth.NewToken()
	t.Hash = hash
	t, err = s.Store.CreateToken(c.Actor(), t)
	return t, text.Reveal(), err
}

func grantable(actions []string) ([]string, error) {
	all := access.Grantable()
	var out []string
	for _, a := range actions {
		if !slices.Contains(all, access.Action(a)) {
			return nil, paas.Invalidf("actions", fmt.Sprintf("choose from %v", all), "a token cannot have the action %q", paas.Clip(a, 40))
		}
		if !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out, nil
}

func (s *Server) tokenEnd(days int) (time.Time, error) {
	switch {
	case days == -1:
		return time.Time{}, nil
	case days == 0:
		days = tokenDays
	case days < 0 || days > maxTokenDays:
		return time.Time{}, paas.Invalidf("days", "0 means 90, -1 means for ever", "a token is valid for 1 to %d days", maxTokenDays)
	}
	return s.Now().AddDate(0, 0, days), nil
}

func (s *Server) revokeToken(c *Call) error {
	if err := s.Store.RevokeToken(c.Actor(), c.asked("token")); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
