package server

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/terminal"
	"github.com/cloudsania/cloudsania/ui"
)

const (
	shownLogLines = 3000
	deployEvery   = time.Second
)

func deployPages() []Route {
	const one = "/deploys/:deployment"
	return []Route{
		{Method: http.MethodGet, Path: one, Action: access.DeploymentRead, Resource: theDeployment, Handle: (*Server).showDeploy, Page: true},
		{Method: http.MethodGet, Path: one + "/live", Action: access.DeploymentRead, Resource: theDeployment, Handle: (*Server).streamDeploy, Page: true, Stream: true},
		{Method: http.MethodGet, Path: one + "/log", Action: access.DeploymentRead, Resource: theDeployment, Handle: (*Server).downloadDeployLog, Page: true},
		{Method: http.MethodPost, Path: one + "/stop", Action: access.DeploymentCancel, Resource: theDeployment, Handle: (*Server).stopDeploy, Page: true},
		{Method: http.MethodPost, Path: one + "/again", Action: access.DeploymentCreate, Resource: theDeployment, Handle: (*Server).deployOnceMore, Page: true},
	}
}

func (s *Server) showDeploy(c *Call) error {
	p, err := s.deployPage(c)
	if err != nil {
		return err
	}
	lines, err := s.Deployer.Log(c.Deployment.ID)
	if err != nil {
		return err
	}
	if over := len(lines) - shownLogLines; over > 0 {
		p.Cut, lines = true, lines[over:]
	}
	p.Lines = deployLines(lines, p.Deploy.Failure)
	return c.page(http.StatusOK, p)
}

func (s *Server) deployPage(c *Call) (ui.DeployPage, error) {
	shell, view, err := s.viewCall(c, c.App.Name)
	if err != nil {
		return ui.DeployPage{}, err
	}
	d, err := s.viewDeploy(c, view, c.Deployment.ID)
	if err != nil {
		return ui.DeployPage{}, err
	}
	shell.Title = d.Title() + " · " + view.Name
	shell.Crumbs = append(shell.Crumbs, ui.Crumb{Text: d.Crumb()})
	shell.Scripts = []string{"logs.js"}
	if !d.Status.Done() {
		shell.Stream = d.Path + "/live"
	}
	return ui.DeployPage{Shell: shell, AppFrame: ui.AppFrame{App: view}, Deploy: d}, nil
}

// streamDeploy keeps a deployment's page up to date until it is over.
func (s *Server) streamDeploy(c *Call) error {
	after, err := c.number("after", 0, 0, 1<<30)
	if err != nil {
		return err
	}
	return s.Stream(c, func(ctx context.Context, out *Stream) error {
		var follower sync.WaitGroup
		defer follower.Wait() // nothing may be sent once the stream is over
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		done := make(chan error, 1)
		follower.Go(func() { done <- s.follow(ctx, out, c.Deployment.ID, after) })
		live := parts{out: out}
		t := time.NewTicker(deployEvery)
		defer t.Stop()
		for {
			p, err := s.deployPage(c)
			if err == nil {
				err = live.send(p)
			}
			if err != nil {
				return err
			}
			if p.Deploy.Status.Done() {
				if err := <-done; err != nil {
					return err
				}
				return out.SendRaw("", "end", nil)
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-t.C:
			}
		}
	})
}

// downloadDeployLog sends the whole log as text.
func (s *Server) downloadDeployLog(c *Call) error {
	lines, err := s.Deployer.Log(c.Deployment.ID)
	if err != nil {
		return err
	}
	w := c.attachment(c.App.Name + "-" + c.Deployment.Created.UTC().Format("2006-01-02-1504") + ".log")
	for _, l := range lines {
		if _, err := fmt.Fprintf(w, "%s %-7s %s\n", l.Time.UTC().Format(time.RFC3339), l.Step, terminal.Plain(l.Text)); err != nil {
			return nil // the visitor is gone
		}
	}
	return nil
}

// attachment begins an answer that browsers save as a file. Its name is made of names that are DNS labels, and of ours.
func (c *Call) attachment(name string) io.Writer {
	head := c.Response().Header()
	head.Set("Content-Type", "text/plain; charset=utf-8")
	head.Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", name))
	c.Response().WriteHeader(http.StatusOK)
	return c.Response()
}

func (s *Server) stopDeploy(c *Call) error {
	if err := s.Deployer.Cancel(c.Request().Context(), c.Actor(), c.Deployment.ID); err != nil {
		return err
	}
	return c.went(ui.DeployPath(c.Deployment.ID), "Stopped. What is live was not touched.")
}

// deployOnceMore deploys the same source again.
func (s *Server) deployOnceMore(c *Call) error {
	src, err := s.Source(c, api.CreateDeployment{Deployment: c.Deployment.ID})
	if err != nil {
		return err
	}
	dep, err := s.Deployer.Deploy(c.Request().Context(), c.Actor(), c.Target, src)
	if err != nil {
		return err
	}
	return c.went(ui.DeployPath(dep.ID), "")
}
