package page

import (
	"context"
	"fmt"
	"net/http"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/control"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/server"
	"github.com/cloudsania/cloudsania/ui"
)

// fleet is the home page: every app.
type fleet struct{ frame }

func (h fleet) routes() []server.Route {
	return []server.Route{
		{Method: http.MethodGet, Path: "/", Action: access.AppList, Resource: server.NoResource, Handle: h.show},
		{Method: http.MethodGet, Path: "/live", Action: access.AppList, Resource: server.NoResource, Handle: h.stream, Stream: true},
		{Method: http.MethodGet, Path: "/palette", Action: access.AppList, Resource: server.NoResource, Handle: h.palette},
	}
}

func (h fleet) show(c *server.Call) error {
	p, err := h.page(c)
	if err != nil {
		return err
	}
	return answer(c, http.StatusOK, p)
}

func (h fleet) stream(c *server.Call) error {
	return c.Stream(func(ctx context.Context, out *server.Stream) error {
		live := parts{out: out}
		return h.eachChange(ctx, c, func() error {
			p, err := h.page(c)
			if err != nil {
				return err
			}
			return live.send(p)
		})
	})
}

func (h fleet) page(c *server.Call) (ui.FleetPage, error) {
	states, err := h.ctl.Apps(c.Principal, paas.Production)
	if err != nil {
		return ui.FleetPage{}, err
	}
	apps := make([]ui.App, 0, len(states))
	for _, s := range states {
		view := h.view(s)
		view.Load = h.load(s)
		apps = append(apps, view)
	}
	shell, err := h.shellWith(c, apps, "Apps", "apps")
	shell.Crumbs = []ui.Crumb{{Text: "Apps"}}
	shell.Stream = "/live"
	if err != nil || len(apps) == 0 {
		return ui.FleetPage{Shell: shell}, err
	}
	return ui.FleetPage{Shell: shell, Apps: apps, Figures: figures(apps, control.WeekOf(states, h.now()))}, nil
}

// figures are the numbers of the home page, each with what it means.
func figures(apps []ui.App, week control.Week) []ui.Figure {
	var requests, sent int64
	for _, a := range apps {
		requests, sent = requests+a.Load.Requests, sent+a.Load.SentBytes
	}
	return []ui.Figure{
		ui.NumberFigure("Deploys this week", int64(week.Tried), deployNote(week)),
		ui.NumberFigure("Requests, last hour", requests, fmt.Sprintf("to %s", plural(len(apps), "app"))),
		ui.BytesFigure("Sent, last hour", sent, "to visitors"),
		ui.BytesFigure("Memory left", control.MemoryNow().Available, "on this server"),
	}
}

func deployNote(week control.Week) string {
	if week.Failed == 0 {
		return fmt.Sprintf("%d went live", week.Live)
	}
	return fmt.Sprintf("%d went live, %d did not", week.Live, week.Failed)
}

func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

// palette is what the command palette offers. It is only ever shown in a dialog.
func (h fleet) palette(c *server.Call) error {
	if !wantsFragment(c, "body") {
		return server.Redirect("/")
	}
	apps, err := h.visible(c)
	if err != nil {
		return err
	}
	return answer(c, http.StatusOK, ui.PalettePage{Shell: ui.Shell{Now: h.now()}, Apps: apps})
}
