// Package detect looks at a source and says what it is and how to build and start it. It reads files, runs nothing,
// and gives the same plan for the same files every time; the page before the first deploy, the CLI and the build
// itself all use that one plan.
package detect

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/cloudsania/cloudsania/builder/contract"
	"github.com/cloudsania/cloudsania/paas"
)

// Detect returns the plan for the source in fsys, corrected by settings. Commands in the plan run in the directory
// settings.Root; DependencyFile, Static.Dir and the files of facts are relative to the source itself. What is wrong
// with the source is a *paas.Error of kind Invalid that says what to do. Only regular files are read, each up to a
// limit; fsys should not let links leave the source (os.Root's file system does not). Safe for concurrent use if fsys
// is.
func Detect(fsys fs.FS, settings paas.BuildSettings) (paas.Plan, error) {
	src, err := open(fsys, settings.Root)
	if err != nil {
		return paas.Plan{}, err
	}
	d := &detection{source: src, settings: settings}
	d.plan.Root = src.root
	if err := d.run(); err != nil {
		return paas.Plan{}, err
	}
	return d.plan, nil
}

// detection is a plan in the making.
type detection struct {
	source
	settings paas.BuildSettings
	plan     paas.Plan
	procfile Procfile
	pkg      *packageJSON // nil when there is none

	pythonNames dependencies // of a Python project
}

func (d *detection) run() error {
	if err := d.readProcfile(); err != nil {
		return err
	}
	if err := d.language(); err != nil {
		return err
	}
	d.overrides()
	d.systemPackages()
	d.variables()
	return nil
}

// overrides puts what people wrote over what was found: the settings win over the Procfile, the Procfile over
// detection.
func (d *detection) overrides() {
	p, s, proc := &d.plan, d.settings, d.procfile
	if proc.Web != "" && !d.isOwnPHPServer(proc.Web) {
		p.Static = nil
		d.start("Procfile", proc.Web)
	}
	if proc.Release != "" {
		p.Release = proc.Release
		d.fact("Procfile", "before traffic: %s", proc.Release)
	}
	if s.StartCommand != "" {
		p.Static = nil
		p.StartCommand = s.StartCommand
		d.fact("", "start command from the settings: %s", s.StartCommand)
	}
	if s.BuildCommand != "" {
		p.BuildCommand = s.BuildCommand
		if p.Static != nil {
			p.Static.Built = true
		}
		d.fact("", "build command from the settings: %s", s.BuildCommand)
	}
	if s.HealthPath != "" {
		p.HealthPath = s.HealthPath
	}
	d.processes()
}

func (d *detection) processes() {
	p := &d.plan
	if p.Static != nil {
		if len(d.procfile.Workers) > 0 {
			d.warn("this is a static site, so the Procfile's other processes are not started; add a web line to run it as a server")
		}
		return
	}
	if p.StartCommand != "" {
		file := ""
		if d.procfile.Web == p.StartCommand {
			file = d.at("Procfile")
		}
		p.Processes = append(p.Processes, paas.Process{Type: contract.WebProcess, Command: p.StartCommand, File: file})
	}
	for _, w := range d.procfile.Workers {
		w.File = d.at("Procfile")
		p.Processes = append(p.Processes, w)
		d.fact("Procfile", "%s: %s", w.Type, w.Command)
	}
	if p.StartCommand == "" {
		d.warn("nothing answers web traffic: the Procfile has no web line")
	}
}

// start records the web command that a file shows.
func (d *detection) start(file, command string) {
	d.plan.StartCommand = command
	d.fact(file, "start: %s", command)
}

// serveDir makes the plan a static one. SPA is for sites whose pages are drawn by script in the browser.
func (d *detection) serveDir(dir string, spa, built bool) {
	d.plan.Static = &paas.Static{Dir: path.Join(d.root, dir), SPA: spa, Built: built}
	if d.plan.Static.Dir == "" {
		d.plan.Static.Dir = "."
	}
}

func (d *detection) fact(file, format string, args ...any) {
	if file != "" {
		file = d.at(file)
	}
	f := paas.Fact{Text: paas.Clip(fmt.Sprintf(format, args...), maxFactLength), File: file}
	if !slices.Contains(d.plan.Facts, f) {
		d.plan.Facts = append(d.plan.Facts, f)
	}
}

func (d *detection) warn(format string, args ...any) {
	d.plan.Warnings = append(d.plan.Warnings, paas.Clip(fmt.Sprintf(format, args...), maxFactLength))
}

func (d *detection) runtime(name, constraint, file string) {
	if file != "" {
		file = d.at(file)
	}
	d.plan.Runtimes = append(d.plan.Runtimes, paas.Runtime{Name: name, Constraint: constraint, File: file})
}

func (d *detection) need(n paas.Needed) {
	if slices.ContainsFunc(d.plan.Missing, func(m paas.Needed) bool { return m.Name == n.Name }) || len(d.plan.Missing) >= maxVariables {
		return
	}
	d.plan.Missing = append(d.plan.Missing, n)
}

// words splits a command where a shell would, roughly: enough to see which programs it names.
func words(command string) []string {
	return strings.FieldsFunc(command, func(r rune) bool { return strings.ContainsRune(" \t\n;&|()<>\"'`", r) })
}
