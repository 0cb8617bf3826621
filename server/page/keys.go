package page

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/control"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/server"
	"github.com/cloudsania/cloudsania/ui"
)

// keys are what pages call tokens.
type keys struct{ frame }

func (h keys) routes() []server.Route {
	return []server.Route{
		{Method: http.MethodGet, Path: "/keys", Action: access.TokenList, Resource: server.Installation, Handle: h.show},
		{Method: http.MethodPost, Path: "/keys", Action: access.TokenCreate, Resource: server.Installation, Handle: h.create},
		{Method: http.MethodGet, Path: "/keys/:token/end", Action: access.TokenList, Resource: server.TheToken, Handle: h.askEnd},
		{Method: http.MethodPost, Path: "/keys/:token/end", Action: access.TokenRevoke, Resource: server.TheToken, Handle: h.end},
	}
}

func (h keys) show(c *server.Call) error {
	return h.page(c, http.StatusOK, ui.Form{Values: map[string]string{"days": strconv.Itoa(control.TokenDays)}}, nil)
}

// onlyGit before an app's id in the form means a key that can only push to it and fetch from it.
const onlyGit = "git:"

func (h keys) page(c *server.Call, status int, form ui.Form, made *ui.NewKey) error {
	apps, err := h.visible(c)
	if err != nil {
		return err
	}
	shell, err := h.shellWith(c, apps, "Keys", "keys", ui.Crumb{Text: "Keys"})
	if err != nil {
		return err
	}
	p := ui.KeysPage{Shell: shell, Form: form, Made: made, Choices: []ui.Choice{{Text: "Everything that I may do"}}, Ends: []ui.Choice{
		{Value: "30", Text: "In 30 days"}, {Value: "90", Text: "In 90 days"}, {Value: "365", Text: "In a year"}, {Value: "-1", Text: "Never"}}}
	names := map[string]string{}
	for _, a := range apps {
		names[a.ID] = a.FullName()
		p.Choices = append(p.Choices, ui.Choice{Value: a.ID, Text: "Everything, but only in " + a.FullName()},
			ui.Choice{Value: onlyGit + a.ID, Text: "Only push to and fetch " + a.FullName()})
	}
	tokens, err := h.ctl.Tokens.List(c.Principal)
	if err != nil {
		return err
	}
	for _, t := range tokens {
		p.Keys = append(p.Keys, ui.Key{ID: t.ID, Name: t.Name, Scope: scopeWords(t, names), Created: t.Created, Used: t.LastUsed, Ends: t.Expires})
	}
	return answer(c, status, p)
}

// scopeWords says what a token may do.
func scopeWords(t paas.Token, apps map[string]string) string {
	what := "Everything"
	switch {
	case slices.EqualFunc(t.Actions, control.GitActions, func(s string, a access.Action) bool { return s == string(a) }):
		what = "Push and fetch"
	case len(t.Actions) > 0:
		what = plural(len(t.Actions), "kind") + " of action"
	}
	switch name := apps[t.Scope.App]; {
	case name != "":
		return what + ", only " + name
	case t.Scope.App != "":
		return what + ", only an app that is gone"
	case t.Scope.Project != "":
		return what + ", in one project"
	}
	return what
}

// create shows the key in its answer: nothing is to be kept that could show it again.
func (h keys) create(c *server.Call) error {
	var in struct {
		Name  string `form:"name"`
		Scope string `form:"scope"`
		Days  string `form:"days"`
	}
	shown, err := c.Form(&in)
	if err != nil {
		return err
	}
	days, err := strconv.Atoi(in.Days)
	if err != nil {
		days = control.TokenDays
	}
	ask := control.NewToken{Name: in.Name, App: in.Scope, Days: days}
	if app, git := strings.CutPrefix(in.Scope, onlyGit); git {
		ask.App, ask.Actions = app, control.GitActions
	}
	t, text, err := h.ctl.Tokens.Create(c.Ctx(), c.Principal, ask)
	if err != nil && correctable(err) {
		return h.page(c, statusOf(err), ui.Failed(shown, err), nil)
	}
	if err != nil {
		return err
	}
	return h.page(c, http.StatusOK, ui.Form{Values: map[string]string{"days": in.Days}}, &ui.NewKey{Name: t.Name, Text: text.Reveal()})
}

func (h keys) askEnd(c *server.Call) error {
	t, err := h.ctl.Tokens.Get(c.Principal, c.Asked("token"))
	if err != nil {
		return err
	}
	shell, err := h.shell(c, "End key", "keys", ui.Crumb{Text: "Keys", Path: "/keys"}, ui.Crumb{Text: t.Name})
	if err != nil {
		return err
	}
	return answer(c, http.StatusOK, ui.ConfirmPage{Shell: shell, Question: "End the key “" + t.Name + "”?", Lede: "Whatever uses it can no longer sign in, at once.",
		Changes: []ui.Change{{Icon: "rocket", What: "Apps", Text: "that are live are not affected"}, {Icon: "shield", What: "The audit record", Text: "keeps what the key did"}},
		Action:  "/keys/" + t.ID + "/end", Yes: "End it now", YesIcon: "x", No: "Keep it", NoPath: "/keys", Danger: true})
}

func (h keys) end(c *server.Call) error {
	if err := h.ctl.Tokens.Revoke(c.Ctx(), c.Principal, c.Asked("token")); err != nil {
		return err
	}
	return redirectAfterPost(c, "/keys", "The key has ended.")
}
