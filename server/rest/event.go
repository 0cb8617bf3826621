package rest

import (
	"net/http"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/control"
	"github.com/cloudsania/cloudsania/server"
)

type events struct{ ctl *control.Control }

func (h events) routes() []server.Route {
	return []server.Route{
		{Method: http.MethodGet, Path: "/api/v1/events", Action: access.EventList, Resource: server.NoResource, Handle: h.list,
			Doc: server.Doc{ID: "listEvents", Summary: "List audit events within the credential's scope, newest first", Out: api.Events{}, Query: []string{"app", "before", "limit"}}},
		{Method: http.MethodGet, Path: "/api/v1/events/verify", Action: access.EventVerify, Resource: server.Installation, Handle: h.verify,
			Doc: server.Doc{ID: "verifyEvents", Summary: "Check the whole hash chain of events", Out: api.Verified{}}},
	}
}

func (h events) list(c *server.Call) error {
	q := control.EventQuery{App: c.QueryParam("app")}
	var err error
	if q.Limit, err = c.Number("limit", control.DefaultEvents, 1, control.MaxListed); err != nil {
		return err
	}
	if q.Before, err = c.Sequence("before"); err != nil {
		return err
	}
	list, next, err := h.ctl.Events.List(c.Principal, q)
	if err != nil {
		return err
	}
	out := api.Events{Events: []api.Event{}, Before: next}
	for _, e := range list {
		out.Events = append(out.Events, eventDTO(e))
	}
	return c.JSON(http.StatusOK, out)
}

func (h events) verify(c *server.Call) error {
	r, err := h.ctl.Events.Verify(c.Principal)
	if err != nil {
		return err
	}
	out := api.Verified{OK: r.OK(), Events: r.Events, Head: r.Hash}
	for _, b := range r.Breaks {
		out.Breaks = append(out.Breaks, api.Break{Seq: b.Seq, Problem: b.Problem})
	}
	return c.JSON(http.StatusOK, out)
}
