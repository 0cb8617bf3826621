package page

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/auth"
	"github.com/cloudsania/cloudsania/control"
	"github.com/cloudsania/cloudsania/meter"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/server"
	"github.com/cloudsania/cloudsania/ui"
)

const defaultTeam = "default" // the name that a team has until somebody gives it one

// frame is what every group of pages has: whom to ask, and what stands around a page.
type frame struct {
	ctl     *control.Control
	who     *auth.Authenticator
	meter   *meter.Meter
	seen    *seen
	version string
	now     func() time.Time
}

// shell is what stands around a page, with what needs a person.
func (f frame) shell(c *server.Call, title, current string, crumbs ...ui.Crumb) (ui.Shell, error) {
	apps, err := f.visible(c)
	if err != nil {
		return ui.Shell{}, err
	}
	return f.shellWith(c, apps, title, current, crumbs...)
}

// shellWith is shell for pages that have the apps already.
func (f frame) shellWith(c *server.Call, apps []ui.App, title, current string, crumbs ...ui.Crumb) (ui.Shell, error) {
	team, err := f.ctl.Team()
	if err != nil {
		return ui.Shell{}, err
	}
	name := team.Name
	if name == defaultTeam {
		name = f.ctl.System.Domain()
	}
	total, available := control.MachineMemory()
	shell := ui.Shell{Title: title, Current: current, Crumbs: append([]ui.Crumb{{Text: "Apps", Path: "/"}}, crumbs...), Team: name,
		AppCount: len(apps), Version: f.version, Use: ui.Use{MemoryUsed: total - available, MemoryTotal: total},
		Builder: builderState(f.ctl.System.Builder()), Now: f.now()}
	if !wantsFragment(c, "body") && !c.Route().Stream {
		shell.Flash = flash(c)
	}
	if shell.User, err = f.person(c); err != nil {
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
func (f frame) person(c *server.Call) (ui.Person, error) {
	if c.Principal.Kind != access.User {
		return ui.Person{Name: c.Principal.Name}, nil
	}
	u, err := f.who.User(c.Principal)
	return ui.Person{Name: u.Name, Email: u.Email}, err
}

func builderState(b control.BuilderStatus) ui.BuilderState {
	out := ui.BuilderState{Preparing: !b.Ready && b.Err == nil, Message: b.Message, Percent: b.Percent}
	if b.Err != nil && !b.Ready {
		e := paas.Public(b.Err)
		out.Failed, out.Hint = e.Msg, e.Hint
	}
	return out
}

// preparing reports whether the builder is being made.
func (f frame) preparing() bool { return builderState(f.ctl.System.Builder()).Preparing }

// seen keeps the apps that each principal may see, for as long as they are the same: every page shows something of them.
type seen struct {
	mu         sync.Mutex
	generation uint64
	minute     time.Time // whether an app is down depends on the time
	kept       map[string][]ui.App
}

// visible are the apps that whoever asks may see, by name, without what they use. The slice is shared: callers do not change it.
func (f frame) visible(c *server.Call) ([]ui.App, error) {
	generation, err := f.ctl.Generation()
	if err != nil {
		return nil, err
	}
	key, minute := principalKey(c), f.now().Truncate(time.Minute)
	f.seen.mu.Lock()
	defer f.seen.mu.Unlock()
	if f.seen.generation != generation || !f.seen.minute.Equal(minute) {
		f.seen.generation, f.seen.minute, f.seen.kept = generation, minute, map[string][]ui.App{}
	}
	if apps, ok := f.seen.kept[key]; ok {
		return apps, nil
	}
	states, err := f.ctl.Apps(c.Principal, paas.Production)
	if err != nil {
		return nil, err
	}
	out := make([]ui.App, 0, len(states))
	for _, s := range states {
		out = append(out, f.view(s))
	}
	f.seen.kept[key] = out
	return out, nil
}

// principalKey tells apart who may see what.
func principalKey(c *server.Call) string {
	by := c.Principal
	return fmt.Sprint(by.Kind, by.ID, by.Scope, by.Role, by.Actions)
}

// view is an app as the pages show it.
func (f frame) view(s control.AppState) ui.App {
	out := ui.App{App: s.App, Path: "/apps/" + s.App.Name, Address: s.Address, Project: s.Project.Name, Plan: s.Plan(), Live: s.Live, Latest: s.Latest,
		Repository: s.App.SourceIn(s.Config), Settings: s.App.BuildIn(s.Config)}
	if s.ByID {
		out.Path = "/apps/" + s.App.ID
	}
	if s.Down(f.now()) {
		out.Health = ui.Health{Down: true, Since: s.Crashed, Reason: "it stops by itself again and again, so it rests for a few minutes between tries"}
	}
	return out
}

// viewCall is the app of the request, complete, with the shell of its page.
func (f frame) viewCall(c *server.Call, title string, crumbs ...ui.Crumb) (ui.Shell, ui.App, error) {
	s, err := f.ctl.App(c.Principal, c.Target())
	if err != nil {
		return ui.Shell{}, ui.App{}, err
	}
	view := f.view(s)
	if view.Missing, err = f.ctl.Wanted(c.Principal, s); err != nil {
		return ui.Shell{}, view, err
	}
	shell, err := f.shell(c, title, "apps", append([]ui.Crumb{{Text: view.FullName(), Path: view.Path}}, crumbs...)...)
	return shell, view, err
}

// load is what an app used lately.
func (f frame) load(s control.AppState) paas.Load {
	if s.Live == nil {
		return paas.Load{}
	}
	return f.meter.Load(s.Target(), s.Allowance())
}
