package page

import (
	"fmt"
	"net/http"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/control"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/server"
	"github.com/cloudsania/cloudsania/ui"
)

// settings is what can be changed of an app, and its end.
type settings struct{ frame }

func (h settings) routes() []server.Route {
	const one = "/apps/:app"
	return []server.Route{
		{Method: http.MethodGet, Path: one + "/settings", Action: access.AppRead, Resource: server.TheApp, Handle: h.show},
		{Method: http.MethodPost, Path: one + "/settings/build", Action: access.AppUpdate, Resource: server.TheApp, Handle: h.saveBuild},
		{Method: http.MethodPost, Path: one + "/settings/source", Action: access.AppUpdate, Resource: server.TheApp, Handle: h.saveSource},
		{Method: http.MethodPost, Path: one + "/settings/size", Action: access.AppUpdate, Resource: server.TheApp, Handle: h.saveSize},
		{Method: http.MethodPost, Path: one + "/settings/name", Action: access.AppUpdate, Resource: server.TheApp, Handle: h.rename},
		{Method: http.MethodGet, Path: one + "/delete", Action: access.AppRead, Resource: server.TheApp, Handle: h.askDelete},
		{Method: http.MethodPost, Path: one + "/delete", Action: access.AppDelete, Resource: server.TheApp, Handle: h.delete},
	}
}

func (h settings) show(c *server.Call) error { return h.page(c, http.StatusOK, "", ui.Form{}) }

func (h settings) page(c *server.Call, status int, section string, form ui.Form) error {
	s, err := h.ctl.App(c.Principal, c.Target())
	if err != nil {
		return err
	}
	shell, view, err := h.viewCall(c, "Settings of "+c.Place.App.Name, ui.Crumb{Text: "Settings"})
	if err != nil {
		return err
	}
	return answer(c, status, ui.AppSettingsPage{Shell: shell, AppFrame: ui.AppFrame{App: view, Tab: "settings"}, Limits: s.Config.Limits.WithDefaults(),
		Section: section, Form: form})
}

// change changes the app, or shows the section with what was wrong in it. done answers when it worked.
func (h settings) change(c *server.Call, section string, shown map[string]string, change control.AppChange, done func(*paas.Deployment) error) error {
	dep, err := h.ctl.ChangeApp(c.Ctx(), c.Principal, c.Target(), change)
	if err != nil {
		return h.again(c, section, shown, err)
	}
	return done(dep)
}

func (h settings) again(c *server.Call, section string, shown map[string]string, cause error) error {
	if !correctable(cause) {
		return cause
	}
	return h.page(c, statusOf(cause), section, ui.Failed(shown, cause))
}

// saved goes back to the settings, or to the version that the change made.
func (h settings) saved(c *server.Call, flash string) func(*paas.Deployment) error {
	return func(dep *paas.Deployment) error {
		if dep != nil {
			return redirectAfterPost(c, ui.DeployPath(dep.ID), "Saved. The new version is on its way.")
		}
		path, err := h.pathOf(c)
		if err != nil {
			return err
		}
		return redirectAfterPost(c, path+"/settings", flash)
	}
}

// pathOf is where the app's pages are now: it may have been renamed.
func (h settings) pathOf(c *server.Call) (string, error) {
	s, err := h.ctl.App(c.Principal, c.Target())
	return h.view(s).Path, err
}

// buildForm corrects what detection found.
type buildForm struct {
	Root         string `form:"root"`
	BuildCommand string `form:"build_command"`
	StartCommand string `form:"start_command"`
	HealthPath   string `form:"health_path"`
}

func (f buildForm) settings() paas.BuildSettings { return paas.BuildSettings(f) }

func (h settings) saveBuild(c *server.Call) error {
	var in buildForm
	shown, err := c.Form(&in)
	if err != nil {
		return err
	}
	build := in.settings()
	return h.change(c, "build", shown, control.AppChange{Build: &build}, h.saved(c, "Saved. The next deploy is built this way."))
}

func (h settings) saveSource(c *server.Call) error {
	var in struct {
		URL    string `form:"url"`
		Branch string `form:"branch"`
	}
	shown, err := c.Form(&in)
	if err != nil {
		return err
	}
	source := paas.AppSource{URL: in.URL, Branch: in.Branch}
	if err := control.CheckRepository(source); err != nil {
		return h.again(c, "source", shown, err)
	}
	return h.change(c, "source", shown, control.AppChange{Source: &source}, h.saved(c, "Saved. The next deploy fetches from there."))
}

func (h settings) saveSize(c *server.Call) error {
	var in struct {
		MemoryMB int     `form:"memory_mb"`
		CPUs     float64 `form:"cpus"`
	}
	shown, err := c.Form(&in)
	if err != nil {
		return h.again(c, "size", shown, err)
	}
	s, err := h.ctl.App(c.Principal, c.Target())
	if err != nil {
		return err
	}
	limits := s.Config.Limits
	limits.MemoryMB, limits.CPUs = in.MemoryMB, in.CPUs
	return h.change(c, "size", shown, control.AppChange{Limits: &limits}, h.saved(c, "Saved."))
}

func (h settings) rename(c *server.Call) error {
	var in struct {
		Name string `form:"name"`
	}
	shown, err := c.Form(&in)
	if err != nil {
		return err
	}
	if in.Name == c.Place.App.Name {
		return h.saved(c, "That is its name already.")(nil)
	}
	return h.change(c, "name", shown, control.AppChange{Name: &in.Name}, func(*paas.Deployment) error {
		s, err := h.ctl.App(c.Principal, c.Target())
		if err != nil {
			return err
		}
		view := h.view(s)
		return redirectAfterPost(c, view.Path+"/settings", "Renamed. It is at "+view.Host()+" now.")
	})
}

func (h settings) askDelete(c *server.Call) error {
	return h.question(c, http.StatusOK, ui.Form{})
}

func (h settings) question(c *server.Call, status int, form ui.Form) error {
	shell, view, err := h.viewCall(c, "Delete", ui.Crumb{Text: "Delete"})
	if err != nil {
		return err
	}
	changes := []ui.Change{
		{Icon: "globe", What: "Visitors", Text: "get “not found” at " + view.Host() + " at once", Warn: view.Live != nil},
		{Icon: "box", What: "Versions, variables and code", Text: "are removed from this server and cannot come back"},
		{Icon: "shield", What: "The audit record", Text: "stays"},
	}
	return answer(c, status, ui.ConfirmPage{Shell: shell, Form: form, Question: fmt.Sprintf("Delete %s?", view.Name), Lede: "There is no way back.",
		Changes: changes, Action: view.Path + "/delete", Yes: "Delete this app", YesIcon: "trash", No: "Keep it", NoPath: view.Path + "/settings",
		Danger: true, TypeName: view.Name})
}

func (h settings) delete(c *server.Call) error {
	var in struct {
		Typed string `form:"typed"`
	}
	if _, err := c.Form(&in); err != nil {
		return err
	}
	err := h.ctl.DeleteApp(c.Ctx(), c.Principal, c.Place.App.ID, &in.Typed)
	if err != nil && correctable(err) {
		return h.question(c, statusOf(err), ui.Failed(nil, err))
	}
	if err != nil {
		return err
	}
	return redirectAfterPost(c, "/", c.Place.App.Name+" is deleted.")
}
