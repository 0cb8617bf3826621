package server

import (
	"slices"
	"strings"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/ui"
)

const defaultTeam = "default" // the name that a team has until somebody gives it one

// shell is the frame of a page, with what needs somebody.
func (s *Server) shell(c *Call, title, current string, crumbs ...ui.Crumb) (ui.Shell, error) {
	apps, err := s.visibleApps(c)
	if err != nil {
		return ui.Shell{}, err
	}
	return s.shellWith(c, apps, title, current, crumbs...)
}

// shellWith is shell for pages that have the apps already.
func (s *Server) shellWith(c *Call, apps []ui.App, title, current string, crumbs ...ui.Crumb) (ui.Shell, error) {
	team, err := s.Store.Team()
	if err != nil {
		return ui.Shell{}, err
	}
	name := team.Name
	if name == defaultTeam {
		name = s.Domain
	}
	use := memory()
	shell := ui.Shell{Title: title, Current: current, Crumbs: append([]ui.Crumb{{Text: "Apps", Path: "/"}}, crumbs...), Team: name, AppCount: len(apps),
		Version: s.Version, Use: ui.Use{MemoryUsed: use.Total - use.Available, MemoryTotal: use.Total}, Builder: s.builderState(), Now: s.Now()}
	if !c.wants("body") && c.route != nil && !c.route.Stream {
		shell.Flash = c.flash()
	}
	if shell.User, err = s.person(c); err != nil {
		return shell, err
	}
	for _, a := range apps {
		if a.NeedsYou() {
			shell.Needs = append(shell.Needs, a.Need())
		}
	}
	slices.SortStableFunc(shell.Needs, func(a, b ui.Need) int { return strings.Compare(string(a.State), string(b.State)) }) // bad before warn
	return shell, nil
}

// person is who looks at the page: a user, or root on the local socket.
func (s *Server) person(c *Call) (ui.Person, error) {
	if c.Principal.Kind != access.User {
		return ui.Person{Name: c.Principal.Name}, nil
	}
	u, err := s.Store.User(c.Principal.User)
	return ui.Person{Name: u.Name, Email: u.Email}, err
}

func (s *Server) builderState() ui.BuilderState {
	if s.Health.Builder == nil {
		return ui.BuilderState{}
	}
	b := s.Health.Builder()
	out := ui.BuilderState{Preparing: !b.Ready && b.Err == nil, Message: b.Message, Percent: b.Percent}
	if b.Err != nil && !b.Ready {
		e := paas.Public(b.Err)
		out.Failed, out.Hint = e.Msg, e.Hint
	}
	return out
}
