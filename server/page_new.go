package server

import (
	"context"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/ui"
	"github.com/cloudsania/cloudsania/upload"
)

func newAppPages() []Route {
	return []Route{
		{Method: http.MethodGet, Path: "/new", Action: access.SourceDetect, Resource: nowhere, Handle: (*Server).showNew, Page: true},
		{Method: http.MethodPost, Path: "/new", Action: access.AppCreate, Resource: aNewApp, Handle: (*Server).createFromUpload, Page: true, MaxBody: maxAppBody},
		{Method: http.MethodPost, Path: "/new/upload", Action: access.SourceDetect, Resource: nowhere, Handle: (*Server).takeNewUpload, Page: true, Upload: true},
		{Method: http.MethodPost, Path: "/new/push", Action: access.AppCreate, Resource: aNewApp, Handle: (*Server).createForPushing, Page: true},
		{Method: http.MethodPost, Path: "/new/url", Action: access.AppCreate, Resource: aNewApp, Handle: (*Server).createFromURL, Page: true},
	}
}

// aNewApp is where an app that names no project would be.
func aNewApp(s *Server, _ *Call) (access.Resource, error) { return s.Doors.newAppResource("") }

func (s *Server) showNew(c *Call) error {
	tab := c.QueryParam("from")
	if tab != "push" && tab != "url" {
		tab = "upload"
	}
	p := ui.NewAppPage{Tab: tab}
	if id := c.QueryParam("upload"); id != "" {
		up, err := s.Uploads.OwnedBy(c.owner(), id)
		if err != nil && !correctable(err) {
			return err
		}
		if err != nil {
			p.Form = ui.Failed(nil, err)
		} else if p.Found, err = s.look(c.Request().Context(), up, paas.BuildSettings{}); err != nil {
			return err
		}
	}
	return s.newApp(c, http.StatusOK, p)
}

func (s *Server) newApp(c *Call, status int, p ui.NewAppPage) error {
	shell, err := s.shell(c, "New app", "new", ui.Crumb{Text: "New app"})
	if err != nil {
		return err
	}
	shell.Scripts = []string{"upload.js"}
	scheme, _, _ := strings.Cut(s.Origin, "://")
	p.Shell, p.MaxUpload, p.Base, p.Scheme = shell, MaxUploadBytes, s.Domain, scheme
	return c.page(status, p)
}

// look says what is in an upload. What cannot be deployed as it is, is a finding too.
func (s *Server) look(ctx context.Context, up upload.Upload, settings paas.BuildSettings) (*ui.Found, error) {
	found := &ui.Found{Name: suggestName(up.Name), Upload: up.ID, Settings: settings, Source: ui.FileSize(up.Name, up.Size)}
	plan, err := s.Plan(ctx, up.ID, settings)
	if err != nil && !paas.IsKind(err, paas.Invalid) && !paas.IsKind(err, paas.TooLarge) {
		return nil, err
	}
	if err != nil {
		found.Problem = paas.Public(err)
	}
	found.Plan = plan
	return found, nil
}

// takeNewUpload keeps an archive and goes on to what is in it.
func (s *Server) takeNewUpload(c *Call) error {
	up, err := s.TakeUpload(c)
	if err == nil {
		return c.went("/new?upload="+up.ID, "")
	}
	if c.wants("json") || !correctable(err) {
		return err
	}
	return s.newApp(c, Status(errorKind(err)), ui.NewAppPage{Tab: "upload", Form: ui.Failed(nil, err)})
}

// createFromUpload makes the app of an upload that was looked into, and deploys it.
func (s *Server) createFromUpload(c *Call) error {
	in, err := c.form("upload", "name", "root", "build_command", "start_command", "health_path", "look")
	if err != nil {
		return err
	}
	up, err := s.Uploads.OwnedBy(c.owner(), in["upload"])
	if err != nil {
		return err
	}
	settings := paas.BuildSettings{Root: in["root"], BuildCommand: in["build_command"], StartCommand: in["start_command"], HealthPath: in["health_path"]}
	found, err := s.look(c.Request().Context(), up, settings)
	if err != nil {
		return err
	}
	if in["look"] != "" || found.Problem != nil {
		return s.newApp(c, http.StatusOK, ui.NewAppPage{Tab: "upload", Found: found, Form: ui.Form{Values: in}})
	}
	vars, err := s.neededVariables(c, found.Plan.Missing)
	if err != nil {
		return err
	}
	return s.createAndDeploy(c, api.CreateApp{Name: in["name"], Build: buildDTO(settings), Variables: vars}, uploadSource(up), func(cause error) error {
		return s.newApp(c, Status(errorKind(cause)), ui.NewAppPage{Tab: "upload", Found: found, Form: ui.Failed(in, cause)})
	})
}

// neededVariables are those that the source asks for: as filled in, or made up where it says that any secret will do.
func (s *Server) neededVariables(c *Call, needed []paas.Needed) ([]api.SetVariable, error) {
	all, err := c.values()
	if err != nil {
		return nil, err
	}
	given := map[string]string{}
	for i, name := range all["var_name"] {
		if i < len(all["var_value"]) {
			given[name] = all["var_value"][i]
		}
	}
	var out []api.SetVariable
	for _, n := range needed {
		value := given[n.Name]
		if value == "" && n.Generate {
			value = paas.GenerateSecret().Reveal()
		}
		if value == "" {
			value = n.Default
		}
		if value != "" && paas.CheckVariable(n.Name) == nil {
			out = append(out, setVariable(n.Name, value, paas.IsPublicVariable(n.Name)))
		}
	}
	return out, nil
}

// createAndDeploy makes an app and goes to its first deployment. again shows the form with what was wrong in it.
func (s *Server) createAndDeploy(c *Call, in api.CreateApp, src paas.Source, again func(error) error) error {
	app, err := s.CreateApp(c, in)
	if err != nil && correctable(err) {
		return again(err)
	}
	if err != nil {
		return err
	}
	target, err := s.Store.Target(app.ID, "")
	if err != nil {
		return err
	}
	if _, err := s.Deployer.Deploy(c.Request().Context(), c.Actor(), target, src); err != nil {
		return err
	}
	return c.went("/apps/"+app.Name, "")
}

// createForPushing makes an empty app and shows the lines that push to it, with a key that is shown only now.
func (s *Server) createForPushing(c *Call) error {
	in, err := c.form("name")
	if err != nil {
		return err
	}
	app, err := s.CreateApp(c, api.CreateApp{Name: in["name"]})
	if err != nil && correctable(err) {
		return s.newApp(c, Status(errorKind(err)), ui.NewAppPage{Tab: "push", Form: ui.Failed(in, err)})
	}
	if err != nil {
		return err
	}
	c.App = app
	if c.Target, err = s.Store.Target(app.ID, ""); err != nil {
		return err
	}
	return s.makeGitKey(c)
}

// createFromURL makes an app of a public repository and deploys it.
func (s *Server) createFromURL(c *Call) error {
	in, err := c.form("url", "branch", "name")
	if err != nil {
		return err
	}
	again := func(cause error) error {
		return s.newApp(c, Status(errorKind(cause)), ui.NewAppPage{Tab: "url", Form: ui.Failed(in, cause)})
	}
	source := api.AppSource{URL: in["url"], Branch: in["branch"]}
	src, err := externalSource(source)
	if err != nil {
		return again(inField(err, "url"))
	}
	name := in["name"]
	if name == "" {
		name = repositoryName(in["url"])
	}
	in["name"] = name
	return s.createAndDeploy(c, api.CreateApp{Name: name, Source: source}, src, again)
}

// repositoryName makes an app's name of an address: "https://example.com/you/My-Shop.git" is "my-shop".
func repositoryName(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return paas.SuggestName(strings.TrimSuffix(path.Base(u.Path), ".git"))
}
