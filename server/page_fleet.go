package server

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/ui"
)

const (
	fleetEvery   = 2 * time.Second
	weekOfDeploy = 50 // deployments of an app that the week's figure looks at
)

func fleetPages() []Route {
	return []Route{
		{Method: http.MethodGet, Path: "/", Action: access.AppList, Resource: nowhere, Handle: (*Server).showFleet, Page: true},
		{Method: http.MethodGet, Path: "/live", Action: access.AppList, Resource: nowhere, Handle: (*Server).streamFleet, Page: true, Stream: true},
		{Method: http.MethodGet, Path: "/palette", Action: access.AppList, Resource: nowhere, Handle: (*Server).showPalette, Page: true},
	}
}

func (s *Server) showFleet(c *Call) error {
	p, err := s.fleetPage(c)
	if err != nil {
		return err
	}
	return c.page(http.StatusOK, p)
}

func (s *Server) streamFleet(c *Call) error {
	return s.Stream(c, func(ctx context.Context, out *Stream) error {
		live := parts{out: out}
		return every(ctx, fleetEvery, func() error {
			p, err := s.fleetPage(c)
			if err != nil {
				return err
			}
			return live.send(p)
		})
	})
}

func (s *Server) fleetPage(c *Call) (ui.FleetPage, error) {
	apps, err := s.visibleApps(c)
	if err != nil {
		return ui.FleetPage{}, err
	}
	if err := s.addLoads(apps); err != nil {
		return ui.FleetPage{}, err
	}
	shell, err := s.shellWith(c, apps, "Apps", "apps")
	shell.Crumbs = []ui.Crumb{{Text: "Apps"}}
	shell.Stream = "/live"
	if err != nil || len(apps) == 0 {
		return ui.FleetPage{Shell: shell}, err
	}
	figures, err := s.figures(apps)
	return ui.FleetPage{Shell: shell, Apps: apps, Figures: figures}, err
}

func (s *Server) addLoads(apps []ui.App) error {
	for i, a := range apps {
		target, err := s.Store.Target(a.ID, paas.Production)
		if paas.IsKind(err, paas.NotFound) {
			continue
		}
		if err != nil {
			return err
		}
		apps[i].Load = s.load(target, a)
	}
	return nil
}

// figures are the numbers of the home page, each with what it means.
func (s *Server) figures(apps []ui.App) ([]ui.Figure, error) {
	tried, live, failed := 0, 0, 0
	var requests, sent int64
	since := s.Now().AddDate(0, 0, -7)
	for _, a := range apps {
		requests, sent = requests+a.Load.Requests, sent+a.Load.SentBytes
		target, err := s.Store.Target(a.ID, paas.Production)
		if err != nil {
			return nil, err
		}
		deps, err := s.Store.Deployments(target, weekOfDeploy)
		if err != nil {
			return nil, err
		}
		for _, d := range deps {
			if d.Created.Before(since) {
				break
			}
			tried++
			switch d.Status {
			case paas.Succeeded:
				live++
			case paas.StatusFailed, paas.Interrupted:
				failed++
			}
		}
	}
	use := memory()
	return []ui.Figure{
		ui.NumberFigure("Deploys this week", int64(tried), deployNote(live, failed)),
		ui.NumberFigure("Requests, last hour", requests, fmt.Sprintf("to %s", plural(len(apps), "app"))),
		ui.BytesFigure("Sent, last hour", sent, "to visitors"),
		ui.BytesFigure("Memory left", use.Available, "on this server"),
	}, nil
}

func deployNote(live, failed int) string {
	if failed == 0 {
		return fmt.Sprintf("%d went live", live)
	}
	return fmt.Sprintf("%d went live, %d did not", live, failed)
}

func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

// showPalette is what the command palette offers. It is only ever shown in a dialog.
func (s *Server) showPalette(c *Call) error {
	if !c.wants("body") {
		return redirect("/")
	}
	apps, err := s.visibleApps(c)
	if err != nil {
		return err
	}
	return c.page(http.StatusOK, ui.PalettePage{Shell: ui.Shell{Now: s.Now()}, Apps: apps})
}
