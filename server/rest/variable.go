package rest

import (
	"net/http"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/control"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/server"
)

const masked = "••••••••"

type variables struct{ ctl *control.Control }

func (h variables) routes() []server.Route {
	const all = oneApp + "/variables"
	return []server.Route{
		{Method: http.MethodGet, Path: all, Action: access.VariableRead, Resource: server.TheApp, Handle: h.list,
			Doc: server.Doc{ID: "listVariables", Summary: "List the names of an app's variables; values are write-only", Out: api.Variables{}, Query: []string{"env"}}},
		{Method: http.MethodPatch, Path: all, Action: access.VariableWrite, Resource: server.TheApp, Handle: h.change, MaxBody: server.MaxAppBody,
			Doc: server.Doc{ID: "changeVariables", Summary: "Set and unset variables; a live app gets a new release with them", In: api.ChangeVariables{},
				Out: api.Variables{}, Query: []string{"env"}}},
	}
}

func (h variables) list(c *server.Call) error {
	out, err := h.all(c)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, out)
}

func (h variables) all(c *server.Call) (api.Variables, error) {
	vars, err := h.ctl.Variables(c.Principal, c.Target())
	out := api.Variables{Variables: []api.Variable{}}
	for _, v := range vars {
		out.Variables = append(out.Variables, api.Variable{Name: v.Name, Masked: masked, Build: v.Build, Updated: v.Updated})
	}
	return out, err
}

func (h variables) change(c *server.Call) error {
	var in api.ChangeVariables
	if err := c.Decode(&in); err != nil {
		return err
	}
	d, err := h.ctl.ChangeVariables(c.Ctx(), c.Principal, c.Target(), control.VariableChange{Set: setVariables(in.Set), Unset: in.Unset, Hold: in.Hold})
	if err != nil {
		return err
	}
	out, err := h.all(c)
	if err != nil {
		return err
	}
	if d != nil {
		dto := deploymentDTO(*d, c.Place.Environment.Name, h.ctl.Address(c.Place))
		out.Deployment = &dto
	}
	return c.JSON(http.StatusOK, out)
}

func setVariables(in []api.SetVariable) (out []control.SetVariable) {
	for _, v := range in {
		value := paas.NewSecret(v.Value)
		out = append(out, control.SetVariable{Name: v.Name, Value: &value, Build: v.Build})
	}
	return out
}
