package store

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

const (
	maxVariables     = 500
	maxVariableBytes = 64 << 10
	maxVariablesSum  = 1 << 20
	versionsKept     = 50 // of a target's variables
)

// Variables of a target by name, values included.
func (t *Tx) Variables(target paas.Target) ([]paas.Variable, error) {
	p, err := t.AppEnvironment(target)
	if err != nil {
		return nil, err
	}
	return t.variables(p)
}

// SetVariables changes and removes variables as one change. Those with a bundler's public prefix are marked for the build by themselves.
// Limits: 500 variables, 64 KiB each, 1 MiB together (TooLarge). Removing one that is not set is NotFound.
func (t *Tx) SetVariables(target paas.Target, set []paas.Variable, unset []string) error {
	p, err := t.AppEnvironment(target)
	if err != nil {
		return err
	}
	old, err := t.variables(p)
	if err != nil {
		return err
	}
	vars, err := t.changedVariables(old, set, unset)
	if err != nil || slices.Equal(old, vars) {
		return err
	}
	if err := checkVariables(vars); err != nil {
		return err
	}
	p.VarsVersion++
	if err := t.trimVersions(target, p.VarsVersion); err != nil {
		return err
	}
	if err := t.sealVariables(variablesBucket, variablesKey(target, p.VarsVersion), uint64(p.VarsVersion), vars); err != nil {
		return err
	}
	if err := t.put(appEnvironmentBucket, targetKey(target), p); err != nil {
		return err
	}
	at, err := t.PathIn(target)
	if err != nil {
		return err
	}
	return t.event(paas.VariablesChanged{
		Environment: target.Environment,
		Set:         strings.Join(variableNames(set), " "),
		Unset:       strings.Join(unset, " "),
	}, target.App, at)
}

func (t *Tx) variables(p paas.AppEnvironment) ([]paas.Variable, error) {
	if p.VarsVersion == 0 {
		return nil, nil
	}
	return t.openVariables(variablesBucket, variablesKey(p.Target, p.VarsVersion), uint64(p.VarsVersion))
}

// changedVariables applies a change; what stays the same keeps its time.
func (t *Tx) changedVariables(old, set []paas.Variable, unset []string) ([]paas.Variable, error) {
	vars := slices.Clone(old)
	index := func(name string) int {
		return slices.IndexFunc(vars, func(v paas.Variable) bool { return v.Name == name })
	}
	for _, name := range unset {
		i := index(name)
		if i < 0 {
			return nil, &paas.Error{Kind: paas.NotFound, Field: "name", Msg: fmt.Sprintf("the variable %q is not set", paas.Clip(name, 80))}
		}
		vars = slices.Delete(vars, i, i+1)
	}
	for _, v := range set {
		v.Build = v.Build || paas.IsPublicVariable(v.Name)
		v.Updated, v.By = t.now, t.by.ID
		switch i := index(v.Name); {
		case i < 0:
			vars = append(vars, v)
		case !sameVariable(vars[i], v):
			vars[i] = v
		}
	}
	slices.SortFunc(vars, func(a, b paas.Variable) int { return strings.Compare(a.Name, b.Name) })
	return vars, nil
}

func checkVariables(vars []paas.Variable) error {
	if len(vars) > maxVariables {
		return tooLarge("an app can have at most %d variables", maxVariables)
	}
	sum := 0
	for _, v := range vars {
		if err := paas.CheckVariable(v.Name); err != nil {
			return err
		}
		value := v.Value.Reveal()
		if strings.ContainsRune(value, 0) {
			return paas.Invalidf(v.Name, "", "the value of %q has a zero byte, which no environment variable can hold", v.Name)
		}
		if len(value) > maxVariableBytes {
			return tooLarge("the value of %q is larger than %d KiB", v.Name, maxVariableBytes>>10)
		}
		sum += len(v.Name) + len(value)
	}
	if sum > maxVariablesSum {
		return tooLarge("the variables are larger than %d KiB together", maxVariablesSum>>10)
	}
	return nil
}

func tooLarge(format string, args ...any) error {
	return &paas.Error{Kind: paas.TooLarge, Msg: fmt.Sprintf(format, args...), Hint: "keep large data in a file or a database"}
}

// trimVersions forgets versions of a target's variables that are too old to be asked for.
func (t *Tx) trimVersions(target paas.Target, newest int) error {
	if newest <= versionsKept {
		return nil
	}
	return t.delete(variablesBucket, variablesKey(target, newest-versionsKept))
}

func variableNames(vars []paas.Variable) []string {
	var names []string
	for _, v := range vars {
		names = append(names, v.Name)
	}
	return names
}

// sameVariable ignores when and by whom it was changed.
func sameVariable(a, b paas.Variable) bool {
	a.Updated, a.By = b.Updated, b.By
	return a == b
}

// variablesKey is where a version of a scope's variables stands; the scope of an app in an environment is its target.
func variablesKey(target paas.Target, version int) string {
	return path(targetKey(target), number(uint64(version)))
}

// sealedVariable is a variable as it is before sealing: bytes, since a value need not be UTF-8.
type sealedVariable struct {
	Name    string    `json:"n"`
	Value   []byte    `json:"v"`
	Build   bool      `json:"b,omitempty"`
	Updated time.Time `json:"t"`

	Reference *paas.ServiceKey `json:"ref,omitempty"`
	Generated bool             `json:"gen,omitempty"`
	Readable  bool             `json:"read,omitempty"`
	Shareable bool             `json:"share,omitempty"`
	By        string           `json:"by,omitempty"`
	Rotated   time.Time        `json:"rot,omitzero"`
}

func (t *Tx) sealVariables(b bucket, key string, version uint64, vars []paas.Variable) error {
	plain := make([]sealedVariable, len(vars))
	for i, v := range vars {
		plain[i] = sealedVariable{
			Name: v.Name, Value: []byte(v.Value.Reveal()), Build: v.Build, Updated: v.Updated,
			Generated: v.Generated, Readable: v.Readable, Shareable: v.Shareable, By: v.By, Rotated: v.Rotated,
		}
		if v.Reference != (paas.ServiceKey{}) {
			plain[i].Reference = &v.Reference
		}
	}
	raw, err := json.Marshal(plain)
	if err != nil {
		return fmt.Errorf("encode variables: %w", err)
	}
	return t.putRaw(b, key, t.s.seals.seal(b, key, version, raw))
}

func (t *Tx) openVariables(b bucket, key string, version uint64) ([]paas.Variable, error) {
	box, ok, err := t.raw(b, key)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, damaged("the variables of %q are missing", key)
	}
	raw, err := t.s.seals.open(b, key, version, box)
	if err != nil {
		return nil, err
	}
	plain, err := decodeJSON[[]sealedVariable](b, key, raw)
	if err != nil {
		return nil, err
	}
	vars := make([]paas.Variable, len(plain))
	for i, v := range plain {
		vars[i] = paas.Variable{
			Name: v.Name, Value: paas.NewSecret(string(v.Value)), Build: v.Build, Updated: v.Updated,
			Generated: v.Generated, Readable: v.Readable, Shareable: v.Shareable, By: v.By, Rotated: v.Rotated,
		}
		if v.Reference != nil {
			vars[i].Reference = *v.Reference
		}
	}
	return vars, nil
}
