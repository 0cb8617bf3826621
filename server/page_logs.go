package server

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/terminal"
	"github.com/cloudsania/cloudsania/ui"
)

const (
	logsTail     = 500  // lines that a page begins with
	logsKept     = 2000 // lines that it keeps
	logsTimeout  = 5 * time.Second
	logsDownload = 5000
)

func logPages() []Route {
	const one = "/apps/:app/logs"
	return []Route{
		{Method: http.MethodGet, Path: one, Action: access.LogRead, Resource: theApp, Handle: (*Server).showLogPage, Page: true},
		{Method: http.MethodGet, Path: one + "/live", Action: access.LogRead, Resource: theApp, Handle: (*Server).streamLogPage, Page: true, Stream: true},
		{Method: http.MethodGet, Path: one + "/download", Action: access.LogRead, Resource: theApp, Handle: (*Server).downloadLogs, Page: true},
	}
}

func (s *Server) showLogPage(c *Call) error {
	shell, view, err := s.viewCall(c, "Logs of "+c.App.Name, ui.Crumb{Text: "Logs"})
	if err != nil {
		return err
	}
	p := ui.LogsPage{Shell: shell, AppFrame: ui.AppFrame{App: view, Tab: "logs"}, Limit: logsKept, Sources: processes(view.Plan), Source: c.QueryParam("process")}
	p.Static = view.Plan != nil && view.Plan.Static != nil
	if view.Live == nil || p.Static {
		return c.page(http.StatusOK, p)
	}
	if !slices.Contains(p.Sources, p.Source) {
		p.Source = ""
	}
	p.Stream = view.Path + "/logs/live"
	if p.Source != "" {
		p.Stream += "?process=" + p.Source
	}
	p.Scripts = []string{"logs.js"}
	lines, err := s.appLines(c, logsTail, p.Source)
	if err != nil {
		return err
	}
	for _, l := range lines {
		p.Lines = append(p.Lines, appLine(l))
	}
	return c.page(http.StatusOK, p)
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
	text := plain(l.Text)
	return ui.Line{At: l.Time, From: l.Process, Text: text, Level: ui.LevelOf(text)}
}

// appLines are the newest lines, oldest first; of one process when it is named.
func (s *Server) appLines(c *Call, tail int, process string) ([]paas.LogLine, error) {
	ctx, cancel := context.WithTimeout(c.Request().Context(), logsTimeout)
	defer cancel()
	var out []paas.LogLine
	err := s.Deployer.AppLogs(ctx, c.Target, paas.LogOptions{Tail: tail}, func(l paas.LogLine) error {
		if process == "" || l.Process == process {
			out = append(out, l)
		}
		return nil
	})
	slices.SortStableFunc(out, func(a, b paas.LogLine) int { return a.Time.Compare(b.Time) })
	return out[max(0, len(out)-tail):], err
}

// streamLogPage sends new lines as they come, and how the app stands.
func (s *Server) streamLogPage(c *Call) error {
	process := c.QueryParam("process")
	after, err := time.Parse(time.RFC3339Nano, c.QueryParam("after"))
	if err != nil {
		after = time.Time{} // a page without a line yet
	}
	return s.Stream(c, func(ctx context.Context, out *Stream) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		lines, sent := make(chan ui.Line, linesAtOnce), make(chan error, 2)
		go func() { sent <- sendLines(ctx, out, lines) }()
		go func() { sent <- s.streamHead(ctx, c, out) }()
		err := s.Deployer.AppLogs(ctx, c.Target, paas.LogOptions{Since: after, Tail: maxTail, Follow: true}, func(l paas.LogLine) error {
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

// streamHead keeps the head of an app's page up to date.
func (s *Server) streamHead(ctx context.Context, c *Call, out *Stream) error {
	live := parts{out: out}
	return every(ctx, fleetEvery, func() error {
		shell, view, err := s.viewCall(c, "Logs of "+c.App.Name)
		if err != nil {
			return err
		}
		return live.send(ui.LogsPage{Shell: shell, AppFrame: ui.AppFrame{App: view, Tab: "logs"}})
	})
}

func (s *Server) downloadLogs(c *Call) error {
	lines, err := s.appLines(c, logsDownload, c.QueryParam("process"))
	if err != nil {
		return err
	}
	w := c.attachment(c.App.Name + ".log")
	for _, l := range lines {
		if _, err := fmt.Fprintf(w, "%s %s %s\n", l.Time.UTC().Format(time.RFC3339Nano), l.Process, terminal.Plain(l.Text)); err != nil {
			return nil // the visitor is gone
		}
	}
	return nil
}
