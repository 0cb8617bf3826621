package control

import (
	"context"
	"slices"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/store"
)

// SetVariable changes one variable. Nil members stay as they are: a new variable then has the empty value and reaches no build, except one
// that a bundler compiles into pages, which always does.
type SetVariable struct {
	Name  string
	Value *paas.Secret
	Build *bool
}

// variable is the changed one; old is the zero value where there was none.
func (s SetVariable) variable(old paas.Variable) paas.Variable {
	v := paas.Variable{Name: s.Name, Value: old.Value, Build: old.Build}
	if s.Value != nil {
		v.Value = *s.Value
	}
	if s.Build != nil {
		v.Build = *s.Build
	}
	return v
}

// VariableChange is variables to set and to unset. Hold makes no release with them: the next deployment takes them.
type VariableChange struct {
	Set   []SetVariable
	Unset []string
	Hold  bool
}

// Variables of an app by name. Values are secrets: whoever shows them shows that there is one, no more.
func (c *Control) Variables(by access.Principal, target paas.Target) (vars []paas.Variable, err error) {
	err = c.view(by, access.VariableRead, target, func(t *store.Tx, _ Place) error {
		vars, err = t.Variables(target)
		return err
	})
	return vars, err
}

// ChangeVariables changes variables and, unless told to hold or nothing is live, queues a release with them: the deployment is returned
// then, else nil. The same values again change nothing.
func (c *Control) ChangeVariables(ctx context.Context, by access.Principal, target paas.Target, in VariableChange) (*paas.Deployment, error) {
	if len(in.Set) == 0 && len(in.Unset) == 0 {
		return nil, paas.Invalidf("set", "name at least one variable", "there is nothing to change")
	}
	var queued queued
	err := c.change(ctx, by, access.VariableWrite, target, func(t *store.Tx, _ Place) error {
		before, err := t.AppEnvironment(target)
		if err != nil {
			return err
		}
		old, err := t.Variables(target)
		if err != nil {
			return err
		}
		var set []paas.Variable
		for _, s := range in.Set {
			was := paas.Variable{}
			if i := slices.IndexFunc(old, func(v paas.Variable) bool { return v.Name == s.Name }); i >= 0 {
				was = old[i]
			}
			set = append(set, s.variable(was))
		}
		if err := t.SetVariables(target, set, in.Unset); err != nil {
			return err
		}
		after, err := t.AppEnvironment(target)
		if err != nil || in.Hold || after.Live() == "" || after.VarsVersion == before.VarsVersion {
			return err
		}
		queued, err = queueConfiguration(t, target)
		return err
	})
	if err != nil {
		return nil, err
	}
	return queued.wake(c.deploys), nil
}

// Provide makes the variables that a source asks for: as given, made up where any secret will do, or with their defaults. What has none of
// these is left out.
func Provide(needed []paas.Needed, given map[string]paas.Secret) []SetVariable {
	var out []SetVariable
	for _, n := range needed {
		if paas.CheckVariable(n.Name) != nil {
			continue
		}
		value, ok := given[n.Name]
		switch {
		case ok && !value.IsZero():
		case n.Generate:
			value = paas.GenerateSecret()
		case n.Default != "":
			value = paas.NewSecret(n.Default)
		default:
			continue
		}
		out = append(out, SetVariable{Name: n.Name, Value: &value})
	}
	return out
}
