package page

import (
	"net/http"
	"slices"
	"strings"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/control"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/server"
	"github.com/cloudsania/cloudsania/ui"
)

// variables is the table of an app's variables.
type variables struct{ frame }

func (h variables) routes() []server.Route {
	const one = "/apps/:app/variables"
	return []server.Route{
		{Method: http.MethodGet, Path: one, Action: access.VariableRead, Resource: server.TheApp, Handle: h.show},
		{Method: http.MethodPost, Path: one, Action: access.VariableWrite, Resource: server.TheApp, Handle: h.save, MaxBody: server.MaxAppBody},
	}
}

func (h variables) show(c *server.Call) error {
	p, err := h.page(c)
	if err != nil {
		return err
	}
	return answer(c, http.StatusOK, p)
}

func (h variables) page(c *server.Call) (ui.VariablesPage, error) {
	shell, view, err := h.viewCall(c, "Variables of "+c.Place.App.Name, ui.Crumb{Text: "Variables"})
	if err != nil {
		return ui.VariablesPage{}, err
	}
	shell.Scripts = []string{"variables.js"}
	vars, err := h.ctl.Variables(c.Principal, c.Target())
	p := ui.VariablesPage{Shell: shell, AppFrame: ui.AppFrame{App: view, Tab: "variables"}}
	for _, v := range vars {
		p.Variables = append(p.Variables, ui.Variable{Name: v.Name, Build: v.Build, Public: paas.IsPublicVariable(v.Name), Updated: v.Updated})
	}
	return p, err
}

// variableForm is the table as it is sent: the rows that were there, rows that were added, and lines of a .env file. The values of a row
// stand at its place in each list.
type variableForm struct {
	OldName  []string    `form:"old_name"`
	OldValue []string    `form:"old_value"`
	OldBuild []string    `form:"old_build"` // names that are marked
	Remove   []string    `form:"remove"`    // names that are marked
	NewName  []string    `form:"new_name"`
	NewValue []string    `form:"new_value"`
	NewBuild []string    `form:"new_build"`    // "yes" in the row that is marked
	Optional []string    `form:"new_optional"` // rows that the page itself offered and that may stay empty
	Env      paas.Secret `form:"env"`
}

func (h variables) save(c *server.Call) error {
	var in variableForm
	if _, err := c.Form(&in); err != nil {
		return err
	}
	vars, err := h.ctl.Variables(c.Principal, c.Target())
	if err != nil {
		return err
	}
	change, err := in.change(vars)
	if err != nil {
		return h.again(c, in, err)
	}
	if len(change.Set) == 0 && len(change.Unset) == 0 {
		return redirectAfterPost(c, c.Request().URL.Path, "Nothing was different.")
	}
	dep, err := h.ctl.ChangeVariables(c.Ctx(), c.Principal, c.Target(), change)
	switch {
	case err != nil:
		return h.again(c, in, err)
	case dep == nil:
		return redirectAfterPost(c, c.Request().URL.Path, "Saved.")
	}
	return redirectAfterPost(c, ui.DeployPath(dep.ID), "Saved. The new version is on its way.")
}

// change is what the form asks for. A row without a value keeps the one that it has; only its mark may change.
func (f variableForm) change(now []paas.Variable) (out control.VariableChange, err error) {
	for i, name := range f.OldName {
		is := slices.IndexFunc(now, func(v paas.Variable) bool { return v.Name == name })
		if is < 0 {
			continue // removed meanwhile
		}
		build := slices.Contains(f.OldBuild, name) || paas.IsPublicVariable(name)
		value := at(f.OldValue, i)
		switch {
		case slices.Contains(f.Remove, name):
			out.Unset = append(out.Unset, name)
		case value != "":
			out.Set = append(out.Set, setVariable(name, value, build))
		case build != now[is].Build:
			out.Set = append(out.Set, control.SetVariable{Name: name, Build: &build})
		}
	}
	for i, name := range f.NewName {
		name = strings.TrimSpace(name)
		value := at(f.NewValue, i)
		if value == "" && (name == "" || slices.Contains(f.Optional, name)) {
			continue
		}
		out.Set = append(out.Set, setVariable(name, value, at(f.NewBuild, i) == "yes" || paas.IsPublicVariable(name)))
	}
	lines, err := paas.ParseEnvFile(f.Env.Reveal())
	for _, l := range lines {
		out.Set = append(out.Set, setVariable(l.Name, l.Value.Reveal(), paas.IsPublicVariable(l.Name)))
	}
	return out, err
}

// at is the value of a row; forms leave out what is not there.
func at(values []string, i int) string {
	if i < len(values) {
		return values[i]
	}
	return ""
}

func setVariable(name, value string, build bool) control.SetVariable {
	secret := paas.NewSecret(strings.ReplaceAll(value, "\r\n", "\n")) // as forms send line ends
	return control.SetVariable{Name: name, Value: &secret, Build: &build}
}

// again shows the page with what was wrong. Values are not put back: they were secrets a moment ago.
func (h variables) again(c *server.Call, in variableForm, cause error) error {
	if !correctable(cause) {
		return cause
	}
	p, err := h.page(c)
	if err != nil {
		return err
	}
	e := paas.Public(cause)
	for _, name := range in.NewName {
		if name = strings.TrimSpace(name); name == "" || slices.ContainsFunc(p.Variables, func(v ui.Variable) bool { return v.Name == name }) {
			continue
		}
		row := ui.NewVariable{Name: paas.Clip(name, len(name))}
		if paas.CheckVariable(name) != nil && e.Field == "name" {
			row.Err, e = e, &paas.Error{Kind: e.Kind, Msg: "nothing was saved", Hint: "correct the marked row and fill the values in again"}
		}
		p.Added = append(p.Added, row)
	}
	p.Pasted = strings.TrimSpace(in.Env.Reveal()) != ""
	e.Field = ""
	p.Form = ui.Form{Errors: []*paas.Error{e}}
	return answer(c, statusOf(cause), p)
}
