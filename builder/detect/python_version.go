package detect

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/cloudsania/cloudsania/builder/contract"
	"github.com/cloudsania/cloudsania/paas"
)

// basePython is the base images' Python, and its line the minor version that people speak of.
var (
	basePython     = semver.MustParse(contract.BasePython)
	basePythonLine = fmt.Sprintf("%d.%d", basePython.Major(), basePython.Minor())
)

var pythonPin = regexp.MustCompile(`^(?:python-|cpython-|cpython@|python@)?3\.(\d{1,2})(?:\.\d+)?$`)

// pythonVersion chooses the Python line. A pin is followed to its minor version, so that security patches arrive; a
// range that the base images' Python suits gets that one.
func (d *detection) pythonVersion(project *pyproject, pip *pipfile) {
	if pin, minor := d.pythonPinned(pip); minor != "" {
		d.runtime(paas.RuntimePython, "~3."+minor, pin.file)
		d.fact(pin.file, "Python 3.%s (%s)", minor, pin.text)
		return
	}
	asked := d.pythonRange(project)
	constraint, ok := semverOfPEP440(asked.text)
	if asked.text != "" && !ok {
		d.warn("%s asks for Python %q, which is not understood: %s is used", asked.file, asked.text, basePythonLine)
	}
	if asked.text == "" || !ok {
		d.runtime(paas.RuntimePython, "~"+basePythonLine, "")
		d.fact("", "Python %s, the default: no file asks for a version", basePythonLine)
		return
	}
	c, err := semver.NewConstraint(constraint)
	if err == nil && (c.Check(basePython) || c.Check(semver.New(basePython.Major(), basePython.Minor(), 99, "", ""))) {
		constraint = "~" + basePythonLine
	}
	d.runtime(paas.RuntimePython, constraint, asked.file)
	d.fact(asked.file, "Python %s (%s asks for %q)", strings.TrimPrefix(constraint, "~"), asked.file, asked.text)
}

// pythonPinned reads the files that name one version.
func (d *detection) pythonPinned(pip *pipfile) (pin wish, minor string) {
	pins := []wish{{d.text(".python-version"), ".python-version"}, {d.text("runtime.txt"), "runtime.txt"},
		{toolVersion(d.text(".tool-versions"), "python"), ".tool-versions"}}
	if pip != nil {
		pins = append(pins, wish{pip.Requires.Full, "Pipfile"}, wish{pip.Requires.Version, "Pipfile"})
	}
	for _, p := range pins {
		p.text, _, _ = strings.Cut(strings.TrimSpace(p.text), "\n")
		p.text = strings.TrimSpace(p.text)
		if m := pythonPin.FindStringSubmatch(p.text); m != nil {
			return p, m[1]
		}
		if p.text != "" && p.text != "3" {
			d.warn("%s asks for Python %q, which is not a version such as 3.12", p.file, p.text)
		}
	}
	return wish{}, ""
}

// pythonRange reads what pyproject.toml, or the lock file beside a bare one, allows.
func (d *detection) pythonRange(project *pyproject) wish {
	if project == nil {
		return wish{}
	}
	if project.Project != nil && project.Project.RequiresPython != "" {
		return wish{project.Project.RequiresPython, "pyproject.toml"}
	}
	if project.Tool.Poetry != nil {
		if s, ok := project.Tool.Poetry.Dependencies["python"].(string); ok {
			return wish{s, "pyproject.toml"}
		}
	}
	return wish{}
}

var pep440Part = regexp.MustCompile(`^(===|==|~=|!=|<=|>=|<|>|\^|~)?\s*v?(\d+(?:\.\d+){0,2})(\.\*)?$`)

// semverOfPEP440 writes a Python version range (also Poetry's ^ and ~) as a semantic version range.
func semverOfPEP440(spec string) (string, bool) {
	if spec = strings.TrimSpace(spec); spec == "" || spec == "*" {
		return "*", true
	}
	var alternatives []string
	for _, alt := range strings.Split(spec, "||") {
		var parts []string
		for _, part := range strings.FieldsFunc(alt, func(r rune) bool { return r == ',' }) {
			p, ok := semverPart(strings.TrimSpace(part))
			if !ok {
				return "", false
			}
			parts = append(parts, p)
		}
		if len(parts) == 0 {
			return "", false
		}
		alternatives = append(alternatives, strings.Join(parts, ", "))
	}
	constraint := strings.Join(alternatives, " || ")
	_, err := semver.NewConstraint(constraint)
	return constraint, err == nil
}

func semverPart(part string) (string, bool) {
	m := pep440Part.FindStringSubmatch(part)
	if m == nil {
		return "", false
	}
	op, version, wild := m[1], m[2], m[3] != ""
	dots := strings.Count(version, ".")
	switch {
	case wild && (op == "==" || op == "") && dots < 2:
		return version + ".x", true
	case wild && op == "!=" && dots < 2:
		return "!=" + version + ".x", true
	case wild:
		return "", false
	case op == "~=" && dots == 2:
		return "~" + version, true
	case op == "~=":
		return "^" + version, true
	case op == "===" || op == "==":
		return "=" + fullVersion(version), true
	case op == "":
		return version, true
	case op == "^" || op == "~":
		return op + version, true
	}
	return op + fullVersion(version), true
}

func fullVersion(v string) string {
	for strings.Count(v, ".") < 2 {
		v += ".0"
	}
	return v
}
