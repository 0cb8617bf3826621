package buildpack

import (
	"context"
	"fmt"
	"os"
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
	uv, uvVersion string
	interpreter   string // that makes virtual environments for the build
	version       string // "3.13.5", or the base image's
	runtimeDir    string // "" for the base image's Python
	file          string // dependency file, absolute; "" when there is none
	project       bool   // the project itself is installed, for its programs or its src directory
}

func (b *build) openPython() (*pythonProject, error) {
	uv, version, err := b.needRuntime("uv")
	if err != nil {
		return nil, err
	}
	p := &pythonProject{build: b, uv: filepath.Join(uv, "uv"), uvVersion: version, interpreter: "/usr/bin/python3"}
	dir, version, ok := b.runtime("python")
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
	for _, pattern := range []string{"bin/python3.[0-9]", "bin/python3.[0-9][0-9]", "usr/bin/python3.[0-9]", "usr/bin/python3.[0-9][0-9]"} {
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

// key is a hash over all that decides what the virtual environment holds.
func (p *pythonProject) key() (string, error) {
	parts := append([]string{"venv 1", p.version, p.uvVersion, p.Plan.DependencyFile, fmt.Sprint(p.project)}, p.Plan.Adds...)
	for _, kv := range p.Env {
		for _, prefix := range []string{"UV_", "PIP_"} {
			if strings.HasPrefix(kv, prefix) {
				parts = append(parts, kv)
			}
		}
	}
	files, err := p.inputs()
	if err != nil {
		return "", err
	}
	for _, name := range files {
		sum, err := hashTree(filepath.Join(p.app, name), nil)
		if err != nil {
			return "", err
		}
		parts = append(parts, name, sum)
	}
	if nativeBackend.MatchString(p.pyproject()) {
		sum, err := hashTree(p.app, nil) // compiled from the source
		if err != nil {
			return "", err
		}
		parts = append(parts, sum)
	}
	return keyOf(parts...), nil
}

// inputs are the files that an install reads: manifests wherever they are, since requirement files include each other.
func (p *pythonProject) inputs() ([]string, error) {
	files := []string{"pyproject.toml", "uv.lock", "uv.toml", "poetry.lock", "pdm.lock", "pylock.toml", "Pipfile", "Pipfile.lock", "setup.py", "setup.cfg", "constraints.txt", ".python-version"}
	for _, pattern := range []string{"*.txt", "*/*.txt", "*/pyproject.toml", "*/*/pyproject.toml"} {
		m, _ := filepath.Glob(filepath.Join(p.app, pattern)) // the patterns are well formed
		for _, name := range m {
			rel, err := filepath.Rel(p.app, name)
			if err != nil {
				return nil, fmt.Errorf("listing requirements: %w", err)
			}
			if strings.Contains(rel, "requirements") || !strings.HasSuffix(rel, ".txt") {
				files = append(files, rel)
			}
		}
	}
	slices.Sort(files)
	return slices.Compact(files), nil
}

// reuse keeps the previous image's virtual environment, and the runtime below it.
func (p *pythonProject) reuse(venv layer) error {
	if p.runtimeDir != "" {
		if l := p.pythonLayer(); l.kept() {
			if err := l.reuse(); err != nil {
				return err
			}
		} else if err := p.copyPython(l); err != nil {
			return err
		}
	}
	return venv.reuse()
}

// make fills the layers: the runtime, if it is not the base image's, and the virtual environment at its final place.
func (p *pythonProject) make(ctx context.Context, venv layer) error {
	interpreter := p.interpreter
	if p.runtimeDir != "" {
		l := p.pythonLayer()
		if err := p.copyPython(l); err != nil {
			return err
		}
		interpreter = interpreterIn(l.dir)
	}
	if err := venv.empty(); err != nil {
		return err
	}
	if err := p.install(ctx, venv.dir, interpreter); err != nil {
		return err
	}
	return venv.record()
}

func (p *pythonProject) pythonLayer() layer { return p.layer("0-python", keyOf("python", p.version)) }

func (p *pythonProject) copyPython(l layer) error {
	if err := l.empty(); err != nil {
		return err
	}
	if err := copyTree(p.runtimeDir, l.dir); err != nil {
		return err
	}
	return l.record()
}

// buildVenv is a virtual environment on the cache volume, for build commands of releases that take theirs from the last one.
func (p *pythonProject) buildVenv(ctx context.Context, key string) (string, error) {
	if p.Plan.BuildCommand == "" {
		return "", nil
	}
	dir, mark := p.cached("venv"), p.cached("venv.key")
	if b, err := os.ReadFile(mark); err == nil && string(b) == key && exists(filepath.Join(dir, "bin", "python")) {
		return dir, nil
	}
	if err := os.RemoveAll(dir); err != nil {
		return "", fmt.Errorf("clearing the cache: %w", err)
	}
	p.say("the build command needs them too: they are installed once more, where the next builds find them")
	if err := p.install(ctx, dir, p.interpreter); err != nil {
		return "", err
	}
	if err := os.WriteFile(mark, []byte(key), 0o644); err != nil {
		return "", fmt.Errorf("writing the cache: %w", err)
	}
	return dir, nil
}

var secretKey = regexp.MustCompile(`["'](SECRET_KEY|DJANGO_SECRET_KEY)["']`)

// placeholders give Django's settings a key while static files are collected: nothing is signed then, and the real key is not in builds.
func (p *pythonProject) placeholders() []string {
	var env []string
	if p.Plan.Framework != "Django" {
		return nil
	}
	for _, f := range p.Plan.Facts {
		if !strings.HasSuffix(f.File, ".py") {
			continue
		}
		text, err := readFile(filepath.Join(p.Source, filepath.FromSlash(f.File)), maxManifestBytes)
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

// uvDo runs uv.
func (p *pythonProject) uvDo(ctx context.Context, env []string, title string, args ...string) error {
	return p.do(ctx, command{title: title, path: p.uv, args: args, env: env})
}

// install makes a virtual environment of the dependencies in dir.
func (p *pythonProject) install(ctx context.Context, dir, interpreter string) error {
	if filepath.Base(p.file) == "uv.lock" {
		env := []string{"UV_PROJECT_ENVIRONMENT=" + dir}
		if err := p.uvDo(ctx, env, "uv sync --locked --no-dev", "sync", "--locked", "--no-dev", "--python", interpreter); err != nil {
			return err
		}
		return p.installMore(ctx, dir)
	}
	c := command{title: "uv venv", path: p.uv, args: []string{"venv", "--quiet", "--no-project", "--python", interpreter, dir}, quiet: true}
	if err := p.do(ctx, c); err != nil {
		return err
	}
	if err := p.installFrom(ctx, dir); err != nil {
		return err
	}
	return p.installMore(ctx, dir)
}

// installFrom installs what the dependency file names. Lock files that uv does not read are turned into requirements first.
func (p *pythonProject) installFrom(ctx context.Context, dir string) error {
	if p.file == "" {
		return nil
	}
	name := filepath.Base(p.file)
	switch {
	case name == "setup.py":
		return p.pip(ctx, dir, "uv pip install .", ".")
	case name == "pylock.toml":
		return p.pip(ctx, dir, "uv pip install -r pylock.toml", "-r", p.file)
	case name == "pyproject.toml" && p.Plan.PackageManager != "poetry":
		return p.pip(ctx, dir, "uv pip install -r pyproject.toml", "-r", p.file)
	}
	r, err := p.requirements(name)
	if err != nil {
		return err
	}
	if r.file != "" {
		return p.pip(ctx, dir, "uv pip install -r "+r.file, "-r", r.file)
	}
	return p.installLocked(ctx, dir, name, r)
}

// installLocked installs converted requirements. What has hashes is checked against them; repositories and paths have none.
func (p *pythonProject) installLocked(ctx context.Context, dir, name string, r requirements) error {
	pinned, direct, limits := filepath.Join(p.tools, "pinned.txt"), filepath.Join(p.tools, "direct.txt"), filepath.Join(p.tools, "limits.txt")
	for file, lines := range map[string][]string{pinned: r.pinned, direct: r.direct, limits: r.limits} {
		if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
			return fmt.Errorf("writing requirements: %w", err)
		}
	}
	var index []string
	for _, url := range r.indexes {
		index = append(index, "--extra-index-url", os.Expand(url, p.variable))
	}
	title := "uv pip install (from " + name + ")"
	if r.wanted != nil { // versions are limited by the lock file, the resolver chooses what is needed
		if err := os.WriteFile(pinned, []byte(strings.Join(r.wanted, "\n")+"\n"), 0o644); err != nil {
			return fmt.Errorf("writing requirements: %w", err)
		}
		return p.pip(ctx, dir, title, append(index, "-r", pinned, "-c", limits)...)
	}
	if len(r.pinned) > 0 {
		args := append(index, "--no-deps", "-r", pinned)
		if r.hashed {
			args = append(args, "--require-hashes")
		}
		if err := p.pip(ctx, dir, title, args...); err != nil {
			return err
		}
	}
	if len(r.direct) > 0 {
		return p.pip(ctx, dir, title, "--no-deps", "-r", direct)
	}
	return nil
}

// variable is the value of a build variable.
func (p *pythonProject) variable(name string) string {
	for _, kv := range p.Env {
		if v, ok := strings.CutPrefix(kv, name+"="); ok {
			return v
		}
	}
	return ""
}

// installMore adds the project itself where it has programs of its own, and the servers that the source does not name.
func (p *pythonProject) installMore(ctx context.Context, dir string) error {
	if p.project {
		if err := p.pip(ctx, dir, "uv pip install --no-deps -e .", "--no-deps", "-e", "."); err != nil {
			return err
		}
	}
	if len(p.Plan.Adds) > 0 {
		return p.pip(ctx, dir, "uv pip install "+strings.Join(p.Plan.Adds, " "), p.Plan.Adds...)
	}
	return nil
}

func (p *pythonProject) pip(ctx context.Context, dir, title string, args ...string) error {
	return p.uvDo(ctx, nil, title, append([]string{"pip", "install", "--python", filepath.Join(dir, "bin", "python")}, args...)...)
}

// requirements reads the dependency file for "uv pip install".
func (p *pythonProject) requirements(name string) (requirements, error) {
	b, err := readFile(p.file, maxLockBytes)
	if err != nil {
		return requirements{}, err
	}
	var r requirements
	switch name {
	case "poetry.lock":
		r, err = poetryLock(b, []byte(p.pyproject()))
	case "pyproject.toml":
		r, err = poetryProject(b)
	case "pdm.lock":
		r, err = pdmLock(b, []byte(p.pyproject()))
	case "Pipfile.lock":
		r, err = pipfileLock(b)
	case "Pipfile":
		r, err = pipfile(b)
	default:
		rel, err := filepath.Rel(p.app, p.file)
		if err != nil {
			return r, fmt.Errorf("finding %s: %w", name, err)
		}
		return requirements{file: rel}, p.plainText(b)
	}
	if err != nil {
		return r, &paas.Error{Kind: paas.Invalid, Msg: fmt.Sprintf("%q cannot be read: %v", name, err), Hint: "lock again with a current version of its tool and commit, or export a requirements.txt", Err: err}
	}
	return r, nil
}
