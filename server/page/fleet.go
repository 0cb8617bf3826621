package page

import (
	"bytes"
	"context"
	"fmt"
	"net/http"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/control"
	"github.com/cloudsania/cloudsania/server"
	"github.com/cloudsania/cloudsania/ui"
)

const rowsAtOnce = 256 << 10 // bytes of rows in one event

// fleet is the home page: every app.
type fleet struct {
	frame
	rows  *rows
	looks *looks
}

func newFleet(f frame) fleet {
	return fleet{frame: f, rows: newRows(), looks: &looks{kept: map[string]look{}}}
}

func (h fleet) routes() []server.Route {
	return []server.Route{
		{Method: http.MethodGet, Path: "/", Action: access.AppList, Resource: server.NoResource, Handle: h.show},
		{Method: http.MethodGet, Path: "/live", Action: access.AppList, Resource: server.NoResource, Handle: h.stream, Stream: true},
		{Method: http.MethodGet, Path: "/palette", Action: access.AppList, Resource: server.NoResource, Handle: h.palette},
	}
}

func (h fleet) show(c *server.Call) error {
	l, err := h.look(c)
	if err != nil {
		return err
	}
	p, err := h.page(c, l)
	if err != nil {
		return err
	}
	p.Rows = l.rows
	return answer(c, http.StatusOK, p)
}

// stream sends the rows that change, one by one, and what stands above them.
func (h fleet) stream(c *server.Call) error {
	shown := parseFleetVersion(c.QueryParam("v"))
	return c.Stream(func(ctx context.Context, out *server.Stream) error {
		live := parts{out: out}
		return h.eachChange(ctx, c, func() error {
			l, err := h.lookLive(c)
			if err != nil {
				return err
			}
			if err := live.sendHTML(l.above); err != nil {
				return err
			}
			changed, whole := l.changed(shown)
			shown = l.version
			if len(changed) == 0 {
				return nil
			}
			var buf bytes.Buffer
			if err := ui.FleetRows(&buf, changed, whole); err != nil {
				return err
			}
			if buf.Len() > rowsAtOnce { // as a page it is compressed
				return out.SendRaw("", "go", []byte("/"))
			}
			return out.SendRaw("", "parts", buf.Bytes())
		})
	})
}

// page is the page without its rows.
func (h fleet) page(c *server.Call, l look) (ui.FleetPage, error) {
	shell, err := h.shellWith(c, l.apps, "Apps", "apps")
	shell.Crumbs = []ui.Crumb{{Text: "Apps"}}
	shell.Stream = "/live?v=" + l.version.String()
	if err != nil || len(l.apps) == 0 {
		return ui.FleetPage{Shell: shell}, err
	}
	return ui.FleetPage{Shell: shell, Apps: l.apps, Figures: l.figures}, nil
}

// figures are the numbers of the home page, each with what it means.
func figures(apps []ui.App, week control.Week) []ui.Figure {
	var requests, sent int64
	for _, a := range apps {
		requests, sent = requests+a.Load.Requests, sent+a.Load.SentBytes
	}
	_, available := control.MachineMemory()
	return []ui.Figure{
		ui.NumberFigure("Deploys this week", int64(week.Tried), deployNote(week)),
		ui.NumberFigure("Requests, last hour", requests, fmt.Sprintf("to %s", plural(len(apps), "app"))),
		ui.BytesFigure("Sent, last hour", sent, "to visitors"),
		ui.BytesFigure("Memory left", available, "on this server"),
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
