package page

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/control"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/server"
	"github.com/cloudsania/cloudsania/terminal"
	"github.com/cloudsania/cloudsania/ui"
)

const shownLogLines = 3000

// deploys is one deployment's page.
type deploys struct{ frame }

func (h deploys) routes() []server.Route {
	const one = "/deploys/:deployment"
	return []server.Route{
		{Method: http.MethodGet, Path: one, Action: access.DeploymentRead, Resource: server.TheDeployment, Handle: h.show},
		{Method: http.MethodGet, Path: one + "/live", Action: access.DeploymentRead, Resource: server.TheDeployment, Handle: h.stream, Stream: true},
		{Method: http.MethodGet, Path: one + "/log", Action: access.DeploymentRead, Resource: server.TheDeployment, Handle: h.download},
		{Method: http.MethodPost, Path: one + "/stop", Action: access.DeploymentCancel, Resource: server.TheDeployment, Handle: h.cancel},
		{Method: http.MethodPost, Path: one + "/again", Action: access.DeploymentCreate, Resource: server.TheDeployment, Handle: h.again},
	}
}

func (h deploys) show(c *server.Call) error {
	p, err := h.page(c)
	if err != nil {
		return err
	}
	lines, err := h.ctl.Output.DeploymentLog(c.Principal, c.Deployment.ID)
	if err != nil {
		return err
	}
	if over := len(lines) - shownLogLines; over > 0 {
		p.Cut, lines = true, lines[over:]
	}
	p.Lines = deployLines(lines, p.Deploy.Failure)
	return answer(c, http.StatusOK, p)
}

func (h deploys) page(c *server.Call) (ui.DeployPage, error) {
	shell, view, err := h.viewCall(c, c.Place.App.Name)
	if err != nil {
		return ui.DeployPage{}, err
	}
	d, err := h.deployment(c, view, c.Deployment.ID)
	if err != nil {
		return ui.DeployPage{}, err
	}
	shell.Title = d.Title() + " · " + view.Name
	shell.Crumbs = append(shell.Crumbs, ui.Crumb{Text: d.Crumb()})
	shell.Scripts = []string{"logs.js"}
	if !d.Status.Done() {
		shell.Stream = d.Path + "/live"
	}
	return ui.DeployPage{Shell: shell, AppFrame: ui.AppFrame{App: view}, Deploy: d}, nil
}

// stream keeps a deployment's page up to date until it is over.
func (h deploys) stream(c *server.Call) error {
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
		err := follow.begin(ctx, c.Deployment.ID, func() (int, error) { return after, nil })
		if err != nil {
			return err
		}
		err = h.eachChange(ctx, c, func() error {
			p, err := h.page(c)
			if err != nil {
				return err
			}
			if err := live.send(p); err != nil {
				return err
			}
			if p.Deploy.Status.Done() {
				return errOver
			}
			return nil
		})
		if err != errOver {
			return err
		}
		if err := follow.wait(); err != nil {
			return err
		}
		return out.SendRaw("", "end", nil)
	})
}

// download sends the whole log as text.
func (h deploys) download(c *server.Call) error {
	lines, err := h.ctl.Output.DeploymentLog(c.Principal, c.Deployment.ID)
	if err != nil {
		return err
	}
	w := attachment(c, c.Place.App.Name+"-"+c.Deployment.Created.UTC().Format("2006-01-02-1504")+".log")
	for _, l := range lines {
		if _, err := fmt.Fprintf(w, "%s %-7s %s\n", l.Time.UTC().Format(time.RFC3339), l.Step, terminal.LogLine(l.Text)); err != nil {
			return nil // the visitor is gone
		}
	}
	return nil
}

// attachment begins an answer that browsers save as a file. Its name is made of names that are DNS labels, and of ours.
func attachment(c *server.Call, name string) io.Writer {
	head := c.Response().Header()
	head.Set("Content-Type", "text/plain; charset=utf-8")
	head.Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", name))
	c.Response().WriteHeader(http.StatusOK)
	return c.Response()
}

func (h deploys) cancel(c *server.Call) error {
	if err := h.ctl.Cancel(c.Ctx(), c.Principal, c.Deployment.ID); err != nil {
		return err
	}
	return redirectAfterPost(c, ui.DeployPath(c.Deployment.ID), "Stopped. What is live was not touched.")
}

// again deploys the same source once more.
func (h deploys) again(c *server.Call) error {
	return versions(h).deploy(c, control.DeployFrom{Deployment: c.Deployment.ID})
}

// history is an app's newest deployments as the pages show them.
func (f frame) history(c *server.Call, view ui.App, limit int) ([]ui.Deploy, control.History, error) {
	h, err := f.ctl.History(c.Principal, c.Target(), limit+1) // one more tells what the last one replaced
	if err != nil {
		return nil, h, err
	}
	var out []ui.Deploy
	for i, d := range h.Deployments[:min(limit, len(h.Deployments))] {
		out = append(out, f.deploy(h, view, d, h.Deployments[i+1:]))
	}
	return out, h, nil
}

// deploy is a deployment among the older ones.
func (f frame) deploy(h control.History, view ui.App, d paas.Deployment, older []paas.Deployment) ui.Deploy {
	out := ui.Deploy{Deployment: d, Path: ui.DeployPath(d.ID), Next: h.LastNumber + 1, IsLive: d.Release != "" && d.Release == h.Live,
		Gone: !h.Kept[d.Build], Release: releaseCommand(view, d), Now: f.now()}
	if view.Live != nil {
		out.Before = view.Live.Number
	}
	replaced := false
	for _, o := range older {
		if o.Status != paas.Succeeded {
			continue
		}
		if d.Status == paas.Succeeded && !replaced {
			out.Before, replaced = o.Number, true
		}
		if (o.Source.Build == "") == (d.Source.Build == "") {
			out.Expected = ui.Expect(o)
			break
		}
	}
	if d.Status == paas.Succeeded && out.Before == d.Number {
		out.Before = 0
	}
	return out
}

// releaseCommand reports whether a deployment has one: it ran it, or the live version has one.
func releaseCommand(view ui.App, d paas.Deployment) bool {
	for _, st := range d.Steps {
		if st.Step == paas.StepRelease {
			return true
		}
	}
	return !d.Status.Done() && view.Plan != nil && view.Plan.Release != ""
}

// deployment is one deployment among its neighbours.
func (f frame) deployment(c *server.Call, view ui.App, id string) (ui.Deploy, error) {
	h, err := f.ctl.History(c.Principal, c.Target(), control.MaxListed)
	if err != nil {
		return ui.Deploy{}, err
	}
	for i, d := range h.Deployments {
		if d.ID == id {
			return f.deploy(h, view, d, h.Deployments[i+1:]), nil
		}
	}
	d, err := f.ctl.Deployment(c.Principal, id) // older than all that are listed
	return ui.Deploy{Deployment: d, Path: ui.DeployPath(id), Gone: true, Now: f.now()}, err
}

// deployLines are lines of a deployment's log; those that its failure quotes are marked.
func deployLines(lines []paas.LogLine, failure *paas.Failure) []ui.Line {
	quoted := map[string]bool{}
	if failure != nil {
		for _, l := range failure.Lines {
			quoted[l] = true
		}
	}
	out := make([]ui.Line, 0, len(lines))
	for _, l := range lines {
		out = append(out, ui.Line{N: l.N + 1, At: l.Time, Text: l.Text, Marked: quoted[l.Text]})
	}
	return out
}
