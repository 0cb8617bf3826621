package server

import (
	"net/http"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/ui"
)

func versionPages() []Route {
	const one = "/apps/:app"
	return []Route{
		{Method: http.MethodGet, Path: one + "/deploy", Action: access.DeploymentRead, Resource: theApp, Handle: (*Server).showNewVersion, Page: true},
		{Method: http.MethodPost, Path: one + "/deploy", Action: access.DeploymentCreate, Resource: theApp, Handle: (*Server).deployAgain, Page: true},
		{Method: http.MethodPost, Path: one + "/upload", Action: access.DeploymentCreate, Resource: theApp, Handle: (*Server).uploadVersion, Page: true, Upload: true},
		{Method: http.MethodGet, Path: one + "/rollback", Action: access.ReleaseRead, Resource: theApp, Handle: (*Server).askRollback, Page: true},
		{Method: http.MethodPost, Path: one + "/rollback", Action: access.ReleaseRollback, Resource: theApp, Handle: (*Server).rollbackPage, Page: true},
	}
}

func (s *Server) showNewVersion(c *Call) error {
	shell, view, err := s.viewCall(c, "New version of "+c.App.Name, ui.Crumb{Text: "New version"})
	if err != nil {
		return err
	}
	return c.page(http.StatusOK, s.newVersionPage(shell, view, nil))
}

func (s *Server) newVersionPage(shell ui.Shell, view ui.App, push *ui.GitBlock) ui.NewVersionPage {
	shell.Scripts = []string{"upload.js"}
	return ui.NewVersionPage{Shell: shell, AppFrame: ui.AppFrame{App: view}, MaxUpload: MaxUploadBytes, Push: push, Branch: deployBranch(view.App)}
}

// deployAgain deploys what the app is made of by its settings, or was last deployed from.
func (s *Server) deployAgain(c *Call) error {
	src, err := s.Source(c, api.CreateDeployment{})
	if err != nil {
		return err
	}
	dep, err := s.Deployer.Deploy(c.Request().Context(), c.Actor(), c.Target, src)
	if err != nil {
		return err
	}
	return c.went(ui.DeployPath(dep.ID), "")
}

// uploadVersion takes an archive and deploys it.
func (s *Server) uploadVersion(c *Call) error {
	up, err := s.TakeUpload(c)
	if err == nil {
		dep, e := s.Deployer.Deploy(c.Request().Context(), c.Actor(), c.Target, uploadSource(up))
		if e != nil {
			return e
		}
		return c.went(ui.DeployPath(dep.ID), "")
	}
	if c.wants("json") || !correctable(err) {
		return err
	}
	shell, view, e := s.viewCall(c, "New version of "+c.App.Name, ui.Crumb{Text: "New version"})
	if e != nil {
		return e
	}
	p := s.newVersionPage(shell, view, nil)
	p.Form = ui.Failed(nil, err)
	return c.page(Status(errorKind(err)), p)
}
