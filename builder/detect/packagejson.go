package detect

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/cloudsania/cloudsania/paas"
)

// packageJSON is what detection reads of a package.json. Members of another type than usual count as absent, as npm
// treats them.
type packageJSON struct {
	Name, Main, Type, PackageManager string
	Scripts, Engines, Volta          map[string]string
	Dependencies, DevDependencies    map[string]string
	workspaces                       bool
	pnpm                             map[string]json.RawMessage
}

func (d *detection) readPackage(name string) (*packageJSON, error) {
	b, err := d.read(name, maxConfigBytes)
	if err != nil {
		return nil, err
	}
	return parsePackageJSON(d.at(name), b)
}

func parsePackageJSON(name string, b []byte) (*packageJSON, error) {
	var m map[string]json.RawMessage
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, jsonError(name, b, err)
	}
	p := &packageJSON{
		Scripts: texts(m["scripts"]), Engines: texts(m["engines"]), Volta: texts(m["volta"]),
		Dependencies: texts(m["dependencies"]), DevDependencies: texts(m["devDependencies"]),
	}
	for key, to := range map[string]*string{
		"name":           &p.Name,
		"main":           &p.Main,
		"type":           &p.Type,
		"packageManager": &p.PackageManager,
	} {
		_ = json.Unmarshal(m[key], to)
	}
	for k, v := range texts(m["optionalDependencies"]) {
		p.Dependencies[k] = v
	}
	w := bytes.TrimSpace(m["workspaces"])
	p.workspaces = len(w) > 0 && !bytes.Equal(w, []byte("null")) && !bytes.Equal(w, []byte("[]"))
	_ = json.Unmarshal(m["pnpm"], &p.pnpm)
	return p, nil
}

// texts reads an object's members that are strings.
func texts(raw json.RawMessage) map[string]string {
	var m map[string]any
	_ = json.Unmarshal(raw, &m)
	out := make(map[string]string, len(m))
	for k, v := range m {
		if s, ok := v.(string); ok {
			out[k] = s
		}
	}
	return out
}

// has reports whether the package is a dependency of either kind.
func (p *packageJSON) has(name string) bool {
	_, dep := p.Dependencies[name]
	_, dev := p.DevDependencies[name]
	return dep || dev
}

// jsonError says on which line a file stops being JSON.
func jsonError(name string, b []byte, err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		before := max(0, min(syntax.Offset-1, int64(len(b))))
		line := 1 + bytes.Count(b[:before], []byte("\n"))
		return &paas.Error{
			Kind: paas.Invalid,
			Err:  err,
			Msg:  fmt.Sprintf("%q is not valid JSON: line %d: %s", name, line, plainJSONError(syntax)),
			Hint: fmt.Sprintf("look at line %d and the one above it for a missing or an extra comma, quote or bracket", line),
		}
	case errors.As(err, &kind):
		return &paas.Error{
			Kind: paas.Invalid,
			Err:  err,
			Msg:  fmt.Sprintf("%q is not a JSON object", name),
			Hint: "it begins with { and ends with }",
		}
	}
	return fmt.Errorf("reading %s: %w", name, err)
}

func plainJSONError(err *json.SyntaxError) string {
	if strings.HasPrefix(err.Error(), "unexpected end") {
		return "it ends too early"
	}
	return err.Error()
}
