package server

import (
	"net/http"
	"slices"
	"strings"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/ui"
)

func variablePages() []Route {
	const one = "/apps/:app/variables"
	return []Route{
		{Method: http.MethodGet, Path: one, Action: access.VariableRead, Resource: theApp, Handle: (*Server).showVariables, Page: true},
		{Method: http.MethodPost, Path: one, Action: access.VariableWrite, Resource: theApp, Handle: (*Server).saveVariables, Page: true, MaxBody: maxAppBody},
	}
}

func (s *Server) showVariables(c *Call) error {
	p, err := s.variablesPage(c)
	if err != nil {
		return err
	}
	return c.page(http.StatusOK, p)
}

func (s *Server) variablesPage(c *Call) (ui.VariablesPage, error) {
	shell, view, err := s.viewCall(c, "Variables of "+c.App.Name, ui.Crumb{Text: "Variables"})
	if err != nil {
		return ui.VariablesPage{}, err
	}
	shell.Scripts = []string{"variables.js"}
	vars, err := s.Store.Variables(c.Target)
	p := ui.VariablesPage{Shell: shell, AppFrame: ui.AppFrame{App: view, Tab: "variables"}}
	for _, v := range vars {
		p.Variables = append(p.Variables, ui.Variable{Name: v.Name, Build: v.Build, Public: paas.IsPublicVariable(v.Name), Updated: v.Updated})
	}
	return p, err
}

func (s *Server) saveVariables(c *Call) error {
	change, err := s.variableForm(c)
	if err == nil && len(change.Set) == 0 && len(change.Unset) == 0 {
		return c.went(c.Request().URL.Path, "Nothing was different.")
	}
	var dep *paas.Deployment
	if err == nil {
		dep, err = s.ChangeVariables(c, change)
	}
	if err != nil {
		return s.variablesAgain(c, err)
	}
	if dep == nil {
		return c.went(c.Request().URL.Path, "Saved.")
	}
	return c.went(ui.DeployPath(dep.ID), "Saved. The new version is on its way.")
}

// variablesAgain shows the page with what was wrong. Values are not put back: they were secrets a moment ago.
func (s *Server) variablesAgain(c *Call, cause error) error {
	if !correctable(cause) {
		return cause
	}
	p, err := s.variablesPage(c)
	if err != nil {
		return err
	}
	all, err := c.values()
	if err != nil {
		return err
	}
	e := paas.Public(cause)
	for _, name := range all["new_name"] {
		if name = strings.TrimSpace(name); name == "" || slices.ContainsFunc(p.Variables, func(v ui.Variable) bool { return v.Name == name }) {
			continue
		}
		row := ui.NewVariable{Name: paas.Clip(name, 128)}
		if paas.CheckVariable(name) != nil && e.Field == "name" {
			row.Err, e = e, &paas.Error{Kind: e.Kind, Msg: "nothing was saved", Hint: "correct the marked row and fill the values in again"}
		}
		p.Added = append(p.Added, row)
	}
	p.Pasted = strings.TrimSpace(all.Get("env")) != ""
	e.Field = ""
	p.Form = ui.Form{Errors: []*paas.Error{e}}
	return c.page(Status(errorKind(cause)), p)
}

// variableForm reads the table: values that were changed, rows that were added or marked for removal, and lines of a .env file.
func (s *Server) variableForm(c *Call) (api.ChangeVariables, error) {
	var out api.ChangeVariables
	all, err := c.values()
	if err != nil {
		return out, err
	}
	vars, err := s.Store.Variables(c.Target)
	if err != nil {
		return out, err
	}
	names, values := all["old_name"], all["old_value"]
	for i, name := range names {
		at := slices.IndexFunc(vars, func(v paas.Variable) bool { return v.Name == name })
		if at < 0 || i >= len(values) {
			continue // removed meanwhile
		}
		v, build := vars[at], slices.Contains(all["old_build"], name) || paas.IsPublicVariable(name)
		switch {
		case slices.Contains(all["remove"], name):
			out.Unset = append(out.Unset, name)
		case values[i] != "":
			out.Set = append(out.Set, setVariable(name, values[i], build))
		case build != v.Build:
			out.Set = append(out.Set, setVariable(name, v.Value.Reveal(), build)) // the mark changes, the value stays
		}
	}
	added, err := addedVariables(all["new_name"], all["new_value"], all["new_build"], all["new_optional"])
	if err != nil {
		return out, err
	}
	out.Set = append(out.Set, added...)
	pasted, err := paas.ParseEnvFile(all.Get("env"))
	for _, l := range pasted {
		out.Set = append(out.Set, setVariable(l.Name, l.Value.Reveal(), paas.IsPublicVariable(l.Name)))
	}
	return out, err
}

func setVariable(name, value string, build bool) api.SetVariable {
	value = strings.ReplaceAll(value, "\r\n", "\n") // as forms send line ends
	return api.SetVariable{Name: name, Value: value, Build: &build}
}

// addedVariables are the filled rows. A row that the page itself offered may stay empty.
func addedVariables(names, values, builds, optional []string) ([]api.SetVariable, error) {
	var out []api.SetVariable
	for i, name := range names {
		name = strings.TrimSpace(name)
		value, build := "", ""
		if i < len(values) {
			value = values[i]
		}
		if i < len(builds) {
			build = builds[i]
		}
		switch {
		case name == "" && value == "", value == "" && slices.Contains(optional, name):
			continue
		case name == "":
			return nil, paas.Invalidf("name", "write its name beside the value", "a new variable has no name")
		}
		if err := paas.CheckVariable(name); err != nil {
			return nil, err
		}
		out = append(out, setVariable(name, value, build == "yes" || paas.IsPublicVariable(name)))
	}
	return out, nil
}
