package detect

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// pythonFramework is one whose app object a server loads by its import path.
type pythonFramework struct {
	dep, name string
	class     string // what makes the app object
	async     bool   // ASGI, served by uvicorn; the others are WSGI, served by gunicorn
}

var pythonFrameworks = []pythonFramework{
	{"fastapi", "FastAPI", "FastAPI", true},
	{"litestar", "Litestar", "Litestar", true},
	{"quart", "Quart", "Quart", true},
	{"starlette", "Starlette", "Starlette", true},
	{"connexion", "Connexion", "(?:Async)?App|FlaskApp", true},
	{"flask", "Flask", "Flask", false},
	{"apiflask", "APIFlask", "APIFlask", false},
	{"falcon", "Falcon", "(?:App|API)", false},
	{"pyramid", "Pyramid", "make_wsgi_app", false},
}

// otherPython are named for people; their projects start a script of their own.
var otherPython = []struct{ dep, name string }{
	{"django", "Django"}, {"streamlit", "Streamlit"}, {"gradio", "Gradio"}, {"chainlit", "Chainlit"}, {"dash", "Dash"}, {"sanic", "Sanic"},
	{"aiohttp", "aiohttp"}, {"tornado", "Tornado"}, {"bottle", "Bottle"}, {"nicegui", "NiceGUI"}, {"robyn", "Robyn"}, {"python-telegram-bot", "Telegram bot"},
	{"discord-py", "Discord bot"}, {"cherrypy", "CherryPy"},
}

func (d *detection) nameFramework(deps dependencies) {
	if d.plan.Framework != "" {
		return
	}
	for _, f := range pythonFrameworks {
		if deps[f.dep] {
			d.isFramework(f.name)
			return
		}
	}
	for _, f := range otherPython {
		if deps[f.dep] {
			d.isFramework(f.name)
			return
		}
	}
}

func (d *detection) isFramework(name string) {
	d.plan.Framework = name
	file := strings.TrimPrefix(strings.TrimPrefix(d.plan.DependencyFile, d.root), "/")
	d.fact(file, "uses %s", name)
}

// add asks for a server that the source does not name.
func (d *detection) add(deps dependencies, name, requirement string) {
	if deps[name] {
		return
	}
	d.plan.Adds = append(d.plan.Adds, requirement)
	d.fact("", "%s is not among the dependencies: it is installed to serve the app", name)
}

const (
	uvicornRequirement  = "uvicorn>=0.30"
	gunicornRequirement = "gunicorn>=22"
	uvicornCommand      = "uvicorn %s --host 0.0.0.0 --port $PORT"
	gunicornCommand     = "gunicorn --bind 0.0.0.0:$PORT --workers ${WEB_CONCURRENCY:-1} --threads 8 --access-logfile - %s"
)

// gunicorn is the command for a WSGI app. A configuration file of the project's own says everything but the port.
func (d *detection) gunicorn(deps dependencies, app string) string {
	d.add(deps, "gunicorn", gunicornRequirement)
	if d.file("gunicorn.conf.py") {
		d.fact("gunicorn.conf.py", "gunicorn's settings")
		return "gunicorn --bind 0.0.0.0:$PORT " + app
	}
	return strings.Replace(gunicornCommand, "%s", app, 1)
}

// webApp finds the framework's app object in the code.
func (d *detection) webApp(deps dependencies) bool {
	for _, f := range pythonFrameworks {
		if !deps[f.dep] {
			continue
		}
		app, found := d.findApp(f.class)
		if !found {
			continue
		}
		d.isFramework(f.name)
		d.fact(app.file, "the app is %q", app.target())
		if f.async {
			d.add(deps, "uvicorn", uvicornRequirement)
			options := ""
			if app.factory {
				options += "--factory "
			}
			if app.dir != "" {
				options += "--app-dir " + app.dir + " "
			}
			d.start(app.file, strings.Replace(uvicornCommand, "%s", options+app.module+":"+app.name, 1))
			return true
		}
		target := app.target()
		if app.dir != "" {
			target = "--pythonpath " + app.dir + " " + target
		}
		d.start(app.file, d.gunicorn(deps, target))
		return true
	}
	return false
}

// appObject is where an app object, or a function that makes one, is.
type appObject struct {
	file, module, name string
	dir                string // to put on the import path, "" for the root
	factory            bool
}

func (a appObject) target() string {
	if a.factory {
		return a.module + ":'" + a.name + "()'"
	}
	return a.module + ":" + a.name
}

var usualNames = []string{"main", "app", "server", "api", "wsgi", "asgi", "application", "run", "index", "__init__"}

// findApp scans the code, the usual files first.
func (d *detection) findApp(class string) (appObject, bool) {
	files := d.find(maxScanFiles, func(n string) bool { return strings.HasSuffix(n, ".py") && n != "conftest.py" && n != "setup.py" })
	rank := func(file string) int {
		r := slices.Index(usualNames, strings.TrimSuffix(path.Base(file), ".py"))
		if r < 0 {
			r = len(usualNames)
		}
		return r + 20*strings.Count(file, "/")
	}
	slices.SortStableFunc(files, func(a, b string) int { return rank(a) - rank(b) })
	object := regexp.MustCompile(`(?m)^(\w+)(?:[ \t]*:[^=\n]+)?[ \t]*=[ \t]*(?:[\w.]+\.)?(?:` + class + `)\(`)
	factory := regexp.MustCompile(`(?m)^def (create_app|make_app|get_app|build_app|create_application|application_factory)\(([^)]*)\)`)
	makes := regexp.MustCompile(`\b(?:` + class + `)\(`)
	var made *appObject
	for _, file := range files {
		if !plainFile.MatchString(file) {
			continue
		}
		text := d.text(file)
		if m := object.FindStringSubmatch(text); m != nil {
			return d.appIn(file, text, m[1], false), true
		}
		if m := factory.FindStringSubmatch(text); m != nil && made == nil && makes.MatchString(text) && optional(m[2]) {
			a := d.appIn(file, text, m[1], true)
			made = &a
		}
	}
	if made == nil {
		return appObject{}, false
	}
	return d.appFromFactory(files, *made), true
}

// appFromFactory prefers a module such as wsgi.py that calls the factory for the server.
func (d *detection) appFromFactory(files []string, made appObject) appObject {
	called := regexp.MustCompile(`(?m)^(\w+)(?:[ \t]*:[^=\n]+)?[ \t]*=[ \t]*(?:[\w.]+\.)?` + made.name + `\(`)
	for _, file := range files {
		text := d.text(file)
		if m := called.FindStringSubmatch(text); m != nil && plainFile.MatchString(file) {
			return d.appIn(file, text, m[1], false)
		}
	}
	return made
}

// optional reports whether a function can be called without arguments.
func optional(parameters string) bool {
	for _, p := range strings.Split(parameters, ",") {
		if p = strings.TrimSpace(p); p != "" && !strings.Contains(p, "=") && !strings.HasPrefix(p, "*") {
			return false
		}
	}
	return true
}

// appIn works out the import path: from the root, or from the file's own directory when that is how the code imports
// its neighbours.
func (d *detection) appIn(file, text, name string, factory bool) appObject {
	a := appObject{file: file, module: dotted(file), name: name, factory: factory}
	top, rest, nested := strings.Cut(file, "/")
	if !nested {
		return a
	}
	if top == "src" && !d.file("src/__init__.py") {
		a.dir, a.module = "src", dotted(rest)
		return a
	}
	if dir := path.Dir(file); !d.file(path.Join(dir, "__init__.py")) && d.importsNeighbour(dir, text) {
		a.dir, a.module = dir, dotted(path.Base(file))
	}
	return a
}

var importLine = regexp.MustCompile(`(?m)^(?:from|import)\s+(\w+)`)

func (d *detection) importsNeighbour(dir, text string) bool {
	for _, m := range importLine.FindAllStringSubmatch(text, -1) {
		inDir := d.file(path.Join(dir, m[1]+".py")) || d.dir(path.Join(dir, m[1]))
		if inDir && !d.file(m[1]+".py") && !d.dir(m[1]) {
			return true
		}
	}
	return false
}

// scriptServer finds the frameworks that start a script with a program of their own.
func (d *detection) scriptServer(deps dependencies) bool {
	switch {
	case deps["streamlit"]:
		script := d.scriptUsing("streamlit", "streamlit_app.py", "app.py", "main.py", "Home.py", "home.py", "🏠_Home.py")
		if script == "" {
			return false
		}
		d.isFramework("Streamlit")
		d.plan.HealthPath = "/_stcore/health"
		d.start(script, "streamlit run "+script+" --server.port $PORT --server.address 0.0.0.0 --server.headless true --browser.gatherUsageStats false")
	case deps["gradio"] && !deps["fastapi"]:
		script := d.scriptUsing("gradio", "app.py", "main.py", "demo.py")
		if script == "" {
			return false
		}
		d.isFramework("Gradio")
		d.start(script, "GRADIO_SERVER_NAME=0.0.0.0 GRADIO_SERVER_PORT=$PORT python "+script)
	case deps["chainlit"]:
		script := d.scriptUsing("chainlit", "app.py", "main.py")
		if script == "" {
			return false
		}
		d.isFramework("Chainlit")
		d.start(script, "chainlit run "+script+" --host 0.0.0.0 --port $PORT --headless")
	case deps["dash"]:
		return d.dash(deps)
	default:
		return false
	}
	return true
}

// scriptUsing is the first usual file that imports a module, else any file at the root that does.
func (d *detection) scriptUsing(module string, usual ...string) string {
	imports := regexp.MustCompile(`(?m)^\s*(?:from|import)\s+` + module + `\b`)
	for _, name := range append(usual, d.list(".")...) {
		if strings.HasSuffix(name, ".py") && plainFile.MatchString(name) && d.file(name) && imports.MatchString(d.text(name)) {
			return name
		}
	}
	return ""
}

var dashServer = regexp.MustCompile(`(?m)^(\w+)\s*=\s*\w+\.server\b`)

func (d *detection) dash(deps dependencies) bool {
	script := d.scriptUsing("dash", "app.py", "main.py", "index.py")
	if script == "" {
		return false
	}
	m := dashServer.FindStringSubmatch(d.text(script))
	d.isFramework("Dash")
	if m == nil {
		d.start(script, "HOST=0.0.0.0 python "+script)
		d.warn("add the line \"server = app.server\" to %s, so that gunicorn can serve it", script)
		return true
	}
	d.start(script, d.gunicorn(deps, dotted(script)+":"+m[1]))
	return true
}
