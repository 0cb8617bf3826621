package buildpack

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/cloudsania/cloudsania/paas"
)

// poetryPackage is an entry of a poetry.lock.
type poetryPackage struct {
	Name, Version string
	Optional      bool
	Groups        []string // since lock version 2.1 (Poetry 2)
	Markers       any      // a string, or one for each group
	Files         []struct{ Hash string }
	Source        struct {
		Type, URL, Subdirectory string
		Reference               string
		ResolvedReference       string `toml:"resolved_reference"`
	}
}

// poetryLock converts a poetry.lock. One of Poetry 2 says for each package which groups need it; for older ones the
// project's own dependencies are resolved again, within the locked versions.
func poetryLock(lock, project []byte) (requirements, error) {
	var l struct {
		Package []poetryPackage
	}
	if _, err := toml.Decode(string(lock), &l); err != nil {
		return requirements{}, err
	}
	if len(l.Package) > 0 && !slices.ContainsFunc(l.Package, func(p poetryPackage) bool { return len(p.Groups) > 0 }) {
		return oldPoetryLock(l.Package, project)
	}
	var r requirements
	for _, p := range l.Package {
		marker := p.marker()
		if p.Optional || !slices.Contains(p.Groups, "main") || strings.Contains(marker, "extra ==") {
			continue
		}
		if p.Source.Type != "" && p.Source.Type != "legacy" {
			if err := r.addDirect(p.Name, p.from(), marker); err != nil {
				return r, err
			}
			continue
		}
		if p.Source.Type == "legacy" {
			r.addIndex(p.Source.Reference, p.Source.URL)
		}
		var hashes []string
		for _, f := range p.Files {
			hashes = append(hashes, f.Hash)
		}
		if err := r.add(pin{name: p.Name, version: p.Version, marker: marker, hashes: hashes}); err != nil {
			return r, err
		}
	}
	r.sort()
	return r, nil
}

func (p poetryPackage) marker() string {
	switch m := p.Markers.(type) {
	case string:
		return m
	case map[string]any:
		s, _ := m["main"].(string)
		return s
	}
	return ""
}

// from is the address of a package that is not from an index.
func (p poetryPackage) from() string {
	from := p.Source.URL
	switch p.Source.Type {
	case "git":
		if from = "git+" + from + "@" + p.Source.ResolvedReference; p.Source.Subdirectory != "" {
			from += "#subdirectory=" + p.Source.Subdirectory
		}
	case "directory", "file":
		from = localPath(from)
	}
	return from
}

var requirementStart = regexp.MustCompile(`^[A-Za-z0-9]`)

func localPath(p string) string {
	if strings.HasPrefix(p, "/") || strings.HasPrefix(p, ".") {
		return p
	}
	return "./" + p
}

func oldPoetryLock(packages []poetryPackage, project []byte) (requirements, error) {
	r, err := poetryProject(project)
	if err != nil {
		return r, err
	}
	count := map[string]int{}
	for _, p := range packages {
		count[p.Name]++
	}
	for _, p := range packages {
		if count[p.Name] > 1 || p.Source.Type != "" && p.Source.Type != "legacy" {
			continue // several versions by platform, or not a version at all: the resolver chooses
		}
		if err := r.limit(p.Name, p.Version); err != nil {
			return r, err
		}
	}
	r.sort()
	return r, nil
}

// poetryProject converts the dependencies of a pyproject.toml in Poetry's form, or the standard one where both are
// there.
func poetryProject(b []byte) (requirements, error) {
	var t struct {
		Project struct{ Dependencies []string }
		Tool    struct {
			Poetry struct {
				Dependencies map[string]any
				Source       []struct{ Name, URL string }
			}
		}
	}
	if _, err := toml.Decode(string(b), &t); err != nil {
		return requirements{}, err
	}
	r := requirements{wanted: []string{}}
	for _, s := range t.Tool.Poetry.Source {
		r.addIndex(s.Name, s.URL)
	}
	for _, d := range t.Project.Dependencies {
		if !oneLine(d) || !requirementStart.MatchString(d) {
			return r, fmt.Errorf("the dependency %q is not understood", paas.Clip(d, 60))
		}
		r.wanted = append(r.wanted, d)
	}
	if len(t.Project.Dependencies) > 0 {
		return r, nil
	}
	for name, v := range t.Tool.Poetry.Dependencies {
		if name == "python" {
			continue
		}
		if err := r.wantPoetry(name, v); err != nil {
			return r, err
		}
	}
	r.sort()
	return r, nil
}

// wantPoetry adds a dependency, which is a version, a table, or a list of tables for different circumstances.
func (r *requirements) wantPoetry(name string, v any) error {
	var tables []map[string]any
	switch v := v.(type) {
	case string:
		tables = []map[string]any{{"version": v}}
	case map[string]any:
		tables = []map[string]any{v}
	case []map[string]any:
		tables = v
	case []any:
		for _, e := range v {
			if t, ok := e.(map[string]any); ok {
				tables = append(tables, t)
			}
		}
	}
	if len(tables) == 0 || !lockName.MatchString(name) {
		return fmt.Errorf("the dependency %q is not understood", paas.Clip(name, 60))
	}
	for _, t := range tables {
		if optional, _ := t["optional"].(bool); optional {
			continue
		}
		line, err := poetryRequirement(name, t)
		if err != nil {
			return err
		}
		r.wanted = append(r.wanted, line)
	}
	return nil
}

func poetryRequirement(name string, t map[string]any) (string, error) {
	text := func(key string) string { s, _ := t[key].(string); return s }
	line := name
	if extras, ok := t["extras"].([]any); ok && len(extras) > 0 {
		var names []string
		for _, e := range extras {
			s, _ := e.(string)
			if !lockExtra.MatchString(s) {
				return "", fmt.Errorf("an extra of %s is not understood", name)
			}
			names = append(names, s)
		}
		line += "[" + strings.Join(names, ",") + "]"
	}
	switch {
	case text("git") != "":
		ref := text("rev") + text("tag") + text("branch")
		line += " @ git+" + text("git")
		if ref != "" {
			line += "@" + ref
		}
	case text("url") != "":
		line += " @ " + text("url")
	case text("path") != "":
		line = localPath(text("path"))
	default:
		version, err := pep440(text("version"))
		if err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
		line += version
	}
	markers := []string{}
	if m := text("markers"); m != "" {
		markers = append(markers, "("+m+")")
	}
	if p := text("python"); p != "" {
		m, err := pythonMarker(p)
		if err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
		if m != "" {
			markers = append(markers, m)
		}
	}
	if len(markers) > 0 {
		line += " ; " + strings.Join(markers, " and ")
	}
	if !oneLine(line) {
		return "", fmt.Errorf("the dependency %s is not one line", name)
	}
	return line, nil
}

var poetryPart = regexp.MustCompile(`^(\^|~=|~|===|==|!=|<=|>=|<|>|=)?\s*([0-9][0-9A-Za-z.!+_-]*?)(\.\*)?$`)

// pep440 writes Poetry's version range as Python's own.
func pep440(spec string) (string, error) {
	if spec = strings.TrimSpace(spec); spec == "" || spec == "*" {
		return "", nil
	}
	var out []string
	for _, part := range strings.FieldsFunc(spec, func(c rune) bool { return c == ',' }) {
		m := poetryPart.FindStringSubmatch(strings.TrimSpace(part))
		if m == nil {
			return "", fmt.Errorf("the version range %q is not understood", paas.Clip(spec, 60))
		}
		op, version, wild := m[1], m[2], m[3]
		switch op {
		case "^":
			out = append(out, ">="+version, "<"+nextVersion(version, caretPlace(version)))
		case "~":
			out = append(out, ">="+version, "<"+nextVersion(version, min(1, strings.Count(version, "."))))
		case "", "=":
			out = append(out, "=="+version+wild)
		default:
			out = append(out, op+version+wild)
		}
	}
	return strings.Join(out, ","), nil
}

// caretPlace is the place that a caret lets grow next: the first that is not zero.
func caretPlace(version string) int {
	parts := strings.Split(version, ".")
	for i, p := range parts {
		if strings.Trim(p, "0") != "" {
			return i
		}
	}
	return len(parts) - 1
}

// nextVersion counts a place of a version up and drops what follows.
func nextVersion(version string, place int) string {
	parts := strings.Split(version, ".")
	place = min(place, len(parts)-1)
	n := 0
	for _, c := range parts[place] {
		if c < '0' || c > '9' || n > 1e8 {
			break
		}
		n = n*10 + int(c-'0')
	}
	parts = append(slices.Clone(parts[:place]), fmt.Sprint(n+1))
	return strings.Join(parts, ".")
}

// pythonMarker writes a range of Python versions as a marker.
func pythonMarker(spec string) (string, error) {
	if strings.Contains(spec, "||") {
		var alternatives []string
		for _, s := range strings.Split(spec, "||") {
			m, err := pythonMarker(s)
			if err != nil {
				return "", err
			}
			alternatives = append(alternatives, m)
		}
		return "(" + strings.Join(alternatives, " or ") + ")", nil
	}
	rng, err := pep440(spec)
	if err != nil || rng == "" {
		return "", err
	}
	var parts []string
	for _, part := range strings.Split(rng, ",") {
		m := poetryPart.FindStringSubmatch(part)
		if m == nil {
			return "", fmt.Errorf("the Python range %q is not understood", paas.Clip(spec, 60))
		}
		variable := "python_full_version"
		if strings.Count(m[2], ".") <= 1 {
			variable = "python_version"
		}
		parts = append(parts, fmt.Sprintf("%s %s %q", variable, m[1], m[2]+m[3]))
	}
	return strings.Join(parts, " and "), nil
}
