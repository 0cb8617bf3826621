package server

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/ui"
)

func settingsPages() []Route {
	const one = "/apps/:app"
	return []Route{
		{Method: http.MethodGet, Path: one + "/settings", Action: access.AppRead, Resource: theApp, Handle: (*Server).showSettings, Page: true},
		{Method: http.MethodPost, Path: one + "/settings/build", Action: access.AppUpdate, Resource: theApp, Handle: (*Server).saveBuild, Page: true},
		{Method: http.MethodPost, Path: one + "/settings/source", Action: access.AppUpdate, Resource: theApp, Handle: (*Server).saveSource, Page: true},
		{Method: http.MethodPost, Path: one + "/settings/size", Action: access.AppUpdate, Resource: theApp, Handle: (*Server).saveSize, Page: true},
		{Method: http.MethodPost, Path: one + "/settings/name", Action: access.AppUpdate, Resource: theApp, Handle: (*Server).renameApp, Page: true},
		{Method: http.MethodGet, Path: one + "/delete", Action: access.AppRead, Resource: theApp, Handle: (*Server).askDelete, Page: true},
		{Method: http.MethodPost, Path: one + "/delete", Action: access.AppDelete, Resource: theApp, Handle: (*Server).deleteAppPage, Page: true},
	}
}

func (s *Server) showSettings(c *Call) error { return s.settings(c, http.StatusOK, "", ui.Form{}) }

func (s *Server) settings(c *Call, status int, section string, form ui.Form) error {
	shell, view, err := s.viewCall(c, "Settings of "+c.App.Name, ui.Crumb{Text: "Settings"})
	if err != nil {
		return err
	}
	p, err := s.Store.AppEnvironment(c.Target)
	if err != nil {
		return err
	}
	return c.page(status, ui.AppSettingsPage{Shell: shell, AppFrame: ui.AppFrame{App: view, Tab: "settings"}, Limits: p.Limits.WithDefaults(), Section: section, Form: form})
}

// settingsAgain shows the section with what was wrong in it.
func (s *Server) settingsAgain(c *Call, section string, in map[string]string, cause error) error {
	if !correctable(cause) {
		return cause
	}
	return s.settings(c, Status(errorKind(cause)), section, ui.Failed(in, cause))
}

func (s *Server) appPath(c *Call) string {
	return strings.TrimSuffix(c.Request().URL.Path, "/"+lastParts(c.route.Path))
}

// lastParts is what a route's path has after the app.
func lastParts(path string) string {
	_, rest, _ := strings.Cut(path, ":app/")
	return rest
}

func (s *Server) saveBuild(c *Call) error {
	in, err := c.form("root", "build_command", "start_command", "health_path")
	if err != nil {
		return err
	}
	err = s.Store.UpdateApp(c.Actor(), c.App.ID, func(a *paas.App) error {
		a.Build = paas.BuildSettings{Root: in["root"], BuildCommand: in["build_command"], StartCommand: in["start_command"], HealthPath: in["health_path"]}
		return nil
	})
	if err != nil {
		return s.settingsAgain(c, "build", in, err)
	}
	return c.went(s.appPath(c)+"/settings", "Saved. The next deploy is built this way.")
}

func (s *Server) saveSource(c *Call) error {
	in, err := c.form("url", "branch")
	if err != nil {
		return err
	}
	if _, err := externalSource(api.AppSource{URL: in["url"], Branch: in["branch"]}); err != nil {
		return s.settingsAgain(c, "source", in, inField(err, "url"))
	}
	err = s.Store.UpdateApp(c.Actor(), c.App.ID, func(a *paas.App) error {
		a.Source = paas.AppSource{URL: in["url"], Branch: in["branch"]}
		return nil
	})
	if err != nil {
		return s.settingsAgain(c, "source", in, err)
	}
	return c.went(s.appPath(c)+"/settings", "Saved. The next deploy fetches from there.")
}

// inField puts an error beside another field.
func inField(err error, field string) error {
	e := paas.Public(err)
	e.Field = field
	return e
}

func (s *Server) saveSize(c *Call) error {
	in, err := c.form("memory_mb", "cpus")
	if err != nil {
		return err
	}
	limits, err := sizeOf(in)
	if err != nil {
		return s.settingsAgain(c, "size", in, err)
	}
	err = s.Store.UpdateAppEnvironment(c.Actor(), c.Target, func(p *paas.AppEnvironment) error {
		p.Limits.MemoryMB, p.Limits.CPUs = limits.MemoryMB, limits.CPUs
		return nil
	})
	if err != nil {
		return s.settingsAgain(c, "size", in, err)
	}
	dep, err := s.Apply(c)
	if err != nil {
		return err
	}
	if dep == nil {
		return c.went(s.appPath(c)+"/settings", "Saved.")
	}
	return c.went(ui.DeployPath(dep.ID), "Saved. The new version is on its way.")
}

func sizeOf(in map[string]string) (paas.Limits, error) {
	const leastMB, mostMB, mostCPUs = 32, 1 << 20, 256
	memory, err := strconv.Atoi(in["memory_mb"])
	if err != nil || memory < leastMB || memory > mostMB {
		return paas.Limits{}, paas.Invalidf("memory_mb", "give a number such as 512", "an app has at least %d MB of memory", leastMB)
	}
	cpus, err := strconv.ParseFloat(strings.ReplaceAll(in["cpus"], ",", "."), 64)
	if err != nil || !(cpus >= 0.05 && cpus <= mostCPUs) {
		return paas.Limits{}, paas.Invalidf("cpus", "give a number such as 0.5 or 2", "%q is not a number of processors", paas.Clip(in["cpus"], 20))
	}
	return paas.Limits{MemoryMB: memory, CPUs: cpus}, nil
}

func (s *Server) renameApp(c *Call) error {
	in, err := c.form("name")
	if err != nil {
		return err
	}
	if in["name"] == c.App.Name {
		return c.went(s.appPath(c)+"/settings", "That is its name already.")
	}
	if err := s.Store.RenameApp(c.Actor(), c.App.ID, in["name"]); err != nil {
		return s.settingsAgain(c, "name", in, err)
	}
	app, err := s.Store.App(c.App.ID)
	if err != nil {
		return err
	}
	view, err := s.viewApp(app, paas.IsID("app", c.asked("app")))
	if err != nil {
		return err
	}
	return c.went(view.Path+"/settings", "Renamed. It is at "+view.Host()+" now.")
}

func (s *Server) askDelete(c *Call) error { return s.deleteQuestion(c, http.StatusOK, ui.Form{}) }

func (s *Server) deleteQuestion(c *Call, status int, form ui.Form) error {
	shell, view, err := s.viewCall(c, "Delete", ui.Crumb{Text: "Delete"})
	if err != nil {
		return err
	}
	changes := []ui.Change{
		{Icon: "globe", What: "Visitors", Text: "get “not found” at " + view.Host() + " at once", Warn: view.Live != nil},
		{Icon: "box", What: "Versions, variables and code", Text: "are removed from this server and cannot come back"},
		{Icon: "shield", What: "The audit record", Text: "stays"},
	}
	return c.page(status, ui.ConfirmPage{Shell: shell, Form: form, Question: fmt.Sprintf("Delete %s?", view.Name), Lede: "There is no way back.", Changes: changes,
		Action: view.Path + "/delete", Yes: "Delete this app", YesIcon: "trash", No: "Keep it", NoPath: view.Path + "/settings", Danger: true, TypeName: view.Name})
}

func (s *Server) deleteAppPage(c *Call) error {
	in, err := c.form("typed")
	if err != nil {
		return err
	}
	if in["typed"] != c.App.Name {
		wrong := paas.Invalidf("typed", "type it as it is written here", "that is not its name")
		return s.deleteQuestion(c, http.StatusBadRequest, ui.Failed(nil, wrong))
	}
	if err := s.Deployer.Delete(c.Request().Context(), c.Actor(), c.App.ID); err != nil {
		return err
	}
	return c.went("/", c.App.Name+" is deleted.")
}
