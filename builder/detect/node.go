package detect

import (
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/cloudsania/cloudsania/paas"
)

// entryFiles are tried in this order when no script and no "main" says what to start. Node runs TypeScript without
// types checking.
var entryFiles = []string{"server.js", "index.js", "app.js", "main.js", "server.mjs", "index.mjs", "app.mjs", "main.mjs", "server.cjs", "index.cjs",
	"src/server.js", "src/index.js", "src/app.js", "src/main.js", "server.ts", "index.ts", "app.ts", "main.ts", "src/server.ts", "src/index.ts", "src/app.ts", "src/main.ts"}

var nodeLanguage = language{
	name:    paas.LanguageNode,
	present: func(d *detection) bool { return d.pkg != nil },
	chosen:  func(d *detection) bool { return d.isNode(d.pkg) },
	plan:    func(d *detection) error { return d.node(d.pkg) },
}

// isNode tells a Node project from a static site that keeps a package.json for its tools.
func (d *detection) isNode(pkg *packageJSON) bool {
	return pkg.Scripts["start"] != "" || pkg.Scripts["build"] != "" || d.mainFile(pkg) != "" || findFramework(pkg, true) != nil ||
		d.procfile.Web != "" || d.settings.StartCommand != "" || d.settings.BuildCommand != "" && !d.isStatic()
}

// servesWithNode reports whether the web process of a source with several languages is Node's.
func (d *detection) servesWithNode(pkg *packageJSON) bool {
	if fw := d.framework(pkg); fw != nil && fw.serves {
		return true
	}
	s := pkg.Scripts["start"]
	return s != "" && !isDevServer(s)
}

func (d *detection) node(pkg *packageJSON) error {
	p := &d.plan
	p.Language = paas.LanguageNode
	fw := d.framework(pkg)
	if fw != nil {
		p.Framework = fw.name
		d.fact("package.json", "%s, a Node.js project", fw.name)
	} else {
		d.fact("package.json", "a Node.js project")
	}
	node := d.nodeVersion(pkg)
	if err := d.nodeManager(pkg, node); err != nil {
		return err
	}
	d.nodeBuild(pkg, fw)
	if dir, spa, ok := d.siteOf(pkg, fw); ok && !d.startsItself() {
		d.serveDir(dir, spa, p.BuildCommand != "")
		d.fact("package.json", "only files: %q is served without a container", p.Static.Dir)
		return nil
	}
	if err := d.nodeStart(pkg, fw); err != nil {
		return err
	}
	d.keepTools(pkg)
	return nil
}

// framework is the one that decides how the project is built and started. A server library that nothing starts does
// not: many a front end has one among its dependencies.
func (d *detection) framework(pkg *packageJSON) *framework {
	fw := findFramework(pkg, true)
	start := pkg.Scripts["start"]
	if fw == nil || !fw.library() || start != "" && !isDevServer(start) || d.startsItself() || d.first("server.js", "server.mjs", "index.js", "app.js", pkg.Main) != "" {
		return fw
	}
	if site := findFramework(pkg, false); site != nil {
		return site
	}
	return fw
}

// nodeBuild takes the build script, or the framework's own command when there is none.
func (d *detection) nodeBuild(pkg *packageJSON, fw *framework) {
	p := &d.plan
	switch {
	case pkg.Scripts["build"] != "":
		p.BuildCommand = p.PackageManager + " run build"
		d.fact("package.json", "build: %s (%s)", p.BuildCommand, pkg.Scripts["build"])
	case fw != nil && fw.build != "" && pkg.Scripts["start"] == "":
		p.BuildCommand = fw.build
		d.fact("package.json", "build: %s", fw.build)
	}
}

func (d *detection) nodeStart(pkg *packageJSON, fw *framework) error {
	switch {
	case d.startsItself():
		return nil
	case fw != nil && fw.script != "" && pkg.Scripts[fw.script] != "":
		d.start("package.json", scriptCommand(pkg, fw.script))
	case pkg.Scripts["start"] != "" && !isDevServer(pkg.Scripts["start"]):
		d.start("package.json", scriptCommand(pkg, "start"))
	case fw != nil && fw.start != "":
		d.start("package.json", fw.start)
	case d.mainFile(pkg) != "":
		file := d.mainFile(pkg)
		d.start(file, "node "+file)
	case pkg.Scripts["start"] != "":
		d.start("package.json", scriptCommand(pkg, "start"))
		d.warn("the start script runs a development server (%s); add a server, or let the build leave static files", pkg.Scripts["start"])
	default:
		return d.nothingToStart(pkg)
	}
	return nil
}

func (d *detection) nothingToStart(pkg *packageJSON) error {
	e := &paas.Error{Kind: paas.Invalid, Msg: "package.json does not say what to start",
		Hint: "add a \"start\" script to package.json, such as \"node server.js\", or a Procfile with a line \"web: node server.js\""}
	if pkg.workspaces || d.file("pnpm-workspace.yaml") {
		e.Msg = "this is a workspace of several packages, and its root does not say what to start"
		e.Hint = "choose the app's directory as root in its settings"
		if apps := d.find(3, func(n string) bool { return n == "package.json" }); len(apps) > 1 {
			e.Hint += ", for instance \"" + d.at(path.Dir(apps[1])) + "\""
		}
	}
	return e
}

// mainFile is "main" where it exists, else a file of a usual name.
func (d *detection) mainFile(pkg *packageJSON) string {
	if m := pkg.Main; m != "" && plainFile.MatchString(m) && fs.ValidPath(path.Clean(m)) {
		if f := d.first(path.Clean(m), path.Clean(m)+".js", path.Clean(m)+"/index.js"); f != "" {
			return f
		}
	}
	return d.first(entryFiles...)
}

// plainFile are names that need no quotes in a command.
var plainFile = regexp.MustCompile(`^[A-Za-z0-9_./@+-]+$`)

// scriptCommand is what a script of package.json runs, together with the one before it, so that no package manager
// runs beside the app.
func scriptCommand(pkg *packageJSON, name string) string {
	command := strings.TrimSpace(pkg.Scripts[name])
	if file, ok := strings.CutPrefix(command, "nodemon "); ok && plainFile.MatchString(strings.TrimSpace(file)) {
		command = "node " + strings.TrimSpace(file) // watching for changes is of no use in an image
	}
	if before := strings.TrimSpace(pkg.Scripts["pre"+name]); before != "" {
		command = before + " && " + command
	}
	return command
}

// keepTools keeps the development dependencies when a process starts one of their programs.
func (d *detection) keepTools(pkg *packageJSON) {
	commands := []string{d.plan.StartCommand, d.procfile.Web, d.procfile.Release, d.settings.StartCommand}
	for _, w := range d.procfile.Workers {
		commands = append(commands, w.Command)
	}
	for _, c := range commands {
		if tool := devTool(pkg, c, 0); tool != "" {
			d.plan.KeepDev = true
			d.warn("%q is started but is only a development dependency: these stay in the image; move it to \"dependencies\" to make the image smaller", tool)
			return
		}
	}
}

// devTool returns the development dependency that a command, or a script that it runs, uses.
func devTool(pkg *packageJSON, command string, depth int) string {
	w := words(command)
	for i, word := range w {
		word = strings.TrimPrefix(path.Base(word), "./")
		if name := packageOfProgram(word); pkg.DevDependencies[name] != "" && pkg.Dependencies[name] == "" {
			return name
		}
		if runsScripts := slices.Contains([]string{"npm", "yarn", "pnpm", "run", "start"}, word); runsScripts && depth < 3 {
			script := word
			if i+1 < len(w) && word != "start" {
				script = w[i+1]
			}
			if text := pkg.Scripts[script]; text != "" && text != command {
				if tool := devTool(pkg, text, depth+1); tool != "" {
					return tool
				}
			}
		}
	}
	if i := slices.IndexFunc(w, func(s string) bool { return s == "-r" || s == "--require" || s == "--import" || s == "--loader" }); i >= 0 && i+1 < len(w) {
		name, _, _ := strings.Cut(w[i+1], "/")
		if pkg.DevDependencies[name] != "" {
			return name
		}
	}
	return ""
}

// packageOfProgram names the package that brings a program, where the two names differ.
func packageOfProgram(program string) string {
	switch program {
	case "tsc":
		return "typescript"
	case "nest":
		return "@nestjs/cli"
	case "babel-node":
		return "@babel/node"
	case "dotenv":
		return "dotenv-cli"
	case "remix-serve":
		return "@remix-run/serve"
	case "react-router-serve":
		return "@react-router/serve"
	case "swc-node":
		return "@swc-node/register"
	case "sequelize":
		return "sequelize-cli"
	}
	return program
}
