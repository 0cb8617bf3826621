package detect

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/cloudsania/cloudsania/paas"
)

// tree makes a source of name, content, name, content…
func tree(parts ...string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for i := 0; i+1 < len(parts); i += 2 {
		fsys[parts[i]] = &fstest.MapFile{Data: []byte(parts[i+1])}
	}
	return fsys
}

// want is what a row expects of a plan; empty fields are not looked at, "-" asks for an empty one.
type want struct {
	language, framework, manager, file, install, build, start, release, static string
	runtimes                                                                   string // "node ^24, npm ^11"
	processes                                                                  string // "web, worker"
	warning                                                                    string // part of one
	noWarning                                                                  bool
}

func check(t *testing.T, plan paas.Plan, w want) {
	t.Helper()
	static := ""
	if s := plan.Static; s != nil {
		static = s.Dir
		if s.Built {
			static += " built"
		}
		if s.SPA {
			static += " spa"
		}
	}
	var runtimes, processes []string
	for _, r := range plan.Runtimes {
		runtimes = append(runtimes, strings.TrimSpace(r.Name+" "+r.Constraint))
	}
	for _, p := range plan.Processes {
		processes = append(processes, p.Type)
	}
	for _, f := range []struct{ name, got, want string }{
		{"language", plan.Language, w.language}, {"framework", plan.Framework, w.framework}, {"package manager", plan.PackageManager, w.manager},
		{"dependency file", plan.DependencyFile, w.file}, {"install", plan.Install, w.install}, {"build command", plan.BuildCommand, w.build},
		{"start command", plan.StartCommand, w.start}, {"release", plan.Release, w.release}, {"static", static, w.static},
		{"runtimes", strings.Join(runtimes, ", "), w.runtimes}, {"processes", strings.Join(processes, ", "), w.processes},
	} {
		if f.want != "" && f.got != strings.TrimPrefix(f.want, "-") {
			t.Errorf("%s = %q, want %q", f.name, f.got, f.want)
		}
	}
	if w.warning != "" && !slices.ContainsFunc(plan.Warnings, func(s string) bool { return strings.Contains(s, w.warning) }) {
		t.Errorf("no warning has %q: %q", w.warning, plan.Warnings)
	}
	if w.noWarning && len(plan.Warnings) > 0 {
		t.Errorf("warnings: %q", plan.Warnings)
	}
}

type row struct {
	name  string
	files fstest.MapFS
	want  want
}

func checkRows(t *testing.T, rows []row) {
	t.Helper()
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			plan, err := Detect(r.files, paas.BuildSettings{})
			if err != nil {
				t.Fatal(err)
			}
			check(t, plan, r.want)
			for _, f := range plan.Facts {
				if _, err := r.files.Stat(f.File); f.File != "" && err != nil {
					t.Errorf("the fact %q cites %q, which is not in the source", f.Text, f.File)
				}
			}
		})
	}
}

func TestDetectOtherLanguages(t *testing.T) {
	checkRows(t, []row{
		{"static page", tree("index.html", "<p>hi", "style.css", ""), want{language: "static", static: ".", start: "-", processes: "-", noWarning: true}},
		{"static site in public", tree("public/index.html", "<p>hi", "README.md", ""), want{language: "static", static: "public"}},
		{"finished bundle", tree("dist/index.html", "<p>hi"), want{static: "dist"}},
		{"single-page site by _redirects", tree("index.html", "", "_redirects", "/*    /index.html   200\n"), want{static: ". spa"}},
		{"package.json for tools only", tree("index.html", "", "package.json", `{"devDependencies":{"prettier":"3"}}`), want{language: "static", static: "."}},
		{"secrets among the files", tree("index.html", "", ".env", "A=1"), want{warning: ".env is among the files"}},
		{"procfile alone", tree("Procfile", "web: ./server\nworker: ./work\nrelease: ./migrate", "server", ""), want{language: "procfile", start: "./server", processes: "web, worker", release: "./migrate"}},
		{"procfile without web", tree("Procfile", "worker: ./work", "work", ""), want{language: "procfile", start: "-", processes: "worker", warning: "no web line"}},
		{"procfile over a static site", tree("Procfile", "web: python3 -m http.server $PORT", "index.html", ""), want{start: "python3 -m http.server $PORT", static: "-", processes: "web"}},

		{"go at the root", tree("go.mod", "module example.com/hello\n\ngo 1.25\n", "main.go", "package main\n"),
			want{language: "go", manager: "go", start: "bin/hello", build: `go build -trimpath -ldflags="-s -w" -o bin/hello .`, runtimes: "go >=1.25", noWarning: true}},
		{"go with a major version", tree("go.mod", "module example.com/hello/v2\ngo 1.24.1\ntoolchain go1.24.3\n", "main.go", "package main\n"), want{start: "bin/hello", runtimes: "go >=1.24.3"}},
		{"go in cmd", tree("go.mod", "module x\nrequire github.com/gin-gonic/gin v1.10.0\n", "go.sum", "", "cmd/web/main.go", "package main\n", "lib.go", "package x\n"),
			want{framework: "Gin", start: "bin/web", build: `go build -trimpath -ldflags="-s -w" -o bin/ ./cmd/web`, file: "go.sum"}},
		{"go with several commands", tree("go.mod", "module x\n", "cmd/server/main.go", "package main\n", "cmd/tool/main.go", "package main\n"),
			want{start: "bin/server", build: `go build -trimpath -ldflags="-s -w" -o bin/ ./cmd/...`}},
		{"go with several commands and a procfile", tree("go.mod", "module x\n", "cmd/a/main.go", "package main\n", "cmd/b/main.go", "package main\n", "Procfile", "web: b -listen :$PORT"), want{start: "b -listen :$PORT"}},
		{"go generator is no program", tree("go.mod", "module x\n", "gen.go", "//go:build ignore\n\npackage main\n", "cmd/app/main.go", "// Command app.\npackage main\n"), want{start: "bin/app"}},
		{"go without go.sum", tree("go.mod", "module x\nrequire a.b/c v1.0.0\n", "main.go", "package main\n"), want{warning: "no go.sum"}},

		{"plain php", tree("index.php", "<?php"), want{language: "php", start: "serve-php .", install: "-", noWarning: true}},
		{"php in public", tree("public/index.php", "<?php", "src/a.php", ""), want{start: "serve-php public"}},
		{"php beside assets in public", tree("index.php", "<?php", "public/style.css", ""), want{start: "serve-php ."}},
		{"laravel", tree("composer.json", `{"require":{"php":"^8.2","laravel/framework":"^11"},"autoload":{}}`, "composer.lock", "{}", "artisan", "", "public/index.php", "<?php",
			"package.json", `{"scripts":{"build":"vite build"},"devDependencies":{"vite":"6"}}`, "package-lock.json", "{}"),
			want{language: "php", framework: "Laravel", manager: "composer", file: "composer.lock", install: "composer install --no-dev", build: "npm run build", start: "serve-php public", runtimes: "node ^24, npm ^11"}},
		{"symfony", tree("composer.json", `{"require":{"symfony/framework-bundle":"7.*"}}`, "public/index.php", ""), want{framework: "Symfony", warning: "no composer.lock"}},
		{"composer for the autoloader only", tree("composer.json", `{"autoload":{"psr-4":{"A\\":"src/"}}}`, "index.php", ""), want{install: "composer dump-autoload", noWarning: true}},
		{"old php", tree("composer.json", `{"require":{"php":"^7.4"}}`, "index.php", ""), want{warning: "PHP ^7.4"}},
		{"wordpress", tree("index.php", "", "wp-settings.php", "", "wp-includes/version.php", ""), want{framework: "WordPress", start: "serve-php ."}},
		{"heroku's php program", tree("Procfile", "web: vendor/bin/heroku-php-apache2 web/", "web/app.php", "", "composer.json", "{}"), want{language: "php", start: "serve-php web"}},
		{"one script", tree("hello.php", "<?php"), want{language: "php", start: "serve-php ."}},
	})
}

func TestPHPExtensionsBecomePackages(t *testing.T) {
	plan, err := Detect(tree("index.php", "", "composer.json", `{"require":{"ext-imagick":"*","ext-MBString":"*","ext-pdo_mysql":"*","ext-unheard":"*"}}`), paas.BuildSettings{})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(plan.Packages, "php-imagick") || !slices.Contains(plan.Packages, "php-fpm") || len(plan.Packages) != len(PHPPackages)+1 {
		t.Errorf("packages = %q", plan.Packages)
	}
	check(t, plan, want{warning: `"unheard" is not available`})
	if !slices.IsSorted(plan.Packages) {
		t.Errorf("not sorted, so that the same set has two names: %q", plan.Packages)
	}
}

func TestAptfile(t *testing.T) {
	plan, err := Detect(tree("main.py", "", "requirements.txt", "xgboost==3\n", "Aptfile", "ffmpeg # video\n\nhttp://x/y.deb\n-o=evil\n"), paas.BuildSettings{})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(plan.Packages, []string{"ffmpeg", "libgomp1"}) {
		t.Errorf("packages = %q", plan.Packages)
	}
	check(t, plan, want{warning: `"http://x/y.deb"`})
	check(t, plan, want{warning: `"-o=evil"`})
}

func TestSettingsWin(t *testing.T) {
	files := tree("backend/requirements.txt", "flask==3.1\n", "backend/app.py", "from flask import Flask\napp = Flask(__name__)\n", "backend/Procfile", "web: python app.py\nclock: python clock.py")
	plan, err := Detect(files, paas.BuildSettings{Root: "/backend/", StartCommand: "gunicorn app:app", BuildCommand: "make", HealthPath: "/up"})
	if err != nil {
		t.Fatal(err)
	}
	check(t, plan, want{language: "python", start: "gunicorn app:app", build: "make", processes: "web, clock", file: "backend/requirements.txt"})
	if plan.Root != "backend" || plan.HealthPath != "/up" {
		t.Errorf("root %q, health path %q", plan.Root, plan.HealthPath)
	}
}

func TestRootMovesStaticSites(t *testing.T) {
	plan, err := Detect(tree("site/index.html", "", "other/index.html", ""), paas.BuildSettings{Root: "site"})
	if err != nil {
		t.Fatal(err)
	}
	check(t, plan, want{static: "site"})
}

func TestErrors(t *testing.T) {
	for _, tt := range []struct {
		name, root string
		files      fstest.MapFS
		msg, hint  string
	}{
		{"empty", "", tree(), "the source is empty", "commit at least one file"},
		{"only git files", "", tree(".gitignore", "x", ".git/HEAD", ""), "the source is empty", ""},
		{"nothing known", "", tree("notes.txt", "", "data/a.csv", ""), "no recognisable language: found data/, notes.txt", "package.json (Node.js)"},
		{"in a directory", "", tree("README.md", "", "backend/package.json", "{}"), "no recognisable language", `the app seems to be in "backend"`},
		{"ruby", "", tree("Gemfile", ""), "this looks like Ruby (Gemfile)", ""},
		{"dockerfile", "", tree("Dockerfile", ""), "this looks like a Dockerfile", ""},
		{"no such root", "web", tree("index.html", ""), `no directory "web"`, "as it is in the repository"},
		{"root leads out", "../..", tree("x", ""), "no recognisable language", ""},
		{"package.json", "", tree("package.json", "{\n  \"name\": \"x\",\n  \"scripts\": {\n    \"start\": \"node x\",\n  }\n}"), `"package.json" is not valid JSON: line 5:`, "line 5"},
		{"package.json ends early", "", tree("package.json", "{\n\"name\": \"x\"\n"), `line 2: it ends too early`, ""},
		{"package.json is a list", "", tree("package.json", "[]"), `"package.json" is not a JSON object`, ""},
		{"package.json is empty", "", tree("package.json", ""), "line 1: it ends too early", ""},
		{"huge package.json", "", tree("package.json", strings.Repeat(" ", maxConfigBytes+1)), "larger than 1024 KiB", ""},
		{"composer.json", "", tree("index.php", "", "composer.json", "{\n,}"), `"composer.json" is not valid JSON: line 2`, ""},
		{"pyproject.toml", "", tree("main.py", "", "pyproject.toml", "[project]\nname = \n"), `"pyproject.toml" is not valid TOML: line 2`, ""},
		{"pyproject.toml of a wrong type", "", tree("main.py", "", "pyproject.toml", "[project]\ndependencies = 3\n"), `"pyproject.toml" has a value`, ""},
		{"nothing to start in node", "", tree("package.json", `{"dependencies":{"left-pad":"1"}}`), "does not say what to start", `"start" script`},
		{"workspace", "", tree("package.json", `{"workspaces":["apps/*"]}`, "apps/web/package.json", "{}"), "a workspace of several packages", `"apps/web"`},
		{"nothing to start in python", "", tree("requirements.txt", "requests", "lib/a.py", "", "lib/b.py", ""), "nothing says what to start", "main.py"},
		{"several go programs", "", tree("go.mod", "module x", "cmd/a/m.go", "package main", "cmd/b/m.go", "package main"), "several programs and none is clearly the web server: a, b", "web: bin/a"},
		{"go library", "", tree("go.mod", "module x", "x.go", "package x"), "no program to start", ""},
		{"go.mod without module", "", tree("go.mod", "go 1.2", "x.go", "package main"), "no module line", ""},
		{"procfile line", "", tree("Procfile", "web: a\nnonsense\n"), "line 2 of the Procfile is not of the form", ""},
		{"procfile twice", "", tree("Procfile", "web: a\n# x\nWEB: b\n"), `line 3 of the Procfile names "web" a second time`, ""},
		{"procfile empty command", "", tree("Procfile", "web:\n"), `line 1 of the Procfile has no command for "web"`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Detect(tt.files, paas.BuildSettings{Root: tt.root})
			e := paas.Public(err)
			if err == nil || e.Kind != paas.Invalid || !strings.Contains(e.Msg, tt.msg) || !strings.Contains(e.Hint, tt.hint) || e.Hint == "" {
				t.Errorf("got %v: %q, hint %q\nwant %q, hint %q", e.Kind, e.Msg, e.Hint, tt.msg, tt.hint)
			}
		})
	}
}

func TestVariables(t *testing.T) {
	plan, err := Detect(tree("index.php", "", "app.json", `{"env":{
		"API_URL":{"description":"where","value":"https://x"}, "TOKEN":{"required":false}, "SECRET":{"generator":"secret"}, "SHORT":"v", "PORT":{}, "BAD NAME":{}, "NULL":null},
		"scripts":{"postdeploy":"php seed","dokku":{"predeploy":"php migrate"}}, "healthchecks":{"web":[{"type":"startup","path":"/health"}]}}`,
		".env.example", "# the database\nDATABASE_URL=\nexport LEVEL=info\nTOKEN=\n\n# lone\n\nPLAIN=\"\"\nnonsense\nCLOUDSANIA_X=1\nSET_LATER= # here\n"), paas.BuildSettings{})
	if err != nil {
		t.Fatal(err)
	}
	want := []paas.Needed{
		{Name: "API_URL", Description: "where", Default: "https://x", File: "app.json"},
		{Name: "NULL", Required: true, File: "app.json"},
		{Name: "SECRET", Required: true, Generate: true, File: "app.json"},
		{Name: "SHORT", Default: "v", File: "app.json"},
		{Name: "TOKEN", File: "app.json"},
		{Name: "DATABASE_URL", Description: "the database", Required: true, File: ".env.example"},
		{Name: "LEVEL", File: ".env.example"},
		{Name: "PLAIN", Required: true, File: ".env.example"},
		{Name: "SET_LATER", Required: true, File: ".env.example"},
	}
	if !reflect.DeepEqual(plan.Missing, want) {
		t.Errorf("missing = %+v\nwant      %+v", plan.Missing, want)
	}
	if plan.Release != "php migrate" || plan.HealthPath != "/health" || !strings.Contains(strings.Join(plan.Warnings, "\n"), "postdeploy (php seed) is not run") {
		t.Errorf("release %q, health path %q, warnings %q", plan.Release, plan.HealthPath, plan.Warnings)
	}
}

func TestPureAndRepeatable(t *testing.T) {
	files := tree("package.json", `{"scripts":{"start":"node a.js"},"dependencies":{"express":"4","zod":"3"},"engines":{"node":">=18","npm":">=9"}}`, "package-lock.json", "{}", ".env.example", "A=\nB=\n")
	first, err := Detect(files, paas.BuildSettings{})
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		again, err := Detect(files, paas.BuildSettings{})
		if err != nil || !reflect.DeepEqual(first, again) {
			t.Fatalf("another plan for the same files: %v\n%+v\n%+v", err, first, again)
		}
	}
}

func TestEveryLanguageIsDetected(t *testing.T) {
	for _, l := range paas.Languages {
		i := slices.IndexFunc(languages, func(d language) bool { return d.name == l.Name })
		if i < 0 || languages[i].present == nil || languages[i].plan == nil {
			t.Errorf("nothing detects %s", l.Name)
		}
	}
}

// What a build does differently is told to it in fields of the plan, not in the sentences that people read.
func TestPlanInstructions(t *testing.T) {
	manage := `os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings.production")`
	for _, tt := range []struct {
		name     string
		files    fstest.MapFS
		composer paas.Composer
		settings []string
	}{
		{"composer packages", tree("index.php", "", "composer.json", `{"require":{"a/b":"1","php":"^8.1"}}`), paas.Composer{}, nil},
		{"composer autoloader", tree("index.php", "", "composer.json", `{"autoload":{"psr-4":{"A\\":"src"}}}`), paas.Composer{AutoloadOnly: true}, nil},
		{"another PHP", tree("index.php", "", "composer.json", `{"require":{"a/b":"1","php":"^7.4"}}`), paas.Composer{OtherPHP: true}, nil},
		{"split settings", tree("app/manage.py", manage, "app/shop/settings/production.py", "from .base import *", "app/shop/settings/base.py", "", "requirements.txt", "django"),
			paas.Composer{}, []string{"app/shop/settings/production.py", "app/shop/settings/base.py"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			plan, err := Detect(tt.files, paas.BuildSettings{})
			if err != nil || plan.Composer != tt.composer || !slices.Equal(plan.SettingsFiles, tt.settings) {
				t.Errorf("composer %+v, settings %q (%v)", plan.Composer, plan.SettingsFiles, err)
			}
		})
	}
}
