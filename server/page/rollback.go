package page

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/control"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/server"
	"github.com/cloudsania/cloudsania/terminal"
	"github.com/cloudsania/cloudsania/ui"
)

const (
	namedVariables = 6
	messageRunes   = 100
)

// rollbacks is going back to an earlier version.
type rollbacks struct{ frame }

func (h rollbacks) routes() []server.Route {
	const one = "/apps/:app/rollback"
	return []server.Route{
		{Method: http.MethodGet, Path: one, Action: access.ReleaseRead, Resource: server.TheApp, Handle: h.ask},
		{Method: http.MethodPost, Path: one, Action: access.ReleaseRollback, Resource: server.TheApp, Handle: h.rollBack},
	}
}

// ask says what going back would change, before anything does.
func (h rollbacks) ask(c *server.Call) error {
	number, err := c.Number("to", 0, 0, server.MaxLineNumber)
	if err != nil {
		return err
	}
	back, err := h.ctl.PreviewRollback(c.Principal, c.Target(), number)
	if err != nil {
		return err
	}
	shell, view, err := h.viewCall(c, "Roll back", ui.Crumb{Text: "Roll back"})
	if err != nil {
		return err
	}
	now, then := version(back.From.Number), version(back.To.Number)
	return answer(c, http.StatusOK, ui.ConfirmPage{Shell: shell, Question: fmt.Sprintf("Roll back %s to %s?", view.Name, then),
		Lede:    fmt.Sprintf("Takes a second or two. %s is still on the server, so nothing is built.", then),
		Changes: rollbackChanges(view, back), Action: view.Path + "/rollback", Hidden: map[string]string{"to": strconv.Itoa(back.To.Number)},
		Yes: "Roll back to " + then, YesIcon: "undo", No: "Keep " + now, NoPath: view.Path})
}

func version(number int) string { return fmt.Sprintf("v%d", number) }

func rollbackChanges(view ui.App, back control.Rollback) []ui.Change {
	code := "stays the same, both versions have it"
	if !back.SameCode {
		code = "goes back to that of " + version(back.To.Number)
		if back.Source.Message != "" {
			code += ": “" + paas.Clip(terminal.Plain(back.Source.Message), messageRunes) + "”"
		}
	}
	out := []ui.Change{{Icon: "code", What: "Code", Text: code}, variableChanges(back),
		{Icon: "globe", What: "Visitors", Text: "finish on the version that they started with"}}
	if view.Working() {
		out = append(out, ui.Change{Icon: "clock", What: "The deploy that runs now", Text: "goes first, then this", Warn: true})
	}
	if view.Source.URL == "" {
		out = append(out, ui.Change{Icon: "branch", What: "The next push", Text: fmt.Sprintf("to %s replaces %s again", view.Repository.DeployBranch(), version(back.To.Number))})
	}
	return out
}

// variableChanges says by name how the variables of both versions differ.
func variableChanges(back control.Rollback) ui.Change {
	out := ui.Change{Icon: "key", What: "Variables", Text: "are the same in both"}
	var parts []string
	for _, group := range []struct {
		names []string
		verb  string
	}{{back.Goes, " goes"}, {back.Changes, " changes"}, {back.Returns, " returns"}} {
		for _, name := range group.names {
			parts = append(parts, name+group.verb)
		}
	}
	if len(parts) == 0 {
		return out
	}
	if more := len(parts) - namedVariables; more > 0 {
		parts = append(parts[:namedVariables], fmt.Sprintf("and %d more", more))
	}
	out.Text, out.Warn = "go back too: "+strings.Join(parts, ", ")+". The next deploy has the present ones again", true
	return out
}

func (h rollbacks) rollBack(c *server.Call) error {
	var in struct {
		To int `form:"to"`
	}
	if _, err := c.Form(&in); err != nil {
		return err
	}
	dep, err := h.ctl.RollBack(c.Ctx(), c.Principal, c.Target(), in.To)
	if err != nil {
		return err
	}
	return redirectAfterPost(c, ui.DeployPath(dep.ID), "")
}
