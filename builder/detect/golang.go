package detect

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/cloudsania/cloudsania/paas"
)

var goLanguage = language{name: paas.LanguageGo, present: (*detection).isGo, plan: (*detection).golang}

func (d *detection) isGo() bool { return d.file("go.mod") }

var (
	goModule    = regexp.MustCompile(`(?m)^module\s+"?([^\s"]+)"?`)
	goDirective = regexp.MustCompile(`(?m)^go\s+(\d+\.\d+(?:\.\d+)?)`)
	goToolchain = regexp.MustCompile(`(?m)^toolchain\s+go(\d+\.\d+(?:\.\d+)?)`)
	goMajor     = regexp.MustCompile(`^v\d+$`)
	goMain      = regexp.MustCompile(`(?m)^package\s+main\b`)
	goIgnored   = regexp.MustCompile(`(?m)^//go:build\s+ignore\b`)
)

// goFrameworks are named for people; how a module is built does not depend on them.
var goFrameworks = []struct{ path, name string }{
	{"github.com/gin-gonic/gin", "Gin"}, {"github.com/labstack/echo", "Echo"}, {"github.com/gofiber/fiber", "Fiber"},
	{"github.com/go-chi/chi", "chi"}, {"github.com/gorilla/mux", "gorilla/mux"}, {"github.com/pocketbase/pocketbase", "PocketBase"},
}

func (d *detection) golang() error {
	mod, err := d.read("go.mod", maxConfigBytes)
	if err != nil {
		return err
	}
	p := &d.plan
	p.Language, p.PackageManager = paas.LanguageGo, paas.ManagerGo
	m := goModule.FindSubmatch(mod)
	if m == nil {
		return &paas.Error{
			Kind: paas.Invalid,
			Msg:  "go.mod has no module line",
			Hint: "run \"go mod init example.com/app\" and commit go.mod",
		}
	}
	d.fact("go.mod", "a Go module: %s", m[1])
	for _, f := range goFrameworks {
		if bytes.Contains(mod, []byte(f.path)) {
			p.Framework = f.name
			d.fact("go.mod", "uses %s", f.name)
			break
		}
	}
	d.goVersion(mod)
	if d.file("go.sum") {
		p.DependencyFile = d.at("go.sum")
	}
	if d.file("vendor/modules.txt") {
		p.DependencyFile = ""
		d.fact("vendor/modules.txt", "dependencies come from vendor/")
	} else if p.DependencyFile == "" && bytes.Contains(mod, []byte("require")) {
		d.warn("there is no go.sum: run \"go mod tidy\" and commit it")
	}
	if d.file("package.json") {
		d.warn("package.json is not built: commit what it makes, or build it with a build command")
	}
	return d.goCommands(string(m[1]))
}

// goVersion: go and toolchain lines are minimums, since newer toolchains build older modules.
func (d *detection) goVersion(mod []byte) {
	version := ""
	if m := goDirective.FindSubmatch(mod); m != nil {
		version = string(m[1])
	}
	if m := goToolchain.FindSubmatch(mod); m != nil {
		version = string(m[1])
	}
	if version == "" {
		d.runtime(paas.RuntimeGo, "", "")
		d.fact("", "the newest Go: go.mod asks for no version")
		return
	}
	d.runtime(paas.RuntimeGo, ">="+version, "go.mod")
	d.fact("go.mod", "Go %s or newer", version)
}

// goCommands finds the main packages: the root, or below cmd/. The web process is the only one, else the one with a
// telling name.
func (d *detection) goCommands(module string) error {
	p := &d.plan
	name := path.Base(module)
	if goMajor.MatchString(name) {
		name = path.Base(path.Dir(module))
	}
	if d.goMainIn(".") {
		if !plainFile.MatchString(name) {
			name = "app"
		}
		p.BuildCommand = `go build -trimpath -ldflags="-s -w" -o bin/` + name + " ."
		d.fact("go.mod", "build: %s", p.BuildCommand)
		d.goStart("go.mod", name)
		return nil
	}
	commands := d.goMainsBelow("cmd")
	if len(commands) == 0 {
		if dirs := d.goMainsBelow("."); len(dirs) == 1 {
			p.BuildCommand = `go build -trimpath -ldflags="-s -w" -o bin/ ./` + dirs[0]
			d.fact(dirs[0], "build: %s", p.BuildCommand)
			d.goStart(dirs[0], dirs[0])
			return nil
		}
		return &paas.Error{
			Kind: paas.Invalid,
			Msg:  "the Go module has no program to start: no \"package main\" at its root or in cmd/<name>",
			Hint: "put the program's package main at the root or in cmd/<name>, or choose its directory as root in the settings",
		}
	}
	web := chooseCommand(commands, name)
	if web == "" && !d.startsItself() {
		return &paas.Error{
			Kind: paas.Invalid,
			Msg:  fmt.Sprintf("the Go module has several programs and none is clearly the web server: %s", strings.Join(commands, ", ")),
			Hint: fmt.Sprintf("add a Procfile with a line such as \"web: bin/%s\"", commands[0]),
		}
	}
	p.BuildCommand = `go build -trimpath -ldflags="-s -w" -o bin/ ./cmd/...`
	if len(commands) == 1 {
		p.BuildCommand = `go build -trimpath -ldflags="-s -w" -o bin/ ./cmd/` + commands[0]
	}
	d.fact("cmd", "build: %s", p.BuildCommand)
	if web != "" {
		d.goStart(path.Join("cmd", web), web)
	}
	return nil
}

func (d *detection) goStart(file, name string) {
	if d.procfile.Web == "" {
		d.start(file, "bin/"+name)
	}
}

func chooseCommand(commands []string, module string) string {
	if len(commands) == 1 {
		return commands[0]
	}
	for _, usual := range []string{module, "server", "web", "api", "app", "serve", "http", "site"} {
		if slices.Contains(commands, usual) {
			return usual
		}
	}
	return ""
}

// goMainsBelow names the directories directly in dir that hold a main package.
func (d *detection) goMainsBelow(dir string) []string {
	var names []string
	for _, e := range d.list(dir) {
		if name, ok := strings.CutSuffix(e, "/"); ok && !skipped[name] && plainFile.MatchString(name) && d.goMainIn(path.Join(dir, name)) {
			if names = append(names, name); len(names) == maxProcesses {
				break
			}
		}
	}
	return names
}

func (d *detection) goMainIn(dir string) bool {
	entries, err := fs.ReadDir(d.fsys, dir)
	if err != nil {
		return false
	}
	for i, e := range entries {
		if i == maxScanFiles {
			break
		}
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") || !e.Type().IsRegular() {
			continue
		}
		if head := d.head(path.Join(dir, e.Name()), 16<<10); goMain.MatchString(head) && !goIgnored.MatchString(head) {
			return true
		}
	}
	return false
}
