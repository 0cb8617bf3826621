package page

import (
	"net/http"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/control"
	"github.com/cloudsania/cloudsania/server"
	"github.com/cloudsania/cloudsania/ui"
)

// versions is bringing a new version of an app.
type versions struct{ frame }

func (h versions) routes() []server.Route {
	const one = "/apps/:app"
	return []server.Route{
		{Method: http.MethodGet, Path: one + "/deploy", Action: access.DeploymentRead, Resource: server.TheApp, Handle: h.show},
		{Method: http.MethodPost, Path: one + "/deploy", Action: access.DeploymentCreate, Resource: server.TheApp, Handle: h.deployAgain},
		{Method: http.MethodPost, Path: one + "/upload", Action: access.DeploymentCreate, Resource: server.TheApp, Handle: h.upload, Upload: true},
	}
}

func (h versions) show(c *server.Call) error { return h.page(c, http.StatusOK, ui.Form{}) }

func (h versions) page(c *server.Call, status int, form ui.Form) error {
	shell, view, err := h.viewCall(c, "New version of "+c.Place.App.Name, ui.Crumb{Text: "New version"})
	if err != nil {
		return err
	}
	p := newVersion(shell, view, nil)
	p.Form = form
	return answer(c, status, p)
}

func newVersion(shell ui.Shell, view ui.App, push *ui.GitBlock) ui.NewVersionPage {
	shell.Scripts = []string{"upload.js"}
	return ui.NewVersionPage{Shell: shell, AppFrame: ui.AppFrame{App: view}, MaxUpload: server.MaxUploadBytes, Push: push, Branch: view.Repository.DeployBranch()}
}

// deployAgain deploys what the app is made of by its settings, or was last deployed from.
func (h versions) deployAgain(c *server.Call) error {
	return h.deploy(c, control.DeployFrom{})
}

func (h versions) deploy(c *server.Call, from control.DeployFrom) error {
	dep, err := h.ctl.Deploy(c.Ctx(), c.Principal, c.Target(), from)
	if err != nil {
		return err
	}
	return redirectAfterPost(c, ui.DeployPath(dep.ID), "")
}

// upload takes an archive and deploys it.
func (h versions) upload(c *server.Call) error {
	up, err := c.TakeUpload()
	if err == nil {
		return h.deploy(c, control.DeployFrom{Upload: up.ID})
	}
	if wantsFragment(c, "json") || !correctable(err) {
		return err
	}
	return h.page(c, statusOf(err), ui.Failed(nil, err))
}
