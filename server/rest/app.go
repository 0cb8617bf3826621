package rest

import (
	"net/http"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/control"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/server"
)

const oneApp = "/api/v1/apps/:app"

type apps struct{ ctl *control.Control }

func (h apps) routes() []server.Route {
	return []server.Route{
		{Method: http.MethodGet, Path: "/api/v1/apps", Action: access.AppList, Resource: server.NoResource, Handle: h.list,
			Doc: server.Doc{ID: "listApps", Summary: "List the apps that the credential can see, by name", Out: api.Apps{}, Query: []string{"env"}}},
		{Method: http.MethodPost, Path: "/api/v1/apps", Action: access.AppCreate, Resource: h.whereNew, Handle: h.create, MaxBody: server.MaxAppBody,
			Doc: server.Doc{ID: "createApp", Summary: "Create an app", In: api.CreateApp{}, Out: api.App{}, Status: http.StatusCreated}},
		{Method: http.MethodGet, Path: oneApp, Action: access.AppRead, Resource: server.TheApp, Handle: h.show,
			Doc: server.Doc{ID: "showApp", Summary: "Show an app with its live release and newest deployments", Out: api.AppDetail{}, Query: []string{"env"}}},
		{Method: http.MethodPatch, Path: oneApp, Action: access.AppUpdate, Resource: server.TheApp, Handle: h.update,
			Doc: server.Doc{ID: "updateApp", Summary: "Rename an app, or change its source, build settings, limits or copies", In: api.UpdateApp{}, Out: api.App{},
				Query: []string{"env"}}},
		{Method: http.MethodDelete, Path: oneApp, Action: access.AppDelete, Resource: server.TheApp, Handle: h.delete,
			Doc: server.Doc{ID: "deleteApp", Summary: "Delete an app with its code, variables and versions"}},
	}
}

// whereNew is where the app that the body asks for would be.
func (h apps) whereNew(c *server.Call) (access.Resource, error) {
	var in api.CreateApp
	if err := c.Decode(&in); err != nil {
		return access.Resource{}, err
	}
	return h.ctl.WhereNew(in.Project)
}

func (h apps) list(c *server.Call) error {
	states, err := h.ctl.Apps(c.Principal, c.QueryParam("env"))
	if err != nil {
		return err
	}
	out := api.Apps{Apps: []api.App{}}
	for _, s := range states {
		out.Apps = append(out.Apps, appDTO(s))
	}
	return c.JSON(http.StatusOK, out)
}

func (h apps) create(c *server.Call) error {
	var in api.CreateApp
	if err := c.Decode(&in); err != nil {
		return err
	}
	place, err := h.ctl.CreateApp(c.Ctx(), c.Principal, control.NewApp{Name: in.Name, Project: in.Project, Source: appSource(in.Source),
		Build: buildSettings(in.Build), Variables: setVariables(in.Variables)})
	if err != nil {
		return err
	}
	return h.answer(c, http.StatusCreated, place.Target())
}

func (h apps) answer(c *server.Call, status int, target paas.Target) error {
	s, err := h.ctl.App(c.Principal, target)
	if err != nil {
		return err
	}
	return c.JSON(status, appDTO(s))
}

func (h apps) show(c *server.Call) error {
	s, err := h.ctl.App(c.Principal, c.Target())
	if err != nil {
		return err
	}
	history, err := h.ctl.History(c.Principal, c.Target(), control.ShownDeployments)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, api.AppDetail{App: appDTO(s), Deployments: deploymentDTOs(history.Deployments, c.Place.Environment.Name, s.Address)})
}

func (h apps) update(c *server.Call) error {
	var in api.UpdateApp
	if err := c.Decode(&in); err != nil {
		return err
	}
	change := control.AppChange{Name: in.Name, Scale: in.Scale}
	if in.Source != nil {
		s := appSource(*in.Source)
		change.Source = &s
	}
	if in.Build != nil {
		b := buildSettings(*in.Build)
		change.Build = &b
	}
	if in.Limits != nil {
		change.Limits = &paas.Limits{MemoryMB: in.Limits.MemoryMB, CPUs: in.Limits.CPUs, PIDs: in.Limits.PIDs}
	}
	if _, err := h.ctl.ChangeApp(c.Ctx(), c.Principal, c.Target(), change); err != nil {
		return err
	}
	return h.answer(c, http.StatusOK, c.Target())
}

func (h apps) delete(c *server.Call) error {
	if err := h.ctl.DeleteApp(c.Ctx(), c.Principal, c.Place.App.ID, nil); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

func appDTO(s control.AppState) api.App {
	a := s.App
	out := api.App{ID: a.ID, Name: a.Name, Project: s.Project.Name, Environment: s.Environment.Name, URL: s.Address, Git: s.Remote,
		Source: api.AppSource{URL: a.Source.URL, Branch: s.Config.Branch}, Build: buildDTO(a.BuildIn(s.Config)), Limits: limitsDTO(s.Config.Limits),
		Scale: s.Config.Scale(), Created: a.Created}
	if s.Live != nil {
		live := control.Release{Release: *s.Live, IsLive: true}
		if s.Build != nil {
			live.Source = &s.Build.Source
		}
		dto := releaseDTO(live)
		out.Live = &dto
	}
	if s.Latest != nil {
		dto := deploymentDTO(*s.Latest, s.Environment.Name, s.Address)
		out.Latest = &dto
	}
	return out
}
