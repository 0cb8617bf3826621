package rest

import (
	"context"
	"net/http"
	"time"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/control"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/server"
)

// output is what apps print.
type output struct{ ctl *control.Control }

func (h output) routes() []server.Route {
	const all = oneApp + "/logs"
	return []server.Route{
		{Method: http.MethodGet, Path: all, Action: access.LogRead, Resource: server.TheApp, Handle: h.show,
			Doc: server.Doc{ID: "showLogs", Summary: "Show the newest lines of an app's output", Out: api.Log{}, Query: []string{"env", "tail", "since"}}},
		{Method: http.MethodGet, Path: all + "/stream", Action: access.LogRead, Resource: server.TheApp, Handle: h.stream, Stream: true,
			Doc: server.Doc{ID: "streamLogs", Summary: "Follow an app's output", Query: []string{"env", "tail", "since"},
				Events: "log.line, each a LogLine; the id is its time, and Last-Event-ID goes on after it. failed: an Error, and the end"}},
	}
}

// options reads the query of both routes.
func (h output) options(c *server.Call) (o paas.LogOptions, err error) {
	if o.Tail, err = c.Number("tail", control.DefaultTail, 1, control.MaxTail); err != nil {
		return o, err
	}
	o.Since, err = c.Moment("since")
	return o, err
}

func (h output) show(c *server.Call) error {
	o, err := h.options(c)
	if err != nil {
		return err
	}
	lines, err := h.ctl.Output.Newest(c.Ctx(), c.Principal, c.Target(), o, "")
	if err != nil {
		return err
	}
	out := api.Log{Lines: []api.LogLine{}}
	for _, l := range lines {
		out.Lines = append(out.Lines, outputDTO(l))
	}
	return c.JSON(http.StatusOK, out)
}

func (h output) stream(c *server.Call) error {
	o, err := h.options(c)
	if err != nil {
		return err
	}
	o.Follow = true
	last, err := time.Parse(time.RFC3339Nano, c.Request().Header.Get("Last-Event-ID"))
	if err == nil && last.After(o.Since) {
		o.Since, o.Tail = last, control.MaxTail
	}
	return c.Stream(func(ctx context.Context, out *server.Stream) error {
		return h.ctl.Output.App(ctx, c.Principal, c.Target(), o, func(l paas.LogLine) error {
			if !l.Time.After(last) {
				return nil // seen before the connection broke
			}
			return out.Send(l.Time.UTC().Format(time.RFC3339Nano), "log.line", outputDTO(l))
		})
	})
}
