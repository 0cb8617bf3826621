package server

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/ui"
)

func keyPages() []Route {
	return []Route{
		{Method: http.MethodGet, Path: "/keys", Action: access.TokenList, Resource: installation, Handle: (*Server).showKeys, Page: true},
		{Method: http.MethodPost, Path: "/keys", Action: access.TokenCreate, Resource: installation, Handle: (*Server).makeKey, Page: true},
		{Method: http.MethodGet, Path: "/keys/:token/end", Action: access.TokenList, Resource: theToken, Handle: (*Server).askEndKey, Page: true},
		{Method: http.MethodPost, Path: "/keys/:token/end", Action: access.TokenRevoke, Resource: theToken, Handle: (*Server).endKey, Page: true},
	}
}

func (s *Server) showKeys(c *Call) error {
	return s.keysPage(c, http.StatusOK, ui.Form{Values: map[string]string{"days": strconv.Itoa(tokenDays)}}, nil)
}

func (s *Server) keysPage(c *Call, status int, form ui.Form, made *ui.NewKey) error {
	apps, err := s.visibleApps(c)
	if err != nil {
		return err
	}
	shell, err := s.shellWith(c, apps, "Keys", "keys", ui.Crumb{Text: "Keys"})
	if err != nil {
		return err
	}
	p := ui.KeysPage{Shell: shell, Form: form, Made: made, Choices: []ui.Choice{{Text: "Everything that I may do"}}, Ends: []ui.Choice{
		{Value: "30", Text: "In 30 days"}, {Value: "90", Text: "In 90 days"}, {Value: "365", Text: "In a year"}, {Value: "-1", Text: "Never"}}}
	names := map[string]string{}
	for _, a := range apps {
		names[a.ID] = a.FullName()
		p.Choices = append(p.Choices, ui.Choice{Value: a.ID, Text: "Everything, but only in " + a.FullName()}, ui.Choice{Value: "git:" + a.ID, Text: "Only push to and fetch " + a.FullName()})
	}
	tokens, err := s.Store.Tokens()
	if err != nil {
		return err
	}
	for _, t := range slices.Backward(tokens) {
		p.Keys = append(p.Keys, ui.Key{ID: t.ID, Name: t.Name, Scope: scopeWords(t, names), Created: t.Created, Used: t.LastUsed, Ends: t.Expires})
	}
	return c.page(status, p)
}

// scopeWords says what a token may do.
func scopeWords(t paas.Token, apps map[string]string) string {
	what := "Everything"
	switch {
	case slices.Equal(t.Actions, gitActions):
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

// makeKey shows the key in its answer: nothing is to be kept that could show it again.
func (s *Server) makeKey(c *Call) error {
	in, err := c.form("name", "scope", "days")
	if err != nil {
		return err
	}
	days, err := strconv.Atoi(in["days"])
	if err != nil {
		days = tokenDays
	}
	ask := api.CreateToken{Name: in["name"], App: in["scope"], Days: days}
	if app, git := cutGit(in["scope"]); git {
		ask.App, ask.Actions = app, gitActions
	}
	t, text, err := s.CreateToken(c, ask)
	if err != nil && correctable(err) {
		return s.keysPage(c, Status(errorKind(err)), ui.Failed(in, err), nil)
	}
	if err != nil {
		return err
	}
	return s.keysPage(c, http.StatusOK, ui.Form{Values: map[string]string{"days": in["days"]}}, &ui.NewKey{Name: t.Name, Text: text})
}

func cutGit(scope string) (app string, git bool) {
	if len(scope) > 4 && scope[:4] == "git:" {
		return scope[4:], true
	}
	return scope, false
}

func (s *Server) askEndKey(c *Call) error {
	t, err := s.Store.Token(c.asked("token"))
	if err != nil {
		return err
	}
	shell, err := s.shell(c, "End key", "keys", ui.Crumb{Text: "Keys", Path: "/keys"}, ui.Crumb{Text: t.Name})
	if err != nil {
		return err
	}
	return c.page(http.StatusOK, ui.ConfirmPage{Shell: shell, Question: "End the key “" + t.Name + "”?", Lede: "Whatever uses it can no longer sign in, at once.",
		Changes: []ui.Change{{Icon: "rocket", What: "Apps", Text: "that are live are not affected"}, {Icon: "shield", What: "The audit record", Text: "keeps what the key did"}},
		Action:  "/keys/" + t.ID + "/end", Yes: "End it now", YesIcon: "x", No: "Keep it", NoPath: "/keys", Danger: true})
}

func (s *Server) endKey(c *Call) error {
	if err := s.Store.RevokeToken(c.Actor(), c.asked("token")); err != nil {
		return err
	}
	return c.went("/keys", "The key has ended.")
}
