package buildpack

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// key is a hash over all that decides what the virtual environment holds.
func (p *pythonProject) key() (string, error) {
	parts := append([]string{
		"venv 1",
		lineOf(p.version, 2),
		p.Plan.DependencyFile,
		fmt.Sprint(p.project),
	}, p.Plan.Adds...)
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
	files := []string{
		"pyproject.toml", "uv.lock", "uv.toml", "poetry.lock", "pdm.lock", "pylock.toml", "Pipfile", "Pipfile.lock",
		"setup.py", "setup.cfg", "constraints.txt", ".python-version",
	}
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

// buildVenv is a virtual environment on the cache volume, for build commands of releases that take theirs from the
// last one.
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
