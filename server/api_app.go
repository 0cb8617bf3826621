package server

import (
	"net/http"
	"slices"
	"strings"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/store"
)

const (
	shownDeployments = 20
	maxAppBody       = 3 << 20 // variables may be 1 MiB, and JSON may escape them
)

func appRoutes() []Route {
	const one = "/api/v1/apps/:app"
	return []Route{
		{Method: http.MethodGet, Path: "/api/v1/apps", Action: access.AppList, Resource: nowhere, Handle: (*Server).listApps,
			Doc: Doc{ID: "listApps", Summary: "List the apps that the credential can see, by name", Out: api.Apps{}, Query: []string{"env"}}},
		{Method: http.MethodPost, Path: "/api/v1/apps", Action: access.AppCreate, Resource: theNewApp, Handle: (*Server).createApp, MaxBody: maxAppBody,
			Doc: Doc{ID: "createApp", Summary: "Create an app", In: api.CreateApp{}, Out: api.App{}, Status: http.StatusCreated}},
		{Method: http.MethodGet, Path: one, Action: access.AppRead, Resource: theApp, Handle: (*Server).showApp,
			Doc: Doc{ID: "showApp", Summary: "Show an app with its live release and newest deployments", Out: api.AppDetail{}, Query: []string{"env"}}},
		{Method: http.MethodPatch, Path: one, Action: access.AppUpdate, Resource: theApp, Handle: (*Server).updateApp,
			Doc: Doc{ID: "updateApp", Summary: "Rename an app, or change its source, build settings, limits or copies", In: api.UpdateApp{}, Out: api.App{}, Query: []string{"env"}}},
		{Method: http.MethodDelete, Path: one, Action: access.AppDelete, Resource: theApp, Handle: (*Server).deleteApp,
			Doc: Doc{ID: "deleteApp", Summary: "Delete an app with its code, variables and versions"}},
		{Method: http.MethodGet, Path: one + "/variables", Action: access.VariableRead, Resource: theApp, Handle: (*Server).listVariables,
			Doc: Doc{ID: "listVariables", Summary: "List the names of an app's variables; values are write-only", Out: api.Variables{}, Query: []string{"env"}}},
		{Method: http.MethodPatch, Path: one + "/variables", Action: access.VariableWrite, Resource: theApp, Handle: (*Server).changeVariables, MaxBody: maxAppBody,
			Doc: Doc{ID: "changeVariables", Summary: "Set and unset variables; a live app gets a new release with them", In: api.ChangeVariables{}, Out: api.Variables{}, Query: []string{"env"}}},
		{Method: http.MethodGet, Path: one + "/releases", Action: access.ReleaseRead, Resource: theApp, Handle: (*Server).listReleases,
			Doc: Doc{ID: "listReleases", Summary: "List an app's releases, newest first", Out: api.Releases{}, Query: []string{"env"}}},
		{Method: http.MethodPost, Path: one + "/rollback", Action: access.ReleaseRollback, Resource: theApp, Handle: (*Server).rollback,
			Doc: Doc{ID: "rollback", Summary: "Go back to an older release, without building", In: api.Rollback{}, Optional: true, Out: api.Deployment{}, Status: http.StatusAccepted, Query: []string{"env"}}},
		{Method: http.MethodGet, Path: one + "/logs", Action: access.LogRead, Resource: theApp, Handle: (*Server).showLogs,
			Doc: Doc{ID: "showLogs", Summary: "Show the newest lines of an app's output", Out: api.Log{}, Query: []string{"env", "tail", "since"}}},
		{Method: http.MethodGet, Path: one + "/logs/stream", Action: access.LogRead, Resource: theApp, Handle: (*Server).streamLogs, Stream: true,
			Doc: Doc{ID: "streamLogs", Summary: "Follow an app's output", Query: []string{"env", "tail", "since"},
				Events: "log.line, each a LogLine; the id is its time, and Last-Event-ID goes on after it. failed: an Error, and the end"}},
	}
}

// theNewApp is where the app that the body asks for would be.
func theNewApp(s *Server, c *Call) (access.Resource, error) {
	var in api.CreateApp
	if err := c.decode(&in); err != nil {
		return access.Resource{}, err
	}
	return s.Doors.newAppResource(in.Project)
}

func (s *Server) listApps(c *Call) error {
	apps, err := s.Store.Apps()
	if err != nil {
		return err
	}
	env := c.QueryParam("env")
	out := api.Apps{Apps: []api.App{}}
	for _, a := range apps {
		path, err := s.Store.PathOf(a.ID)
		if paas.IsKind(err, paas.NotFound) {
			continue // deleted a moment ago
		}
		if err != nil {
			return err
		}
		if access.Authorize(c.Principal, access.AppRead, access.Resource{Path: path}) != nil {
			continue
		}
		target, err := s.Store.Target(a.ID, env)
		if paas.IsKind(err, paas.NotFound) {
			continue
		}
		if err != nil {
			return err
		}
		one, err := s.appDTO(a, target)
		if err != nil {
			return err
		}
		out.Apps = append(out.Apps, one)
	}
	slices.SortFunc(out.Apps, func(a, b api.App) int { return strings.Compare(a.Name+"/"+a.Project, b.Name+"/"+b.Project) })
	return c.JSON(http.StatusOK, out)
}

func (s *Server) createApp(c *Call) error {
	var in api.CreateApp
	if err := c.decode(&in); err != nil {
		return err
	}
	app, err := s.CreateApp(c, in)
	if err != nil {
		return err
	}
	target, err := s.Store.Target(app.ID, "")
	if err != nil {
		return err
	}
	out, err := s.appDTO(app, target)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, out)
}

// CreateApp makes an app for whoever the gate let through to its project.
func (s *Server) CreateApp(c *Call, in api.CreateApp) (paas.App, error) {
	app := store.NewApp{Name: in.Name, Project: in.Project, Source: appSource(in.Source), Build: buildSettings(in.Build)}
	for _, v := range in.Variables {
		app.Variables = append(app.Variables, paas.Variable{Name: v.Name, Value: paas.NewSecret(v.Value), Build: v.Build != nil && *v.Build})
	}
	return s.Doors.createApp(c.Request().Context(), c.Actor(), app)
}

func (s *Server) showApp(c *Call) error {
	one, err := s.appDTO(c.App, c.Target)
	if err != nil {
		return err
	}
	deps, err := s.deployments(c, shownDeployments)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, api.AppDetail{App: one, Deployments: deps})
}

func (s *Server) updateApp(c *Call) error {
	var in api.UpdateApp
	if err := c.decode(&in); err != nil {
		return err
	}
	if in.Source != nil || in.Build != nil {
		err := s.Store.UpdateApp(c.Actor(), c.App.ID, func(a *paas.App) error {
			if in.Source != nil {
				a.Source = appSource(*in.Source)
			}
			if in.Build != nil {
				a.Build = buildSettings(*in.Build)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	if in.Limits != nil || in.Scale != nil {
		if err := s.changeAppEnvironment(c, in); err != nil {
			return err
		}
	}
	if in.Name != nil {
		if err := s.Store.RenameApp(c.Actor(), c.App.ID, *in.Name); err != nil {
			return err
		}
	}
	app, err := s.Store.App(c.App.ID)
	if err != nil {
		return err
	}
	out, err := s.appDTO(app, c.Target)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, out)
}

// changeAppEnvironment changes limits and copies. Limits are sealed in a release, so that new ones make one when the app is live; copies
// are started and ended without.
func (s *Server) changeAppEnvironment(c *Call, in api.UpdateApp) error {
	err := s.Store.UpdateAppEnvironment(c.Actor(), c.Target, func(p *paas.AppEnvironment) error {
		if in.Limits != nil {
			p.Limits = paas.Limits{MemoryMB: in.Limits.MemoryMB, CPUs: in.Limits.CPUs, PIDs: in.Limits.PIDs}
		}
		if in.Scale != nil {
			p.Scale = *in.Scale
		}
		return nil
	})
	if err != nil || in.Limits == nil {
		return err
	}
	_, err = s.Apply(c)
	return err
}

// Apply makes a release with the present variables and limits. Nil when nothing is live yet: the first deployment takes them anyway.
func (s *Server) Apply(c *Call) (*paas.Deployment, error) {
	p, err := s.Store.AppEnvironment(c.Target)
	if err != nil || p.Live == "" {
		return nil, err
	}
	dep, err := s.Deployer.Apply(c.Request().Context(), c.Actor(), c.Target)
	if err != nil {
		return nil, err
	}
	return &dep, nil
}

func (s *Server) deleteApp(c *Call) error {
	if err := s.Deployer.Delete(c.Request().Context(), c.Actor(), c.App.ID); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// appDTO gathers what is known of an app in an environment.
func (s *Server) appDTO(a paas.App, target paas.Target) (api.App, error) {
	project, err := s.Store.Project(a.Project)
	if err != nil {
		return api.App{}, err
	}
	env, err := s.Store.Environment(target.Environment)
	if err != nil {
		return api.App{}, err
	}
	p, err := s.Store.AppEnvironment(target)
	if err != nil {
		return api.App{}, err
	}
	url := s.Deployer.URL(a)
	out := api.App{ID: a.ID, Name: a.Name, Project: project.Name, Environment: env.Name, URL: url, Git: s.GitURL(a, project),
		Source: api.AppSource{URL: a.Source.URL, Branch: a.Source.Branch}, Build: buildDTO(a.Build), Limits: limitsDTO(p.Limits), Scale: p.Scale, Created: a.Created}
	if p.Live != "" {
		rel, err := s.Store.Release(p.Live)
		if err != nil {
			return out, err
		}
		live, err := s.releaseDTO(rel, p.Live)
		if err != nil {
			return out, err
		}
		out.Live = &live
	}
	latest, err := s.Store.Deployments(target, 1)
	if err == nil && len(latest) > 0 {
		d := deploymentDTO(latest[0], env.Name, url)
		out.Latest = &d
	}
	return out, err
}

// GitURL is where to push the app to.
func (s *Server) GitURL(a paas.App, project paas.Project) string {
	name := a.Name
	if project.Name != a.Name {
		name = project.Name + "/" + a.Name
	}
	return strings.TrimSuffix(s.Origin, "/") + "/git/" + name + ".git"
}
