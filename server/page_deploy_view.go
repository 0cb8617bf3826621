package server

import (
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/terminal"
	"github.com/cloudsania/cloudsania/ui"
)

// viewDeploys are an app's newest deployments as the pages show them.
func (s *Server) viewDeploys(target paas.Target, view ui.App, limit int) ([]ui.Deploy, error) {
	deps, err := s.Store.Deployments(target, limit+1) // one more tells what the last one replaced
	if err != nil {
		return nil, err
	}
	p, err := s.Store.AppEnvironment(target)
	if err != nil {
		return nil, err
	}
	kept, err := s.keptBuilds(target.App)
	if err != nil {
		return nil, err
	}
	var out []ui.Deploy
	for i, d := range deps[:min(limit, len(deps))] {
		one := ui.Deploy{Deployment: d, Path: ui.DeployPath(d.ID), Next: p.LastNumber + 1, IsLive: d.Release != "" && d.Release == p.Live,
			Gone: d.Build == "" || !kept[d.Build], Release: releaseCommand(view, d), Now: s.Now()}
		if view.Live != nil {
			one.Before = view.Live.Number
		}
		for _, older := range deps[i+1:] {
			if older.Status != paas.Succeeded {
				continue
			}
			if d.Status == paas.Succeeded {
				one.Before = older.Number
			}
			if one.Expected == nil && (older.Source.Build == "") == (d.Source.Build == "") {
				one.Expected = ui.Expect(older)
			}
		}
		if d.Status == paas.Succeeded && one.Before == d.Number {
			one.Before = 0
		}
		out = append(out, one)
	}
	return out, nil
}

func (s *Server) keptBuilds(app string) (map[string]bool, error) {
	builds, err := s.Store.Builds(app)
	kept := make(map[string]bool, len(builds))
	for _, b := range builds {
		kept[b.ID] = true
	}
	return kept, err
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

// viewDeploy is one deployment among its neighbours.
func (s *Server) viewDeploy(c *Call, view ui.App, id string) (ui.Deploy, error) {
	all, err := s.viewDeploys(c.Target, view, maxListed)
	if err != nil {
		return ui.Deploy{}, err
	}
	for _, d := range all {
		if d.ID == id {
			return d, nil
		}
	}
	d, err := s.Store.Deployment(id) // older than all that are listed
	return ui.Deploy{Deployment: d, Path: ui.DeployPath(id), Gone: true, Now: s.Now()}, err
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
		out = append(out, ui.Line{N: l.N + 1, At: l.Time, Text: l.Text, Marked: quoted[terminal.Plain(l.Text)]})
	}
	return out
}
