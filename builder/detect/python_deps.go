package detect

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/cloudsania/cloudsania/paas"
)

// pyproject is what detection reads of a pyproject.toml.
type pyproject struct {
	Project *struct {
		Dependencies   []string `toml:"dependencies"`
		RequiresPython string   `toml:"requires-python"`
		Dynamic        []string `toml:"dynamic"`
	} `toml:"project"`
	Tool struct {
		Poetry *struct {
			Dependencies map[string]any `toml:"dependencies"`
		} `toml:"poetry"`
		UV struct {
			RequiredVersion string `toml:"required-version"`
		} `toml:"uv"`
	} `toml:"tool"`
}

// declares reports whether the file is about a project, not only about the settings of tools.
func (p *pyproject) declares() bool { return p.Project != nil || p.Tool.Poetry != nil }

// pipfile is what detection reads of a Pipfile.
type pipfile struct {
	Packages map[string]any `toml:"packages"`
	Requires struct {
		Version string `toml:"python_version"`
		Full    string `toml:"python_full_version"`
	} `toml:"requires"`
}

func (d *detection) readPyproject() (*pyproject, error) {
	var p pyproject
	found, err := d.readTOML("pyproject.toml", &p)
	if err != nil || !found {
		return nil, err
	}
	return &p, nil
}

func (d *detection) readPipfile() (*pipfile, error) {
	var p pipfile
	found, err := d.readTOML("Pipfile", &p)
	if err != nil || !found {
		return nil, err
	}
	return &p, nil
}

func (d *detection) readTOML(name string, to any) (found bool, err error) {
	b, err := d.read(name, maxConfigBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if _, err := toml.Decode(string(b), to); err != nil {
		return false, tomlError(d.at(name), err)
	}
	return true, nil
}

// tomlError says where a file stops being TOML.
func tomlError(name string, err error) error {
	var syntax toml.ParseError
	if errors.As(err, &syntax) {
		return &paas.Error{
			Kind: paas.Invalid,
			Err:  err,
			Msg:  fmt.Sprintf("%q is not valid TOML: line %d: %s", name, syntax.Position.Line, syntax.Message),
			Hint: fmt.Sprintf("look at line %d for a missing quote or bracket", syntax.Position.Line),
		}
	}
	return &paas.Error{
		Kind: paas.Invalid,
		Err:  err,
		Msg:  fmt.Sprintf("%q has a value of an unexpected type: %s", name, err),
		Hint: "compare it with the documentation of the tool that wrote it",
	}
}

// dependencies are the names that a source asks for, in their normal form.
type dependencies map[string]bool

func (d dependencies) add(name string) {
	if n := normalName(name); n != "" {
		d[n] = true
	}
}

// first returns the first of the names that is among them, or "".
func (d dependencies) first(names ...string) string {
	for _, n := range names {
		if d[n] {
			return n
		}
	}
	return ""
}

var (
	nameRuns    = regexp.MustCompile(`[-_.]+`)
	requirement = regexp.MustCompile(`^([A-Za-z0-9][A-Za-z0-9._-]*)\s*(\[[^\]]*\])?`)
	includeFile = regexp.MustCompile(`^(?:-r|--requirement)[ =]\s*([\w./-]+)`)
)

// normalName is PEP 503's: lower case, runs of "-", "_" and "." as one hyphen.
func normalName(name string) string { return strings.ToLower(nameRuns.ReplaceAllString(name, "-")) }

func requirementName(line string) string {
	m := requirement.FindStringSubmatch(line)
	if m == nil {
		return ""
	}
	return normalName(m[1])
}

// requirementLines are the logical lines of a requirements file, without comments.
func requirementLines(text string) (lines []string) {
	text = strings.ReplaceAll(strings.ReplaceAll(decodeText(text), "\r\n", "\n"), "\\\n", " ")
	for _, line := range strings.Split(text, "\n") {
		if i := strings.Index(" "+line, " #"); i >= 0 {
			line = line[:max(i-1, 0)]
		}
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// decodeText undoes UTF-16, which PowerShell's "pip freeze > requirements.txt" writes.
func decodeText(text string) string {
	if !strings.HasPrefix(text, "\xff\xfe") {
		return text
	}
	return strings.ReplaceAll(text[2:], "\x00", "")
}

// pythonDependencies collects what the manifests name. A lock file is not read: it pins what these name.
func (d *detection) pythonDependencies(project *pyproject, pip *pipfile) dependencies {
	deps := dependencies{}
	d.requirements(d.first(requirementFiles...), deps, 0)
	if project != nil && project.Project != nil {
		for _, r := range project.Project.Dependencies {
			deps.addRequirement(r)
		}
	}
	if project != nil && project.Tool.Poetry != nil {
		for name, v := range project.Tool.Poetry.Dependencies {
			deps.add(name)
			if t, ok := v.(map[string]any); ok {
				deps.addExtras(name, fmt.Sprint(t["extras"]))
			}
		}
	}
	if pip != nil {
		for name := range pip.Packages {
			deps.add(name)
		}
	}
	if deps["fastapi"] && deps["fastapi[standard]"] || deps["fastapi[all]"] {
		deps.add("uvicorn")
	}
	return deps
}

func (d dependencies) addRequirement(line string) {
	if m := requirement.FindStringSubmatch(line); m != nil {
		d.add(m[1])
		d.addExtras(m[1], m[2])
	}
}

func (d dependencies) addExtras(name, extras string) {
	for _, e := range strings.FieldsFunc(extras, func(r rune) bool { return strings.ContainsRune("[], ", r) }) {
		d[normalName(name)+"["+strings.ToLower(e)+"]"] = true
	}
}

// requirements adds the names of a requirements file and of those that it includes.
func (d *detection) requirements(file string, deps dependencies, depth int) {
	if file == "" || depth > 3 || !fs.ValidPath(file) {
		return
	}
	for _, line := range requirementLines(d.text(file)) {
		if m := includeFile.FindStringSubmatch(line); m != nil {
			d.requirements(path.Join(path.Dir(file), m[1]), deps, depth+1)
			continue
		}
		deps.addRequirement(line)
	}
}
