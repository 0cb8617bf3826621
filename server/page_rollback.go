package server

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/ui"
)

// askRollback says what going back would change, before anything does.
func (s *Server) askRollback(c *Call) error {
	number, err := c.number("to", 0, 0, 1<<30)
	if err != nil {
		return err
	}
	shell, view, err := s.viewCall(c, "Roll back", ui.Crumb{Text: "Roll back"})
	if err != nil {
		return err
	}
	if view.Live == nil {
		return &paas.Error{Kind: paas.Conflict, Msg: "nothing is live, so there is nothing to go back from"}
	}
	to, err := s.goBackTo(c.Target, *view.Live, number)
	if err != nil {
		return err
	}
	changes, err := s.rollbackChanges(c, view, to)
	if err != nil {
		return err
	}
	now, then := version(view.Live.Number), version(to.Number)
	return c.page(http.StatusOK, ui.ConfirmPage{Shell: shell, Question: fmt.Sprintf("Roll back %s to %s?", view.Name, then),
		Lede: fmt.Sprintf("Takes a second or two. %s is still on the server, so nothing is built.", then), Changes: changes, Action: view.Path + "/rollback",
		Hidden: map[string]string{"to": strconv.Itoa(to.Number)}, Yes: "Roll back to " + then, YesIcon: "undo", No: "Keep " + now, NoPath: view.Path})
}

func version(number int) string { return fmt.Sprintf("v%d", number) }

// goBackTo is the release of that number, or for 0 the one that was live before the present one.
func (s *Server) goBackTo(target paas.Target, live paas.Release, number int) (paas.Release, error) {
	if number > 0 {
		to, err := s.Store.ReleaseNumber(target, number)
		if err == nil && to.ID == live.ID {
			err = &paas.Error{Kind: paas.Conflict, Msg: fmt.Sprintf("v%d is live already", number)}
		}
		return to, err
	}
	deps, err := s.Store.Deployments(target, maxListed)
	if err != nil {
		return paas.Release{}, err
	}
	for _, d := range deps {
		if d.Status == paas.Succeeded && d.Release != live.ID && d.Number < live.Number {
			return s.Store.Release(d.Release)
		}
	}
	return paas.Release{}, &paas.Error{Kind: paas.Conflict, Msg: "there is no version before this one"}
}

func (s *Server) rollbackChanges(c *Call, view ui.App, to paas.Release) ([]ui.Change, error) {
	var out []ui.Change
	b, err := s.Store.Build(to.Build)
	if paas.IsKind(err, paas.NotFound) {
		return nil, &paas.Error{Kind: paas.Conflict, Msg: fmt.Sprintf("v%d is no longer kept on this server", to.Number), Hint: "choose a newer version, or push the old code again"}
	}
	if err != nil {
		return nil, err
	}
	code := "stays the same, both versions have it"
	if to.Build != view.Live.Build {
		code = "goes back to that of " + version(to.Number)
		if b.Source.Message != "" {
			code += ": “" + paas.Clip(plain(b.Source.Message), 100) + "”"
		}
	}
	out = append(out, ui.Change{Icon: "code", What: "Code", Text: code})
	vars, err := s.variableChanges(view.Live.ID, to.ID)
	if err != nil {
		return nil, err
	}
	out = append(out, vars, ui.Change{Icon: "globe", What: "Visitors", Text: "finish on the version that they started with"})
	if view.Working() {
		out = append(out, ui.Change{Icon: "clock", What: "The deploy that runs now", Text: "goes first, then this", Warn: true})
	}
	if view.Source.URL == "" {
		out = append(out, ui.Change{Icon: "branch", What: "The next push", Text: fmt.Sprintf("to %s replaces %s again", deployBranch(view.App), version(to.Number))})
	}
	return out, nil
}

// variableChanges says by name how the sealed variables of two releases differ. Values stay where they are.
func (s *Server) variableChanges(from, to string) (ui.Change, error) {
	out := ui.Change{Icon: "key", What: "Variables", Text: "are the same in both"}
	now, err := s.Store.ReleaseVariables(from)
	if err != nil {
		return out, err
	}
	then, err := s.Store.ReleaseVariables(to)
	if err != nil {
		return out, err
	}
	find := func(vars []paas.Variable, name string) int {
		return slices.IndexFunc(vars, func(v paas.Variable) bool { return v.Name == name })
	}
	var parts []string
	for _, v := range now {
		switch i := find(then, v.Name); {
		case i < 0:
			parts = append(parts, v.Name+" goes")
		case then[i].Value != v.Value:
			parts = append(parts, v.Name+" changes")
		}
	}
	for _, v := range then {
		if find(now, v.Name) < 0 {
			parts = append(parts, v.Name+" returns")
		}
	}
	if len(parts) == 0 {
		return out, nil
	}
	if len(parts) > 6 {
		parts = append(parts[:6], fmt.Sprintf("and %d more", len(parts)-6))
	}
	out.Text, out.Warn = "go back too: "+strings.Join(parts, ", ")+". The next deploy has the present ones again", true
	return out, nil
}

func (s *Server) rollbackPage(c *Call) error {
	in, err := c.form("to")
	if err != nil {
		return err
	}
	number, err := strconv.Atoi(in["to"])
	if err != nil || number < 1 {
		return paas.Invalidf("to", "choose one from the list", "there is no such version")
	}
	dep, err := s.Deployer.Rollback(c.Request().Context(), c.Actor(), c.Target, number)
	if err != nil {
		return err
	}
	return c.went(ui.DeployPath(dep.ID), "")
}
