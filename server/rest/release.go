package rest

import (
	"net/http"
	"slices"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/control"
	"github.com/cloudsania/cloudsania/server"
)

type releases struct{ ctl *control.Control }

func (h releases) routes() []server.Route {
	return []server.Route{
		{Method: http.MethodGet, Path: oneApp + "/releases", Action: access.ReleaseRead, Resource: server.TheApp, Handle: h.list,
			Doc: server.Doc{ID: "listReleases", Summary: "List an app's releases, newest first", Out: api.Releases{}, Query: []string{"env"}}},
		{Method: http.MethodPost, Path: oneApp + "/rollback", Action: access.ReleaseRollback, Resource: server.TheApp, Handle: h.rollBack,
			Doc: server.Doc{ID: "rollback", Summary: "Go back to an older release, without building", In: api.Rollback{}, Optional: true, Out: api.Deployment{},
				Status: http.StatusAccepted, Query: []string{"env"}}},
	}
}

func (h releases) list(c *server.Call) error {
	all, err := h.ctl.Releases(c.Principal, c.Target())
	if err != nil {
		return err
	}
	out := api.Releases{Releases: []api.Release{}}
	for _, r := range all {
		out.Releases = append(out.Releases, releaseDTO(r))
	}
	return c.JSON(http.StatusOK, out)
}

func (h releases) rollBack(c *server.Call) error {
	var in api.Rollback
	if err := c.DecodeOptional(&in); err != nil {
		return err
	}
	d, err := h.ctl.RollBack(c.Ctx(), c.Principal, c.Target(), in.Version)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusAccepted, deploymentDTO(d, c.Place.Environment.Name, h.ctl.Address(c.Place)))
}

func releaseDTO(r control.Release) api.Release {
	out := api.Release{ID: r.ID, Number: r.Number, Build: r.Build, Live: r.IsLive, Kept: r.Source != nil, Limits: limitsDTO(r.Limits),
		Variables: slices.Clone(r.VariableNames), Actor: actorDTO(r.Actor), Note: r.Note, Created: r.Created}
	if out.Variables == nil {
		out.Variables = []string{}
	}
	if r.Source != nil {
		src := sourceDTO(*r.Source)
		out.Source = &src
	}
	return out
}
