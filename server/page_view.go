package server

import (
	"slices"
	"strings"
	"time"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/store"
	"github.com/cloudsania/cloudsania/ui"
)

const crashShown = 6 * time.Minute // deploy lets a crashing instance rest for five

// visibleApps are the apps that whoever asks may see, by name, without what they use.
func (s *Server) visibleApps(c *Call) ([]ui.App, error) {
	apps, err := s.Store.Apps()
	if err != nil {
		return nil, err
	}
	var seen []paas.App
	for _, a := range apps {
		path, err := s.Store.PathOf(a.ID)
		if paas.IsKind(err, paas.NotFound) {
			continue // deleted a moment ago
		}
		if err != nil {
			return nil, err
		}
		if access.Authorize(c.Principal, access.AppRead, access.Resource{Path: path}) == nil {
			seen = append(seen, a)
		}
	}
	times := map[string]int{}
	for _, a := range seen {
		times[a.Name]++
	}
	var out []ui.App
	for _, a := range seen {
		view, err := s.viewApp(a, times[a.Name] > 1)
		if paas.IsKind(err, paas.NotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, view)
	}
	slices.SortFunc(out, func(a, b ui.App) int { return strings.Compare(a.FullName(), b.FullName()) })
	return out, nil
}

// viewApp gathers what pages show of an app in production. byID says that its short name would not find it.
func (s *Server) viewApp(a paas.App, byID bool) (ui.App, error) {
	target, err := s.Store.Target(a.ID, paas.Production)
	if err != nil {
		return ui.App{}, err
	}
	return s.viewTarget(a, target, byID)
}

func (s *Server) viewTarget(a paas.App, target paas.Target, byID bool) (ui.App, error) {
	project, err := s.Store.Project(a.Project)
	if err != nil {
		return ui.App{}, err
	}
	p, err := s.Store.AppEnvironment(target)
	if err != nil {
		return ui.App{}, err
	}
	view := ui.App{App: a, Path: "/apps/" + a.Name, Address: s.Deployer.URL(a), Project: project.Name}
	if byID {
		view.Path = "/apps/" + a.ID
	}
	if p.Live != "" {
		if err := s.viewLive(&view, p.Live); err != nil {
			return view, err
		}
	}
	latest, err := s.Store.Deployments(target, 1)
	if err == nil && len(latest) > 0 {
		view.Latest = &latest[0]
	}
	return view, err
}

// viewLive adds the live version: what it is made of, and whether visitors get it.
func (s *Server) viewLive(view *ui.App, release string) error {
	rel, err := s.Store.Release(release)
	if err != nil {
		return err
	}
	view.Live = &rel
	b, err := s.Store.Build(rel.Build)
	if err == nil {
		view.Plan = &b.Plan
	} else if !paas.IsKind(err, paas.NotFound) {
		return err
	}
	events, err := s.Store.Events(store.EventFilter{Subject: view.ID, Limit: 3})
	if err != nil {
		return err
	}
	for _, e := range events {
		if e.Action == paas.EventInstanceCrashing && e.Time.After(rel.Created) && s.Now().Sub(e.Time) < crashShown {
			view.Health = ui.Health{Down: true, Since: e.Time, Reason: "it stops by itself again and again, so it rests for a few minutes between tries"}
		}
	}
	return nil
}

// wanted are the variables that the live code asks for and that are not set.
func (s *Server) wanted(view *ui.App, target paas.Target) error {
	if view.Plan == nil || len(view.Plan.Missing) == 0 {
		return nil
	}
	vars, err := s.Store.Variables(target)
	if err != nil {
		return err
	}
	for _, n := range view.Plan.Missing {
		if !slices.ContainsFunc(vars, func(v paas.Variable) bool { return v.Name == n.Name }) && (n.Required || n.Default == "") {
			view.Missing = append(view.Missing, n)
		}
	}
	return nil
}

// load is what an app used in the last hour.
func (s *Server) load(target paas.Target, view ui.App) paas.Load {
	if view.Live == nil {
		return paas.Load{}
	}
	if view.Plan != nil && view.Plan.Static != nil {
		return s.Usage.Load(target, paas.Allowance{})
	}
	copies := 0
	for _, n := range view.Live.Scale {
		copies += n
	}
	return s.Usage.Load(target, paas.AllowanceOf(view.Live.Limits, max(copies, 1)))
}

// viewCall is the app of the request, complete, with the shell of its page.
func (s *Server) viewCall(c *Call, title string, crumbs ...ui.Crumb) (ui.Shell, ui.App, error) {
	apps, err := s.visibleApps(c)
	if err != nil {
		return ui.Shell{}, ui.App{}, err
	}
	byID := false
	for _, a := range apps {
		byID = byID || a.ID != c.App.ID && a.Name == c.App.Name
	}
	view, err := s.viewTarget(c.App, c.Target, byID)
	if err != nil {
		return ui.Shell{}, view, err
	}
	if err := s.wanted(&view, c.Target); err != nil {
		return ui.Shell{}, view, err
	}
	shell, err := s.shellWith(c, apps, title, "apps", append([]ui.Crumb{{Text: view.FullName(), Path: view.Path}}, crumbs...)...)
	return shell, view, err
}
