package page

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/control"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/server"
	"github.com/cloudsania/cloudsania/terminal"
	"github.com/cloudsania/cloudsania/ui"
)

const (
	logsTail    = 500  // lines that a page begins with
	logsKept    = 2000 // lines that it keeps
	logsTimeout = 5 * time.Second
)

// output is what an app prints.
type output struct{ frame }

func (h output) routes() []server.Route {
	const one = "/apps/:app/logs"
	return []server.Route{
		{Method: http.MethodGet, Path: one, Action: access.LogRead, Resource: server.TheApp, Handle: h.show},
		{Method: http.MethodGet, Path: one + "/live", Action: access.LogRead, Resource: server.TheApp, Handle: h.stream, Stream: true},
		{Method: http.MethodGet, Path: one + "/download", Action: access.LogRead, Resource: server.TheApp, Handle: h.download},
	}
}

func (h output) show(c *server.Call) error {
	shell, view, err := h.viewCall(c, "Logs of "+c.Place.App.Name, ui.Crumb{Text: "Logs"})
	if err != nil {
		return err
	}
	p := ui.LogsPage{Shell: shell, AppFrame: ui.AppFrame{App: view, Tab: "logs"}, Limit: logsKept, Sources: processes(view.Plan), Source: c.QueryParam("process")}
	p.Static = view.Plan != nil && view.Plan.Static != nil
	if view.Live == nil || p.Static {
		return answer(c, http.StatusOK, p)
	}
	if !slices.Contains(p.Sources, p.Source) {
		p.Source = ""
	}
	p.Stream = view.Path + "/logs/live"
	if p.Source != "" {
		p.Stream += "?" + url.Values{"process": {p.Source}}.Encode()
	}
	p.Scripts = []string{"logs.js"}
	lines, err := h.newest(c, logsTail, p.Source)
	if err != nil {
		return err
	}
	for _, l := range lines {
		p.Lines = append(p.Lines, appLine(l))
	}
	return answer(c, http.StatusOK, p)
}

// processes are the types that a plan runs, which are names of ours and of Procfiles.
func processes(plan *paas.Plan) (out []string) {
	if plan == nil {
		return nil
	}
	for _, p := range plan.Processes {
		out = append(out, p.Type)
	}
	return out
}

func appLine(l paas.LogLine) ui.Line {
	text := terminal.LogLine(l.Text)
	return ui.Line{At: l.Time, From: l.Process, Text: text, Level: ui.LevelOf(text)}
}

func (h output) newest(c *server.Call, tail int, process string) ([]paas.LogLine, error) {
	ctx, cancel := context.WithTimeout(c.Ctx(), logsTimeout)
	defer cancel()
	return h.ctl.Output.Newest(ctx, c.Principal, c.Target(), paas.LogOptions{Tail: tail}, process)
}

// stream sends new lines as they come, and how the app stands.
func (h output) stream(c *server.Call) error {
	process := c.QueryParam("process")
	after, err := c.Moment("after")
	if err != nil {
		after = time.Time{} // a page without a line yet
	}
	target := c.Target() // streamHead looks the place up again
	return c.Stream(func(ctx context.Context, out *server.Stream) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		lines, sent := make(chan ui.Line, linesAtOnce), make(chan error, 2)
		go func() { sent <- sendLines(ctx, out, lines) }()
		go func() { sent <- h.streamHead(ctx, c, out) }()
		err := h.ctl.Output.App(ctx, c.Principal, target, paas.LogOptions{Since: after, Tail: control.MaxTail, Follow: true}, func(l paas.LogLine) error {
			if !l.Time.After(after) || process != "" && l.Process != process {
				return nil
			}
			select {
			case lines <- appLine(l):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		cancel()
		<-sent
		<-sent
		return err
	})
}

// streamHead keeps the head of the page up to date.
func (h output) streamHead(ctx context.Context, c *server.Call, out *server.Stream) error {
	live := parts{out: out}
	return h.eachChange(ctx, c, func() error {
		shell, view, err := h.viewCall(c, "Logs of "+c.Place.App.Name)
		if err != nil {
			return err
		}
		return live.send(ui.LogsPage{Shell: shell, AppFrame: ui.AppFrame{App: view, Tab: "logs"}})
	})
}

func (h output) download(c *server.Call) error {
	lines, err := h.newest(c, control.MaxTail, c.QueryParam("process"))
	if err != nil {
		return err
	}
	w := attachment(c, c.Place.App.Name+".log")
	for _, l := range lines {
		if _, err := fmt.Fprintf(w, "%s %s %s\n", l.Time.UTC().Format(time.RFC3339Nano), l.Process, terminal.LogLine(l.Text)); err != nil {
			return nil // the visitor is gone
		}
	}
	return nil
}
