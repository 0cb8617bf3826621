package page

import (
	"context"
	"net/http"
	"strings"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/control"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/server"
	"github.com/cloudsania/cloudsania/ui"
	"github.com/cloudsania/cloudsania/upload"
)

// newApps is making an app: of an upload, for pushes, or of a public repository.
type newApps struct{ frame }

func (h newApps) routes() []server.Route {
	return []server.Route{
		{Method: http.MethodGet, Path: "/new", Action: access.SourceDetect, Resource: server.NoResource, Handle: h.show},
		{Method: http.MethodPost, Path: "/new", Action: access.AppCreate, Resource: server.NewApp, Handle: h.fromUpload, MaxBody: server.MaxAppBody},
		{Method: http.MethodPost, Path: "/new/upload", Action: access.SourceDetect, Resource: server.NoResource, Handle: h.takeUpload, Upload: true},
		{Method: http.MethodPost, Path: "/new/push", Action: access.AppCreate, Resource: server.NewApp, Handle: h.forPushes},
		{Method: http.MethodPost, Path: "/new/url", Action: access.AppCreate, Resource: server.NewApp, Handle: h.fromRepository},
	}
}

func (h newApps) show(c *server.Call) error {
	tab := c.QueryParam("from")
	if tab != "push" && tab != "url" {
		tab = "upload"
	}
	p := ui.NewAppPage{Tab: tab}
	if id := c.QueryParam("upload"); id != "" {
		up, err := h.ctl.Uploads.Own(c.Principal, id)
		if err != nil && !correctable(err) {
			return err
		}
		if err != nil {
			p.Form = ui.Failed(nil, err)
		} else if p.Found, err = h.look(c.Ctx(), c.Principal, up, paas.BuildSettings{}); err != nil {
			return err
		}
	}
	return h.page(c, http.StatusOK, p)
}

func (h newApps) page(c *server.Call, status int, p ui.NewAppPage) error {
	shell, err := h.shell(c, "New app", "new", ui.Crumb{Text: "New app"})
	if err != nil {
		return err
	}
	shell.Scripts = []string{"upload.js"}
	scheme, _, _ := strings.Cut(h.ctl.System.Origin(), "://")
	p.Shell, p.MaxUpload, p.Base, p.Scheme = shell, server.MaxUploadBytes, h.ctl.System.Domain(), scheme
	return answer(c, status, p)
}

// look says what is in an upload. What cannot be deployed as it is, is a finding too.
func (h newApps) look(ctx context.Context, by access.Principal, up upload.Upload, settings paas.BuildSettings) (*ui.Found, error) {
	found := &ui.Found{Name: paas.NameOfArchive(up.Name), Upload: up.ID, Settings: settings, Source: ui.FileSize(up.Name, up.Size)}
	plan, err := h.ctl.Uploads.Look(ctx, by, up.ID, settings)
	if err != nil && !paas.IsKind(err, paas.Invalid) && !paas.IsKind(err, paas.TooLarge) {
		return nil, err
	}
	if err != nil {
		found.Problem = paas.Public(err)
	}
	found.Plan = plan
	return found, nil
}

// takeUpload keeps an archive and goes on to what is in it.
func (h newApps) takeUpload(c *server.Call) error {
	up, err := c.TakeUpload()
	if err == nil {
		return redirectAfterPost(c, "/new?upload="+up.ID, "")
	}
	if wantsFragment(c, "json") || !correctable(err) {
		return err
	}
	return h.page(c, statusOf(err), ui.NewAppPage{Tab: "upload", Form: ui.Failed(nil, err)})
}

// newAppForm is an upload that was looked into, with what was corrected. The variables that the source asks for stand in two lists.
type newAppForm struct {
	Upload string `form:"upload"`
	Name   string `form:"name"`
	buildForm
	Look     string   `form:"look"` // only look again
	VarName  []string `form:"var_name"`
	VarValue []string `form:"var_value"`
}

func (f newAppForm) given() map[string]paas.Secret {
	out := map[string]paas.Secret{}
	for i, name := range f.VarName {
		out[name] = paas.NewSecret(strings.ReplaceAll(at(f.VarValue, i), "\r\n", "\n")) // as forms send line ends
	}
	return out
}

// fromUpload makes the app of an upload that was looked into, and deploys it.
func (h newApps) fromUpload(c *server.Call) error {
	var in newAppForm
	shown, err := c.Form(&in)
	if err != nil {
		return err
	}
	up, err := h.ctl.Uploads.Own(c.Principal, in.Upload)
	if err != nil {
		return err
	}
	build := in.settings()
	found, err := h.look(c.Ctx(), c.Principal, up, build)
	if err != nil {
		return err
	}
	if in.Look != "" || found.Problem != nil {
		return h.page(c, http.StatusOK, ui.NewAppPage{Tab: "upload", Found: found, Form: ui.Form{Values: shown}})
	}
	app := control.NewApp{Name: in.Name, Build: build, Variables: control.Provide(found.Plan.Missing, in.given())}
	return h.create(c, app, control.DeployFrom{Upload: up.ID}, func(cause error) error {
		return h.page(c, statusOf(cause), ui.NewAppPage{Tab: "upload", Found: found, Form: ui.Failed(shown, cause)})
	})
}

// create makes an app and goes to its first deployment. again shows the form with what was wrong in it.
func (h newApps) create(c *server.Call, in control.NewApp, from control.DeployFrom, again func(error) error) error {
	place, err := h.ctl.CreateApp(c.Ctx(), c.Principal, in)
	if err != nil && correctable(err) {
		return again(err)
	}
	if err != nil {
		return err
	}
	if _, err := h.ctl.Deploy(c.Ctx(), c.Principal, place.Target(), from); err != nil {
		return err
	}
	return redirectAfterPost(c, "/apps/"+place.App.Name, "")
}

// forPushes makes an empty app and shows the lines that push to it, with a key that is shown only now.
func (h newApps) forPushes(c *server.Call) error {
	var in struct {
		Name string `form:"name"`
	}
	shown, err := c.Form(&in)
	if err != nil {
		return err
	}
	place, err := h.ctl.CreateApp(c.Ctx(), c.Principal, control.NewApp{Name: in.Name})
	if err != nil && correctable(err) {
		return h.page(c, statusOf(err), ui.NewAppPage{Tab: "push", Form: ui.Failed(shown, err)})
	}
	if err != nil {
		return err
	}
	c.Place = place
	return apps(h).makeGitKey(c)
}

// fromRepository makes an app of a public repository and deploys it.
func (h newApps) fromRepository(c *server.Call) error {
	var in struct {
		URL    string `form:"url"`
		Branch string `form:"branch"`
		Name   string `form:"name"`
	}
	shown, err := c.Form(&in)
	if err != nil {
		return err
	}
	again := func(cause error) error {
		return h.page(c, statusOf(cause), ui.NewAppPage{Tab: "url", Form: ui.Failed(shown, cause)})
	}
	source := paas.AppSource{URL: in.URL, Branch: in.Branch}
	if err := control.CheckRepository(source); err != nil {
		return again(err)
	}
	if in.Name == "" {
		in.Name = paas.NameOfRepository(in.URL)
		shown["name"] = in.Name
	}
	return h.create(c, control.NewApp{Name: in.Name, Source: source}, control.DeployFrom{}, again)
}
