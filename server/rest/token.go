package rest

import (
	"net/http"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/control"
	"github.com/cloudsania/cloudsania/server"
)

type tokens struct{ ctl *control.Control }

func (h tokens) routes() []server.Route {
	return []server.Route{
		{Method: http.MethodGet, Path: "/api/v1/tokens", Action: access.TokenList, Resource: server.Installation, Handle: h.list,
			Doc: server.Doc{ID: "listTokens", Summary: "List the tokens, newest first", Out: api.Tokens{}}},
		{Method: http.MethodPost, Path: "/api/v1/tokens", Action: access.TokenCreate, Resource: server.Installation, Handle: h.create,
			Doc: server.Doc{ID: "createToken", Summary: "Make a token; only this answer has its text", In: api.CreateToken{}, Out: api.NewToken{}, Status: http.StatusCreated}},
		{Method: http.MethodDelete, Path: "/api/v1/tokens/:token", Action: access.TokenRevoke, Resource: server.TheToken, Handle: h.revoke,
			Doc: server.Doc{ID: "revokeToken", Summary: "End a token at once"}},
	}
}

func (h tokens) list(c *server.Call) error {
	all, err := h.ctl.Tokens.List(c.Principal)
	if err != nil {
		return err
	}
	out := api.Tokens{Tokens: []api.Token{}}
	for _, t := range all {
		out.Tokens = append(out.Tokens, tokenDTO(t))
	}
	return c.JSON(http.StatusOK, out)
}

func (h tokens) create(c *server.Call) error {
	var in api.CreateToken
	if err := c.Decode(&in); err != nil {
		return err
	}
	ask := control.NewToken{Name: in.Name, App: in.App, Days: in.Days}
	for _, a := range in.Actions {
		ask.Actions = append(ask.Actions, access.Action(a))
	}
	t, text, err := h.ctl.Tokens.Create(c.Ctx(), c.Principal, ask)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, api.NewToken{Token: tokenDTO(t), Text: text.Reveal()})
}

func (h tokens) revoke(c *server.Call) error {
	if err := h.ctl.Tokens.Revoke(c.Ctx(), c.Principal, c.Asked("token")); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
