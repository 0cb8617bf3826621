package server

import (
	"net/http"
	"strconv"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/store"
)

func (s *Server) listEvents(c *Call) error {
	events, next, err := s.Events(c, c.QueryParam("app"))
	if err != nil {
		return err
	}
	out := api.Events{Events: []api.Event{}, Before: next}
	for _, e := range events {
		out.Events = append(out.Events, eventDTO(e))
	}
	return c.JSON(http.StatusOK, out)
}

// Events is a page of the events that whoever asks may see, of one app when it is named. The query's before and limit choose the page;
// next is the before of the page after it, 0 at the end.
func (s *Server) Events(c *Call, app string) (events []paas.Event, next uint64, err error) {
	f := store.EventFilter{Path: c.Principal.Scope}
	if f.Limit, err = c.number("limit", 100, 1, maxListed); err != nil {
		return nil, 0, err
	}
	if text := c.QueryParam("before"); text != "" {
		if f.Before, err = strconv.ParseUint(text, 10, 63); err != nil || f.Before == 0 {
			return nil, 0, paas.Invalidf("before", "take it from the page before", "%q is not the number of an event", paas.Clip(text, 40))
		}
	}
	if app != "" {
		_, res, err := s.Doors.findApp(c.Principal, app)
		if err == nil {
			err = access.Authorize(c.Principal, access.EventRead, res)
		}
		if err != nil {
			return nil, 0, err
		}
		f.Path = res.Path
	}
	all, err := s.Store.Events(f)
	if err != nil {
		return nil, 0, err
	}
	for _, e := range all {
		if access.Authorize(c.Principal, access.EventRead, access.Resource{Kind: "event", Path: e.Path}) == nil {
			events = append(events, e)
		}
	}
	if len(all) == f.Limit && all[len(all)-1].Seq > 1 {
		next = all[len(all)-1].Seq
	}
	return events, next, nil
}

func (s *Server) verifyEvents(c *Call) error {
	r, err := s.Store.VerifyEvents()
	if err != nil {
		return err
	}
	out := api.Verified{OK: r.OK(), Events: r.Events, Head: r.Hash}
	for _, b := range r.Breaks {
		out.Breaks = append(out.Breaks, api.Break{Seq: b.Seq, Problem: b.Problem})
	}
	return c.JSON(http.StatusOK, out)
}
