package buildpack

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"

	"github.com/cloudsania/cloudsania/paas"
)

// world is a build container's file system, kept between the builds of one app as the lifecycle keeps it.
type world struct {
	t                               *testing.T
	plan                            paas.Plan
	source, layers, runtimes, cache string
	log                             string // what the stand-ins for package managers were called with
	out                             bytes.Buffer
	env                             []string
}

func newWorld(t *testing.T, plan paas.Plan) *world {
	dir := t.TempDir()
	w := &world{t: t, plan: plan, source: filepath.Join(dir, "workspace"), layers: filepath.Join(dir, "layers"), runtimes: filepath.Join(dir, "runtimes"),
		cache: filepath.Join(dir, "cache"), log: filepath.Join(dir, "log")}
	for _, d := range []string{w.layers, w.cache} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	w.file(filepath.Join(w.runtimes, "node-24.1.0/bin/node"), standInNode)
	w.file(filepath.Join(w.runtimes, "npm-11.0.0/bin/npm-cli.js"), "")
	w.file(filepath.Join(w.runtimes, "npm-11.0.0/bin/npx-cli.js"), "")
	w.file(filepath.Join(w.runtimes, "uv-0.9.0/uv"), standInUV)
	w.file(filepath.Join(w.runtimes, "python-3.11.9/bin/python3.11"), "")
	w.file(filepath.Join(w.runtimes, "go-1.26.0/bin/go"), "#!/bin/sh\necho go \"$@\" >>\"$LOG\"\nmkdir -p bin && echo x >bin/app\n")
	return w
}

// standInNode is run as "node npm-cli.js arguments": it installs the words of a file "want" instead of packages.
const standInNode = `#!/bin/sh
cli=$1; shift
echo "$(basename "$cli" -cli.js) $*" >>"$LOG"
case $1 in
ci|install)
	[ $1 = ci ] && [ -e stale ] && { echo "npm error code EUSAGE: npm ci can only install packages when your package.json and package-lock.json are in sync"; exit 1; }
	[ -e fail ] && { echo "npm error code ERESOLVE"; exit 1; }
	rm -rf node_modules; mkdir -p node_modules/.bin node_modules/dep; cp package-lock.json node_modules/dep/
	case "$*" in *include=dev*) mkdir node_modules/devdep;; esac;;
prune) rm -rf node_modules/devdep;;
run) . ./build.sh;;
esac
`

const standInUV = `#!/bin/sh
echo "uv $*" >>"$LOG"
for last; do :; done
case $1 in
venv) mkdir -p "$last/bin"; echo >"$last/bin/python";;
sync) mkdir -p "$UV_PROJECT_ENVIRONMENT/bin"; echo >"$UV_PROJECT_ENVIRONMENT/bin/python";;
esac
`

func (w *world) file(name, text string) {
	w.t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o755); err != nil {
		w.t.Fatal(err)
	}
}

// build builds the files as the lifecycle does: a fresh source, layers of which only the metadata is left, an old
// cache. It returns what was called.
func (w *world) build(files ...string) (called string, err error) {
	w.t.Helper()
	for _, name := range []string{w.source, w.log} {
		if err := os.RemoveAll(name); err != nil {
			w.t.Fatal(err)
		}
	}
	entries, err := os.ReadDir(w.layers)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() {
			if err := os.RemoveAll(filepath.Join(w.layers, e.Name())); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	w.file(filepath.Join(w.source, "present"), "")
	for i := 0; i+1 < len(files); i += 2 {
		w.file(filepath.Join(w.source, files[i]), files[i+1])
	}
	w.out.Reset()
	b, err := open(options{Plan: w.plan, Source: w.source, Layers: w.layers, Runtimes: w.runtimes, Cache: w.cache,
		Env: append([]string{"LOG=" + w.log, "CNB_LAYERS_DIR=x", "CLOUDSANIA_PLAN=x"}, w.env...), Out: &w.out})
	if err != nil {
		return "", err
	}
	err = b.run(context.Background())
	text, _ := os.ReadFile(w.log) // missing when nothing was called
	return string(text), err
}

func (w *world) mustBuild(files ...string) string {
	w.t.Helper()
	called, err := w.build(files...)
	if err != nil {
		w.t.Fatalf("%v\n%s", err, w.out.String())
	}
	return called
}

// written reports whether a layer was filled anew, and fails when it would not be in the image at all.
func (w *world) written(name string) bool {
	w.t.Helper()
	var l layerTOML
	if _, err := toml.DecodeFile(filepath.Join(w.layers, name+".toml"), &l); err != nil || !l.Types.Launch || l.Types.Build || l.Types.Cache || l.Metadata["key"] == "" {
		w.t.Errorf("layer %s: %+v (%v)", name, l, err)
	}
	return exists(filepath.Join(w.layers, name))
}

type launchTOML struct {
	Processes []process
	Slices    []struct{ Paths []string }
}

func (w *world) launchTOML() (l launchTOML) {
	w.t.Helper()
	if _, err := toml.DecodeFile(filepath.Join(w.layers, "launch.toml"), &l); err != nil {
		w.t.Fatal(err)
	}
	return l
}

func (w *world) wantCalls(called string, want ...string) {
	w.t.Helper()
	if strings.TrimSpace(called) != strings.Join(want, "\n") {
		w.t.Errorf("called\n%swant\n%s", called, strings.Join(want, "\n"))
	}
}

func nodePlan(p paas.Plan) paas.Plan {
	p.Language, p.PackageManager = "node", "npm"
	if p.DependencyFile == "" {
		p.DependencyFile = "package-lock.json"
	}
	p.Runtimes = []paas.Runtime{{Name: "node", Version: "24.1.0"}, {Name: "npm", Version: "11.0.0"}}
	if p.Static == nil {
		p.Processes = append(p.Processes, paas.Process{Type: "web", Command: "node server.js"})
	}
	return p
}

func TestNodeWithoutABuild(t *testing.T) {
	w := newWorld(t, nodePlan(paas.Plan{}))
	w.wantCalls(w.mustBuild("package.json", "{}", "package-lock.json", "1", ".npmrc", "token"), "npm ci --prefer-offline --omit=dev")
	if !w.written("modules") || !w.written("0-node") || !w.written("env") || !exists(filepath.Join(w.layers, "0-node/bin/node")) || exists(filepath.Join(w.layers, "1-npm")) {
		t.Error("a layer is missing, or npm is in an image that does not call it")
	}
	for _, name := range []string{"package.json", "package-lock.json", ".npmrc"} {
		if exists(filepath.Join(w.layers, "modules", name)) {
			t.Errorf("%s is left in the layer", name)
		}
	}
	if target, err := os.Readlink(filepath.Join(w.source, "node_modules")); err != nil || target != filepath.Join(w.layers, "modules/node_modules") {
		t.Errorf("node_modules leads to %q (%v)", target, err)
	}
	l := w.launchTOML()
	if len(l.Processes) != 1 || strings.Join(l.Processes[0].Command, "|") != "bash|-c|exec node server.js" || !l.Processes[0].Default || l.Processes[0].Dir != "" {
		t.Errorf("processes %+v", l.Processes)
	}

	w.wantCalls(w.mustBuild("package.json", `{"scripts":{"test":"x"}}`, "package-lock.json", "1", ".npmrc", "token", "server.js", "changed"))
	if w.written("modules") || w.written("0-node") || w.written("env") {
		t.Error("a layer was written again though nothing in it changed")
	}
	if _, err := os.Readlink(filepath.Join(w.source, "node_modules")); err != nil {
		t.Error(err)
	}

	w.wantCalls(w.mustBuild("package.json", "{}", "package-lock.json", "2", ".npmrc", "token"), "npm ci --prefer-offline --omit=dev")
	if !w.written("modules") || w.written("0-node") {
		t.Error("another lock file must make another layer of modules, and no other of node")
	}
}

func TestNodeWithABuild(t *testing.T) {
	w := newWorld(t, nodePlan(paas.Plan{BuildCommand: "npm run build"}))
	w.env = []string{"CLOUD=1", "NAME=secret"}
	files := []string{"package.json", "{}", "package-lock.json", "1", "build.sh", `echo "$NODE_ENV $NAME ${CNB_LAYERS_DIR:-none} $CI" >built; echo $(cat schema) >node_modules/dep/generated; ls node_modules >seen; echo warm >node_modules/.cache/x`, "schema", "one"}
	all := []string{"npm ci --prefer-offline --include=dev", "npm run build", "npm prune --no-save --omit=dev --ignore-scripts"}
	w.wantCalls(w.mustBuild(files...), all...)
	built, err := os.ReadFile(filepath.Join(w.source, "built"))
	if err != nil || string(built) != "production secret none 1\n" {
		t.Errorf("the build command saw %q (%v)", built, err)
	}
	if seen, _ := os.ReadFile(filepath.Join(w.source, "seen")); string(seen) != "dep\ndevdep\n" {
		t.Errorf("the build command saw the modules %q", seen)
	}
	modules := filepath.Join(w.layers, "modules/node_modules")
	if !exists(filepath.Join(modules, "dep/generated")) || exists(filepath.Join(modules, "devdep")) || exists(filepath.Join(modules, ".cache")) || !exists(filepath.Join(w.cache, "bundler/x")) {
		t.Error("the layer must have what the build generated, without development dependencies and the bundler's cache")
	}

	w.wantCalls(w.mustBuild(append(files, "page", "changed")...), all[:2]...)
	if w.written("modules") {
		t.Error("the same modules were written again")
	}
	files[len(files)-1] = "two"
	w.wantCalls(w.mustBuild(files...), all...)
	if !w.written("modules") {
		t.Error("modules that the build changed were not written")
	}
	if b, _ := os.ReadFile(filepath.Join(w.layers, "modules/node_modules/dep/generated")); string(b) != "two\n" {
		t.Errorf("generated = %q", b)
	}
}

func TestNodeInstallScripts(t *testing.T) {
	w := newWorld(t, nodePlan(paas.Plan{}))
	files := []string{"package.json", `{"scripts":{"postinstall":"generate"}}`, "package-lock.json", "1"}
	w.wantCalls(w.mustBuild(files...), "npm ci --prefer-offline --include=dev", "npm prune --no-save --omit=dev --ignore-scripts")
	w.wantCalls(w.mustBuild(files...), "npm ci --prefer-offline --include=dev")
	if w.written("modules") {
		t.Error("the same modules were written again")
	}
}

func TestNodeKeepsDevelopmentDependencies(t *testing.T) {
	w := newWorld(t, nodePlan(paas.Plan{KeepDev: true}))
	w.wantCalls(w.mustBuild("package.json", "{}", "package-lock.json", "1"), "npm ci --prefer-offline --include=dev")
	if !exists(filepath.Join(w.layers, "modules/node_modules/devdep")) {
		t.Error("they are gone")
	}
}

func TestNodeWorkspaces(t *testing.T) {
	w := newWorld(t, nodePlan(paas.Plan{Root: "apps/web", DependencyFile: "package-lock.json"}))
	w.wantCalls(w.mustBuild("package.json", `{"workspaces":["apps/*"]}`, "package-lock.json", "1", "apps/web/package.json", "{}"),
		"npm ci --prefer-offline --include=dev", "npm prune --no-save --omit=dev --ignore-scripts")
	if info, err := os.Lstat(filepath.Join(w.source, "node_modules")); err != nil || !info.IsDir() || exists(filepath.Join(w.layers, "modules")) {
		t.Errorf("node_modules of a workspace must stay, its links are relative (%v)", err)
	}
	l := w.launchTOML()
	if len(l.Slices) != 1 || l.Processes[0].Dir != filepath.Join(w.source, "apps/web") {
		t.Errorf("launch %+v", l)
	}
}

func TestNodePackageManagerAtRunTime(t *testing.T) {
	for _, tt := range []struct {
		name, pkg, command, release, want string
		npm                               bool
	}{
		{"a script that is one program", `{"scripts":{"start":"node a.js"}}`, "npm start", "", "exec node a.js", false},
		{"run through two scripts", `{"scripts":{"prod":"npm run x","x":"A=1 node b.js"}}`, "npm run prod", "", "A=1 exec node b.js", false},
		{"pre script", `{"scripts":{"prestart":"node p.js","start":"node a.js"}}`, "npm start", "", "node p.js && node a.js", false},
		{"npm inside", `{"scripts":{"start":"npm run a && npm run b"}}`, "npm start", "", "npm run a && npm run b", true},
		{"npm's variables", `{"scripts":{"start":"echo $npm_package_version"}}`, "npm start", "", "exec npm start", true},
		{"no such script", `{}`, "npm start", "", "exec npm start", true},
		{"npx in the release command", `{}`, "node a.js", "npx prisma migrate deploy", "exec node a.js", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			plan := nodePlan(paas.Plan{Release: tt.release})
			plan.Processes[0].Command, plan.DependencyFile = tt.command, ""
			w := newWorld(t, plan)
			w.plan.DependencyFile = ""
			w.mustBuild("package.json", tt.pkg)
			if got := w.launchTOML().Processes[0].Command[2]; got != tt.want {
				t.Errorf("command %q, want %q", got, tt.want)
			}
			if exists(filepath.Join(w.layers, "1-npm/bin/npm")) != tt.npm {
				t.Errorf("npm in the image: %v", !tt.npm)
			}
		})
	}
}

func TestReleaseIsAProcess(t *testing.T) {
	w := newWorld(t, paas.Plan{Language: "procfile", Release: "./migrate", Processes: []paas.Process{{Type: "web", Command: "./web"}, {Type: "worker", Command: "./work && true"}}})
	w.mustBuild()
	var got []string
	for _, p := range w.launchTOML().Processes {
		got = append(got, p.Type+" "+p.Command[2])
	}
	if strings.Join(got, "|") != "web exec ./web|worker ./work && true|release exec ./migrate" {
		t.Errorf("processes %q", got)
	}
}

func TestBuiltSite(t *testing.T) {
	for _, tt := range []struct {
		name, dir, script string
		files             []string
		want, missing     string // files
		msg               string // of the failure
	}{
		{"where it is expected", "dist", "mkdir dist; echo x >dist/index.html", nil, "dist/index.html", "package.json", ""},
		{"deeper", "apps/web/dist", "mkdir -p apps/web/dist; echo x >apps/web/dist/index.html", []string{"apps/api/x", ""}, "apps/web/dist/index.html", "apps/api", ""},
		{"elsewhere", "dist", "mkdir -p build/static; echo x >build/index.html", nil, "dist/index.html", "build", ""},
		{"a directory of the name without a page", "dist", "mkdir -p dist/shop/browser; echo x >dist/shop/browser/index.html", nil, "dist/index.html", "dist/shop", ""},
		{"a template is no site", "build", "true", []string{"public/index.html", "template"}, "", "", `left no "build"`},
		{"files without a page", "dist", "mkdir dist; echo x >dist/feed.xml", nil, "dist/feed.xml", "package.json", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, nodePlan(paas.Plan{BuildCommand: "npm run build", Static: &paas.Static{Dir: tt.dir, Built: true}}))
			_, err := w.build(append([]string{"package.json", "{}", "package-lock.json", "1", "build.sh", tt.script}, tt.files...)...)
			if tt.msg != "" {
				if err == nil || !strings.Contains(err.Error(), tt.msg) || !paas.IsKind(err, paas.Failed) {
					t.Errorf("%v, want %q", err, tt.msg)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !exists(filepath.Join(w.source, tt.want)) || exists(filepath.Join(w.source, tt.missing)) || exists(filepath.Join(w.layers, "0-node")) {
				t.Errorf("%s must be there, %s must not, and no layer: a site needs no runtime", tt.want, tt.missing)
			}
			if l := w.launchTOML(); len(l.Processes) != 0 {
				t.Errorf("processes of a static site: %+v", l.Processes)
			}
		})
	}
}

func TestFailedInstallIsExplained(t *testing.T) {
	w := newWorld(t, nodePlan(paas.Plan{BuildCommand: "npm run build"}))
	_, err := w.build("package.json", "{}", "package-lock.json", "1", "fail", "")
	var e *paas.Error
	if !errors.As(err, &e) || !strings.Contains(e.Msg, "ERESOLVE") {
		t.Errorf("%v", err)
	}
	if out := w.out.String(); !strings.Contains(out, "$ npm ci") || !strings.Contains(out, "npm error code") || strings.Contains(out, "warning") {
		t.Errorf("the log lacks the command or its output: %q", out)
	}
}

// A lockfile that "npm ci" refuses, because it was written on another platform or package.json was edited since, is
// no reason not to deploy: "npm install" works, as it does on the developer's machine.
func TestNodeLockOutOfSync(t *testing.T) {
	w := newWorld(t, nodePlan(paas.Plan{BuildCommand: "npm run build"}))
	files := []string{"package.json", "{}", "package-lock.json", "1", "build.sh", "", "stale", ""}
	w.wantCalls(w.mustBuild(files...), "npm ci --prefer-offline --include=dev", "npm install --no-save --prefer-offline --include=dev",
		"npm run build", "npm prune --no-save --omit=dev --ignore-scripts")
	if out := w.out.String(); !strings.Contains(out, `{"kind":"warning","message":"package-lock.json does not match package.json on this platform`) {
		t.Errorf("the log does not warn: %q", out)
	}
	var e *paas.Error
	if _, err := w.build(append(files, "fail", "")...); !errors.As(err, &e) || !strings.Contains(e.Msg, "ERESOLVE") {
		t.Errorf("npm install failed too: %v, want its own reason", err)
	}
}

func TestBuildCommandIsAShellLine(t *testing.T) {
	w := newWorld(t, paas.Plan{Language: "procfile", BuildCommand: "echo one | tr o 0 > made && test -f made\nfalse | cat"})
	_, err := w.build()
	if b, _ := os.ReadFile(filepath.Join(w.source, "made")); string(b) != "0ne\n" {
		t.Errorf("made = %q", b)
	}
	if !paas.IsKind(err, paas.Failed) {
		t.Errorf("the failing pipe was passed over: %v", err)
	}
}

func TestStoppedBuild(t *testing.T) {
	w := newWorld(t, paas.Plan{Language: "procfile", BuildCommand: "sleep 60"})
	w.mustBuildDir()
	b, err := open(options{Plan: w.plan, Source: w.source, Layers: w.layers, Cache: w.cache, Out: &w.out})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := b.run(ctx); !paas.IsKind(err, paas.Cancelled) {
		t.Errorf("%v", err)
	}
}

func (w *world) mustBuildDir() {
	if err := os.MkdirAll(w.source, 0o755); err != nil {
		w.t.Fatal(err)
	}
}

func pythonPlan(p paas.Plan) paas.Plan {
	p.Language = "python"
	p.Runtimes = append([]paas.Runtime{{Name: "uv", Version: "0.9.0"}}, p.Runtimes...)
	p.Processes = []paas.Process{{Type: "web", Command: "python main.py"}}
	return p
}

func TestPythonRequirements(t *testing.T) {
	w := newWorld(t, pythonPlan(paas.Plan{PackageManager: "pip", DependencyFile: "requirements.txt", Adds: []string{"gunicorn>=22"}}))
	venv := filepath.Join(w.layers, "venv")
	w.wantCalls(w.mustBuild("requirements.txt", "flask"), "uv venv --quiet --no-project --python /usr/bin/python3 "+venv,
		"uv pip install --python "+venv+"/bin/python -r requirements.txt", "uv pip install --python "+venv+"/bin/python gunicorn>=22")
	w.wantCalls(w.mustBuild("requirements.txt", "flask", "main.py", "changed"))
	if w.written("venv") {
		t.Error("the same environment was written again")
	}
	if w.mustBuild("requirements.txt", "-r requirements/base.txt", "requirements/base.txt", "1") == "" || w.mustBuild("requirements.txt", "-r requirements/base.txt", "requirements/base.txt", "2") == "" {
		t.Error("a change of an included file was not seen")
	}
}

func TestPythonLock(t *testing.T) {
	w := newWorld(t, pythonPlan(paas.Plan{PackageManager: "uv", DependencyFile: "uv.lock"}))
	w.wantCalls(w.mustBuild("pyproject.toml", "", "uv.lock", "1"), "uv sync --locked --no-dev --python /usr/bin/python3")

	w = newWorld(t, pythonPlan(paas.Plan{PackageManager: "poetry", DependencyFile: "poetry.lock"}))
	called := w.mustBuild("pyproject.toml", "", "poetry.lock", poetry2)
	if !strings.Contains(called, "--extra-index-url https://@private.example/simple --no-deps -r ") || !strings.Contains(called, "/pinned.txt --require-hashes") || !strings.Contains(called, "/direct.txt") {
		t.Errorf("called %s", called)
	}
}

func TestPythonUnreadableLock(t *testing.T) {
	w := newWorld(t, pythonPlan(paas.Plan{PackageManager: "pipenv", DependencyFile: "Pipfile.lock"}))
	if _, err := w.build("Pipfile.lock", "{"); !paas.IsKind(err, paas.Invalid) || !strings.Contains(err.Error(), `"Pipfile.lock" cannot be read`) {
		t.Errorf("%v", err)
	}
}

// A build command needs the environment although the image takes the old one: it comes from the cache volume, made
// once.
func TestPythonBuildCommand(t *testing.T) {
	plan := paas.Plan{PackageManager: "pip", DependencyFile: "requirements.txt", BuildCommand: `echo "$VIRTUAL_ENV" "$SECRET_KEY" >>"$LOG"`, Framework: paas.FrameworkDjango, SettingsFiles: []string{"settings.py"}}
	w := newWorld(t, pythonPlan(plan))
	files := []string{"requirements.txt", "django", "settings.py", `SECRET_KEY = os.environ["SECRET_KEY"]`}
	if called := w.mustBuild(files...); !strings.HasSuffix(called, filepath.Join(w.layers, "venv")+" only-for-the-build\n") {
		t.Errorf("first: %s", called)
	}
	kept := filepath.Join(w.cache, "venv")
	if called := w.mustBuild(files...); !strings.Contains(called, "uv venv") || !strings.HasSuffix(called, kept+" only-for-the-build\n") || w.written("venv") {
		t.Errorf("second: %s", called)
	}
	w.env = []string{"SECRET_KEY=real"}
	w.wantCalls(w.mustBuild(files...), kept+" real")
}

func TestOtherPython(t *testing.T) {
	w := newWorld(t, pythonPlan(paas.Plan{Runtimes: []paas.Runtime{{Name: "python", Version: "3.11.9"}}}))
	venv := filepath.Join(w.layers, "venv")
	w.wantCalls(w.mustBuild(), "uv venv --quiet --no-project --python "+filepath.Join(w.layers, "0-python/bin/python3.11")+" "+venv)
	if !w.written("0-python") {
		t.Error("the runtime is not in the image")
	}
	w.wantCalls(w.mustBuild())
	if w.written("0-python") || w.written("venv") {
		t.Error("written again")
	}
}

func TestGo(t *testing.T) {
	w := newWorld(t, paas.Plan{Language: "go", BuildCommand: "go build -o bin/app .", Runtimes: []paas.Runtime{{Name: "go", Version: "1.26.0"}}, Processes: []paas.Process{{Type: "web", Command: "bin/app"}}})
	w.wantCalls(w.mustBuild("go.mod", ""), "go build -o bin/app .")
	if b, err := os.ReadFile(filepath.Join(w.layers, "env/env.launch/PATH.prepend")); err != nil || string(b) != filepath.Join(w.source, "bin") {
		t.Errorf("PATH %q (%v)", b, err)
	}
}

func TestPHPLayer(t *testing.T) {
	w := newWorld(t, paas.Plan{Language: "php", Framework: "Symfony", DocumentRoot: "public", Processes: []paas.Process{{Type: "web", Command: "serve-php public"}}})
	w.mustBuild("public/index.php", "", "public/old/.htaccess", "RewriteCond %{HTTPS} off\nphp_flag display_errors on\n")
	for name, want := range map[string]string{"public/.htaccess": "FallbackResource /index.php\n", "public/old/.htaccess": "RewriteCond %{ENV:EDGE_HTTPS} off\n# in .user.ini: php_flag display_errors on\n", "public/old/.user.ini": "display_errors = \"on\"\n"} {
		if b, err := os.ReadFile(filepath.Join(w.source, name)); err != nil || string(b) != want {
			t.Errorf("%s = %q (%v)", name, b, err)
		}
	}
	if info, err := os.Stat(filepath.Join(w.layers, "php/bin/serve-php")); err != nil || info.Mode()&0o111 == 0 {
		t.Errorf("serve-php: %v", err)
	}
	w.mustBuild("public/index.php", "")
	if w.written("php") {
		t.Error("the server's layer was written again")
	}
}

func TestPHPAssets(t *testing.T) {
	plan := paas.Plan{Language: "php", DocumentRoot: "public", BuildCommand: "npm run build", Assets: &paas.Assets{PackageManager: "npm", DependencyFile: "package-lock.json"},
		Runtimes: []paas.Runtime{{Name: "node", Version: "24.1.0"}, {Name: "npm", Version: "11.0.0"}}}
	w := newWorld(t, plan)
	w.wantCalls(w.mustBuild("public/index.php", "", "package.json", "{}", "package-lock.json", "1", "build.sh", "echo x >public/app.js"), "npm ci --prefer-offline --include=dev", "npm run build")
	if !exists(filepath.Join(w.source, "public/app.js")) || exists(filepath.Join(w.source, "node_modules")) {
		t.Error("the assets must be there, the modules must not")
	}
}

func TestMissingRuntimeIsOurFault(t *testing.T) {
	plan := nodePlan(paas.Plan{})
	plan.Runtimes[0].Version = "99.0.0"
	w := newWorld(t, plan)
	if _, err := w.build("package.json", "{}"); err == nil || paas.Public(err).Kind != paas.Internal {
		t.Errorf("%v", err)
	}
}

func TestUnknownRoot(t *testing.T) {
	w := newWorld(t, paas.Plan{Language: "procfile", Root: "web"})
	if _, err := w.build(); !paas.IsKind(err, paas.Invalid) {
		t.Errorf("%v", err)
	}
}

func TestEveryLanguageIsBuilt(t *testing.T) {
	for _, l := range paas.Languages {
		if languages[l.Name] == nil {
			t.Errorf("nothing builds %s", l.Name)
		}
	}
	w := newWorld(t, paas.Plan{Language: "cobol"})
	if _, err := w.build(); err == nil || paas.Public(err).Kind != paas.Internal {
		t.Errorf("an unknown language: %v", err)
	}
}
