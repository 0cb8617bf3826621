package server

import (
	"context"
	"net/http"
	"strconv"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/paas"
)

const maxListed = 200

func deploymentRoutes() []Route {
	const one = "/api/v1/deployments/:deployment"
	const all = "/api/v1/apps/:app/deployments"
	return []Route{
		{Method: http.MethodGet, Path: all, Action: access.DeploymentRead, Resource: theApp, Handle: (*Server).listDeployments,
			Doc: Doc{ID: "listDeployments", Summary: "List an app's deployments, newest first", Out: api.Deployments{}, Query: []string{"env", "limit"}}},
		{Method: http.MethodPost, Path: all, Action: access.DeploymentCreate, Resource: theApp, Handle: (*Server).createDeployment, Upload: true,
			Doc: Doc{ID: "createDeployment", Summary: "Deploy an uploaded archive, a public repository, a kept upload, or the last source again",
				In: api.CreateDeployment{}, Optional: true, Out: api.Deployment{}, Status: http.StatusAccepted, Query: []string{"env", "filename"}}},
		{Method: http.MethodPost, Path: "/api/v1/detect", Action: access.SourceDetect, Resource: nowhere, Handle: (*Server).detect, Upload: true,
			Doc: Doc{ID: "detect", Summary: "Say how an archive would be built, and keep it for a day", Out: api.Detected{}, Query: []string{"filename", "root"}}},
		{Method: http.MethodGet, Path: one, Action: access.DeploymentRead, Resource: theDeployment, Handle: (*Server).showDeployment,
			Doc: Doc{ID: "showDeployment", Summary: "Show a deployment", Out: api.Deployment{}}},
		{Method: http.MethodPost, Path: one + "/cancel", Action: access.DeploymentCancel, Resource: theDeployment, Handle: (*Server).cancelDeployment,
			Doc: Doc{ID: "cancelDeployment", Summary: "Stop a deployment that is not live yet", Out: api.Deployment{}}},
		{Method: http.MethodGet, Path: one + "/log", Action: access.DeploymentRead, Resource: theDeployment, Handle: (*Server).showDeploymentLog,
			Doc: Doc{ID: "showDeploymentLog", Summary: "Show a deployment's log as it is now", Out: api.Log{}, Query: []string{"from"}}},
		{Method: http.MethodGet, Path: one + "/log/stream", Action: access.DeploymentRead, Resource: theDeployment, Handle: (*Server).streamDeployment, Stream: true,
			Doc: Doc{ID: "streamDeploymentLog", Summary: "Follow a deployment until it is done", Query: []string{"from"},
				Events: "deploy.stage, a StepTime, when a step begins; deploy.log, each a LogLine with its number as id, and Last-Event-ID goes on after it; " +
					"deploy.done, a Deployment, and the end. failed: an Error, and the end"}},
	}
}

func (s *Server) deployments(c *Call, limit int) ([]api.Deployment, error) {
	deps, err := s.Store.Deployments(c.Target, limit)
	out := []api.Deployment{}
	for _, d := range deps {
		out = append(out, deploymentDTO(d, c.EnvName, s.Deployer.URL(c.App)))
	}
	return out, err
}

func (s *Server) listDeployments(c *Call) error {
	limit, err := c.number("limit", 50, 1, maxListed)
	if err != nil {
		return err
	}
	deps, err := s.deployments(c, limit)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, api.Deployments{Deployments: deps})
}

func (s *Server) showDeployment(c *Call) error {
	return c.JSON(http.StatusOK, deploymentDTO(c.Deployment, c.EnvName, s.Deployer.URL(c.App)))
}

func (s *Server) cancelDeployment(c *Call) error {
	if err := s.Deployer.Cancel(c.Request().Context(), c.Actor(), c.Deployment.ID); err != nil {
		return err
	}
	dep, err := s.Store.Deployment(c.Deployment.ID)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, deploymentDTO(dep, c.EnvName, s.Deployer.URL(c.App)))
}

func (s *Server) showDeploymentLog(c *Call) error {
	from, err := c.number("from", 0, 0, 1<<30)
	if err != nil {
		return err
	}
	lines, err := s.Deployer.Log(c.Deployment.ID)
	if err != nil {
		return err
	}
	out := api.Log{Lines: []api.LogLine{}}
	for _, l := range lines {
		if l.N >= from {
			out.Lines = append(out.Lines, logLineDTO(l))
		}
	}
	return c.JSON(http.StatusOK, out)
}

// streamDeployment replays the log and follows it. The deployment belongs to deploy: a closed connection ends only the stream.
func (s *Server) streamDeployment(c *Call) error {
	from, err := c.number("from", 0, 0, 1<<30)
	if err != nil {
		return err
	}
	if last, err := strconv.Atoi(c.Request().Header.Get("Last-Event-ID")); err == nil && last >= from && last < 1<<30 {
		from = last + 1
	}
	return s.Stream(c, func(ctx context.Context, out *Stream) error {
		step := paas.Step("")
		dep, err := s.Deployer.Follow(ctx, c.Deployment.ID, from, func(l paas.LogLine) error {
			if l.Step != step {
				step = l.Step
				if err := out.Send("", "deploy.stage", api.StepTime{Step: string(l.Step), At: l.Time}); err != nil {
					return err
				}
			}
			return out.Send(strconv.Itoa(l.N), "deploy.log", logLineDTO(l))
		})
		if err != nil {
			return err
		}
		return out.Send("", "deploy.done", deploymentDTO(dep, c.EnvName, s.Deployer.URL(c.App)))
	})
}
