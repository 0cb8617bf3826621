package buildpack

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/cloudsania/cloudsania/paas"
)

// python makes a virtual environment of the dependencies and runs the build command in it.
func (b *build) python(ctx context.Context) error {
	p, err := b.openPython()
	if err != nil {
		return err
	}
	key, err := p.key()
	if err != nil {
		return err
	}
	venv := b.layer("venv", key)
	use := venv.dir // what the build command sees
	if venv.kept() {
		b.say("%s", unchanged)
		if use, err = p.buildVenv(ctx, key); err != nil {
			return err
		}
		err = p.reuse(venv)
	} else {
		err = p.make(ctx, venv)
	}
	if err != nil {
		return err
	}
	if use != "" {
		b.path = append([]string{filepath.Join(use, "bin")}, b.path...)
		if err := b.buildCommand(ctx, append(p.placeholders(), "VIRTUAL_ENV="+use, "PYTHONDONTWRITEBYTECODE=1")...); err != nil {
			return err
		}
	}
	b.launch.env("VIRTUAL_ENV", "override", venv.dir)
	b.launch.env("PYTHONUNBUFFERED", "default", "1")
	b.launch.env("FORWARDED_ALLOW_IPS", "default", "*") // only the edge reaches the container
	return nil
}

// pythonProject is a Python project being built.
type pythonProject struct {
	*build
	uv          string // program
	interpreter string // that makes virtual environments for the build
	version     string // "3.13.5", or the base image's
	runtimeDir  string // "" for the base image's Python
	file        string // dependency file, absolute; "" when there is none
	project     bool   // the project itself is installed, for its programs or its src directory
}

func (b *build) openPython() (*pythonProject, error) {
	uv, _, err := b.needRuntime(paas.ManagerUV)
	if err != nil {
		return nil, err
	}
	p := &pythonProject{build: b, uv: filepath.Join(uv, "uv"), interpreter: "/usr/bin/python3"}
	dir, version, ok := b.runtime(paas.RuntimePython)
	p.version = version
	if ok {
		p.runtimeDir = dir
		if p.interpreter = interpreterIn(dir); p.interpreter == "" {
			return nil, fmt.Errorf("the Python runtime in %s has no interpreter", dir)
		}
	}
	if f := b.Plan.DependencyFile; f != "" {
		p.file = filepath.Join(b.Source, filepath.FromSlash(f))
	}
	p.project = p.installsItself()
	b.env = append(b.env, "UV_CACHE_DIR="+b.cached("uv"), "UV_LINK_MODE=copy", "UV_PYTHON_DOWNLOADS=never", "UV_COMPILE_BYTECODE=1", "UV_NO_PROGRESS=1",
		"PYC_INVALIDATION_MODE=CHECKED_HASH", // the exporter changes all times: compiled files that compare times would never be used
		"SETUPTOOLS_SCM_PRETEND_VERSION=0.0.0", "PIP_DISABLE_PIP_VERSION_CHECK=1")
	return p, nil
}

// interpreterIn finds the interpreter of a runtime, in python-build-standalone's layout or Debian's.
func interpreterIn(dir string) string {
	for _, pattern := range []string{
		"bin/python3.[0-9]", "bin/python3.[0-9][0-9]", "usr/bin/python3.[0-9]", "usr/bin/python3.[0-9][0-9]",
	} {
		if m, _ := filepath.Glob(filepath.Join(dir, pattern)); len(m) > 0 { // the patterns are well formed
			return m[0]
		}
	}
	return ""
}

var (
	pyScripts     = regexp.MustCompile(`(?m)^\[(?:project|tool\.poetry)\.(?:gui-)?scripts\]`)
	pyBuildSystem = regexp.MustCompile(`(?m)^\[build-system\]`)
	nativeBackend = regexp.MustCompile(`(?m)^build-backend\s*=\s*["'](?:maturin|mesonpy|scikit_build_core|pdm\.backend\.native|setuptools_rust)`)
)

func (p *pythonProject) pyproject() string {
	b, err := readFile(filepath.Join(p.app, "pyproject.toml"), maxManifestBytes)
	if err != nil {
		return ""
	}
	return string(b)
}

// installsItself: "uv sync" decides for itself, and a bare requirements file says nothing of a project.
func (p *pythonProject) installsItself() bool {
	text := p.pyproject()
	if filepath.Base(p.file) == "uv.lock" || !pyBuildSystem.MatchString(text) {
		return false
	}
	return pyScripts.MatchString(text) || exists(filepath.Join(p.app, "src"))
}

var secretKey = regexp.MustCompile(`["'](SECRET_KEY|DJANGO_SECRET_KEY)["']`)

// placeholders give Django's settings a key while static files are collected: nothing is signed then, and the real
// key is not in builds.
func (p *pythonProject) placeholders() []string {
	var env []string
	for _, file := range p.Plan.SettingsFiles {
		text, err := readFile(filepath.Join(p.Source, filepath.FromSlash(file)), maxManifestBytes)
		if err != nil {
			continue
		}
		for _, m := range secretKey.FindAllStringSubmatch(string(text), -1) {
			if !slices.ContainsFunc(p.env, func(kv string) bool { return strings.HasPrefix(kv, m[1]+"=") }) {
				env = append(env, m[1]+"=only-for-the-build")
			}
		}
	}
	return env
}
