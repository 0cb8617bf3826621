package page

import (
	"context"
	"net/http"
	"time"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/control"
	"github.com/cloudsania/cloudsania/server"
	"github.com/cloudsania/cloudsania/ui"
)

const (
	shownVersions = 6
	shownOutput   = 10        // lines under the deploy track
	justNow       = time.Hour // how long a deploy that is over stays on top of the page
)

// apps is one app's overview.
type apps struct{ frame }

func (h apps) routes() []server.Route {
	const one = "/apps/:app"
	return []server.Route{
		{Method: http.MethodGet, Path: one, Action: access.AppRead, Resource: server.TheApp, Handle: h.show},
		{Method: http.MethodGet, Path: one + "/live", Action: access.AppRead, Resource: server.TheApp, Handle: h.stream, Stream: true},
		{Method: http.MethodGet, Path: one + "/versions", Action: access.DeploymentRead, Resource: server.TheApp, Handle: h.versions},
		{Method: http.MethodPost, Path: one + "/key", Action: access.TokenCreate, Resource: server.TheApp, Handle: h.makeGitKey},
	}
}

func (h apps) show(c *server.Call) error {
	p, err := h.page(c)
	if err != nil {
		return err
	}
	if d := p.Deploy; d != nil && !d.Status.Done() {
		lines, err := h.ctl.Output.DeploymentLog(c.Principal, d.ID)
		if err != nil {
			return err
		}
		p.Output = deployLines(lines[max(0, len(lines)-shownOutput):], nil)
	}
	return answer(c, http.StatusOK, p)
}

func (h apps) page(c *server.Call) (ui.AppPage, error) {
	s, err := h.ctl.App(c.Principal, c.Target())
	if err != nil {
		return ui.AppPage{}, err
	}
	shell, view, err := h.viewCall(c, s.App.Name)
	if err != nil {
		return ui.AppPage{}, err
	}
	shell.Stream = view.Path + "/live"
	shell.Crumbs[len(shell.Crumbs)-1].Path = ""
	view.Load = h.load(s)
	p := ui.AppPage{Shell: shell, AppFrame: ui.AppFrame{App: view, Tab: "overview"}, Remote: s.Remote, Branch: view.Repository.DeployBranch()}
	all, history, err := h.history(c, view, shownVersions+1)
	if err != nil {
		return p, err
	}
	shown := min(shownVersions, len(all))
	p.Versions, p.Total = all[:shown], len(all)
	if more := all[shown:]; len(more) > 0 {
		p.Total = max(history.LastNumber, len(all))
	}
	if len(all) > 0 && (!all[0].Status.Done() || all[0].Failed() || h.now().Sub(all[0].Ended) < justNow && all[0].IsLive) {
		p.Deploy = &all[0]
	}
	return p, nil
}

// stream keeps the overview up to date, with the output of whatever deployment runs.
func (h apps) stream(c *server.Call) error {
	after, err := c.Number("after", 0, 0, server.MaxLineNumber)
	if err != nil {
		return err
	}
	return c.Stream(func(ctx context.Context, out *server.Stream) error {
		follow := follower{frame: h.frame, call: c, out: out}
		defer follow.wait() // nothing may be sent once the stream is over
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		live := parts{out: out}
		path := ""
		return h.eachChange(ctx, c, func() error {
			p, err := h.page(c)
			if err != nil {
				return err
			}
			if path == "" {
				path = p.App.Path
			}
			if p.App.Path != path { // it was renamed, or is no longer the only one of its name
				path = p.App.Path
				return out.SendRaw("", "go", []byte(path))
			}
			if err := live.send(p); err != nil {
				return err
			}
			if d := p.Deploy; d != nil && !d.Status.Done() {
				return follow.begin(ctx, d.ID, func() (int, error) {
					if c.QueryParam("of") == "out-"+d.ID {
						return after, nil
					}
					lines, err := h.ctl.Output.DeploymentLog(c.Principal, d.ID)
					return max(0, len(lines)-shownOutput), err
				})
			}
			return nil
		})
	})
}

func (h apps) versions(c *server.Call) error {
	shell, view, err := h.viewCall(c, "Versions of "+c.Place.App.Name, ui.Crumb{Text: "Versions"})
	if err != nil {
		return err
	}
	all, _, err := h.history(c, view, control.MaxListed)
	if err != nil {
		return err
	}
	return answer(c, http.StatusOK, ui.AllVersionsPage{Shell: shell, AppFrame: ui.AppFrame{App: view, Tab: "overview"}, Versions: all})
}

// makeGitKey makes a key that can push to this app and nothing else, and shows it once: the answer to the form is the page itself, because
// nothing is to be kept that could show it again.
func (h apps) makeGitKey(c *server.Call) error {
	push, err := h.gitBlock(c, c.Place)
	if err != nil {
		return err
	}
	p, err := h.page(c)
	if err != nil {
		return err
	}
	if p.App.Latest != nil {
		return answer(c, http.StatusOK, newVersion(p.Shell, p.App, push))
	}
	p.Push = push
	return answer(c, http.StatusOK, p)
}
