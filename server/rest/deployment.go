package rest

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/control"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/server"
)

type deployments struct{ ctl *control.Control }

func (h deployments) routes() []server.Route {
	const one = "/api/v1/deployments/:deployment"
	const all = oneApp + "/deployments"
	return []server.Route{
		{Method: http.MethodGet, Path: all, Action: access.DeploymentRead, Resource: server.TheApp, Handle: h.list,
			Doc: server.Doc{ID: "listDeployments", Summary: "List an app's deployments, newest first", Out: api.Deployments{}, Query: []string{"env", "limit"}}},
		{Method: http.MethodPost, Path: all, Action: access.DeploymentCreate, Resource: server.TheApp, Handle: h.create, Upload: true,
			Doc: server.Doc{ID: "createDeployment", Summary: "Deploy an uploaded archive, a public repository, a kept upload, or the last source again",
				In: api.CreateDeployment{}, Optional: true, Out: api.Deployment{}, Status: http.StatusAccepted, Query: []string{"env", "filename"}}},
		{Method: http.MethodPost, Path: "/api/v1/detect", Action: access.SourceDetect, Resource: server.NoResource, Handle: h.detect, Upload: true,
			Doc: server.Doc{ID: "detect", Summary: "Say how an archive would be built, and keep it for a day", Out: api.Detected{}, Query: []string{"filename", "root"}}},
		{Method: http.MethodGet, Path: one, Action: access.DeploymentRead, Resource: server.TheDeployment, Handle: h.show,
			Doc: server.Doc{ID: "showDeployment", Summary: "Show a deployment", Out: api.Deployment{}}},
		{Method: http.MethodPost, Path: one + "/cancel", Action: access.DeploymentCancel, Resource: server.TheDeployment, Handle: h.cancel,
			Doc: server.Doc{ID: "cancelDeployment", Summary: "Stop a deployment that is not live yet", Out: api.Deployment{}}},
		{Method: http.MethodGet, Path: one + "/log", Action: access.DeploymentRead, Resource: server.TheDeployment, Handle: h.log,
			Doc: server.Doc{ID: "showDeploymentLog", Summary: "Show a deployment's log as it is now", Out: api.Log{}, Query: []string{"from"}}},
		{Method: http.MethodGet, Path: one + "/log/stream", Action: access.DeploymentRead, Resource: server.TheDeployment, Handle: h.stream, Stream: true,
			Doc: server.Doc{ID: "streamDeploymentLog", Summary: "Follow a deployment until it is done", Query: []string{"from"},
				Events: "deploy.stage, a StepTime, when a step begins; deploy.log, each a LogLine with its number as id, and Last-Event-ID goes on after it; " +
					"deploy.done, a Deployment, and the end. failed: an Error, and the end"}},
	}
}

func (h deployments) list(c *server.Call) error {
	limit, err := c.Number("limit", control.DefaultListed, 1, control.MaxListed)
	if err != nil {
		return err
	}
	history, err := h.ctl.History(c.Principal, c.Target(), limit)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, api.Deployments{Deployments: deploymentDTOs(history.Deployments, c.Place.Environment.Name, h.ctl.Address(c.Place))})
}

func (h deployments) answer(c *server.Call, status int, d paas.Deployment) error {
	return c.JSON(status, deploymentDTO(d, c.Place.Environment.Name, h.ctl.Address(c.Place)))
}

func (h deployments) show(c *server.Call) error {
	return h.answer(c, http.StatusOK, c.Deployment)
}

// create deploys what the body is, or what it names.
func (h deployments) create(c *server.Call) error {
	from, err := h.from(c)
	if err != nil {
		return err
	}
	d, err := h.ctl.Deploy(c.Ctx(), c.Principal, c.Target(), from)
	if err != nil {
		return err
	}
	return h.answer(c, http.StatusAccepted, d)
}

func (h deployments) from(c *server.Call) (control.DeployFrom, error) {
	if !c.IsJSON() {
		up, err := c.TakeUpload()
		return control.DeployFrom{Upload: up.ID}, err
	}
	var in api.CreateDeployment
	if err := c.DecodeOptional(&in); err != nil {
		return control.DeployFrom{}, err
	}
	from := control.DeployFrom{Upload: in.Upload, Deployment: in.Deployment, Configuration: in.Configuration}
	if in.Git != nil {
		s := appSource(*in.Git)
		from.Git = &s
	}
	return from, nil
}

// detect keeps an upload and says how it would be built.
func (h deployments) detect(c *server.Call) error {
	up, err := c.TakeUpload()
	if err != nil {
		return err
	}
	plan, err := h.ctl.Uploads.Look(c.Ctx(), c.Principal, up.ID, paas.BuildSettings{Root: c.QueryParam("root")})
	if err != nil {
		return errors.Join(err, h.ctl.Uploads.Drop(c.Principal, up.ID))
	}
	return c.JSON(http.StatusOK, api.Detected{Upload: up.ID, Name: paas.NameOfArchive(up.Name), Size: up.Size, Plan: planDTO(plan), Missing: neededDTO(plan.Missing)})
}

func (h deployments) cancel(c *server.Call) error {
	if err := h.ctl.Cancel(c.Ctx(), c.Principal, c.Deployment.ID); err != nil {
		return err
	}
	d, err := h.ctl.Deployment(c.Principal, c.Deployment.ID)
	if err != nil {
		return err
	}
	return h.answer(c, http.StatusOK, d)
}

func (h deployments) log(c *server.Call) error {
	from, err := c.Number("from", 0, 0, server.MaxLineNumber)
	if err != nil {
		return err
	}
	lines, err := h.ctl.Output.DeploymentLog(c.Principal, c.Deployment.ID)
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

// stream replays the log and follows it. The deployment belongs to deploy: a closed connection ends only the stream.
func (h deployments) stream(c *server.Call) error {
	from, err := c.Number("from", 0, 0, server.MaxLineNumber)
	if err != nil {
		return err
	}
	if last, err := strconv.Atoi(c.Request().Header.Get("Last-Event-ID")); err == nil && last >= from && last < server.MaxLineNumber {
		from = last + 1
	}
	return c.Stream(func(ctx context.Context, out *server.Stream) error {
		step := paas.Step("")
		d, err := h.ctl.Output.Follow(ctx, c.Principal, c.Deployment.ID, from, func(l paas.LogLine) error {
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
		return out.Send("", "deploy.done", deploymentDTO(d, c.Place.Environment.Name, h.ctl.Address(c.Place)))
	})
}
