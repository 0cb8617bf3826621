package buildpack

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/cloudsania/cloudsania/paas"
)

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

// installFrom installs what the dependency file names. Lock files that uv does not read are turned into requirements
// first.
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
	case name == "pyproject.toml" && p.Plan.PackageManager != paas.ManagerPoetry:
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

// installLocked installs converted requirements. What has hashes is checked against them; repositories and paths have
// none.
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
