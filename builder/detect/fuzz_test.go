package detect

import (
	"encoding/json"
	"io/fs"
	"strings"
	"testing"

	"github.com/cloudsania/cloudsania/paas"
)

func FuzzParseProcfile(f *testing.F) {
	for _, s := range []string{"web: node a.js", "web: a\r\nworker: b\nrelease: c", "# x\n\n:\nweb:", "a: b\na: c", strings.Repeat("x: y\n", 30), "web: \x00"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ParseProcfile(b)
		if err != nil {
			if e := paas.Public(err); e.Kind != paas.Invalid || e.Hint == "" {
				t.Errorf("an error without a hint: %v", err)
			}
			return
		}
		for _, w := range append(p.Workers, paas.Process{Type: "web", Command: p.Web}, paas.Process{Type: "release", Command: p.Release}) {
			if strings.ContainsAny(w.Command, "\n\x00") || len(w.Command) > maxCommandLength || w.Type == "" {
				t.Errorf("process %+v", w)
			}
		}
	})
}

// An untrusted package.json leads to a plan or to an explained error, and no directory in it leaves the source.
func FuzzPackageJSON(f *testing.F) {
	for _, s := range []string{`{}`, `{"scripts":{"build":"vite build"},"devDependencies":{"vite":"6"}}`, `{"engines":{"node":">=18 || x"},"packageManager":"pnpm@x"}`, `{"main":"../x"}`, `[`, `{"workspaces":{}}`, `{"scripts":{"start":"npm run start"}}`} {
		f.Add([]byte(s), []byte("outDir: '../x'"))
	}
	f.Fuzz(func(t *testing.T, pkg, config []byte) {
		fuzzSource(t, tree("package.json", string(pkg), "vite.config.js", string(config), "angular.json", string(config), ".nvmrc", string(config), "server.js", ""))
	})
}

func FuzzRequirements(f *testing.F) {
	for _, s := range []string{"flask", "-r a.txt\nflask==3 \\\n --hash=x", "fastapi[standard]>=1;python_version<'3'", "\xff\xfef\x00", "-r ../../etc/passwd", "# c"} {
		f.Add([]byte(s), []byte("app = Flask(x)"))
	}
	f.Fuzz(func(t *testing.T, requirements, code []byte) {
		fuzzSource(t, tree("requirements.txt", string(requirements), "pkg/app.py", string(code), "manage.py", string(code), ".python-version", string(code), ".env.example", string(requirements), "Aptfile", string(code)))
	})
}

func FuzzManifests(f *testing.F) {
	f.Add([]byte("[project]\ndependencies=['flask']"), []byte(`{"require":{"php":"^8"}}`), []byte("module x\ngo 1.22\n"))
	f.Fuzz(func(t *testing.T, toml, composer, mod []byte) {
		fuzzSource(t, tree("pyproject.toml", string(toml), "Pipfile", string(toml), "main.py", ""))
		fuzzSource(t, tree("composer.json", string(composer), "app.json", string(composer), "index.php", ""))
		fuzzSource(t, tree("go.mod", string(mod), "main.go", "package main"))
	})
}

func fuzzSource(t *testing.T, files fs.FS) {
	plan, err := Detect(files, paas.BuildSettings{})
	if err != nil {
		if e := paas.Public(err); e.Kind != paas.Invalid || e.Msg == "" || e.Hint == "" {
			t.Errorf("an error without a hint: %v", err)
		}
		return
	}
	if s := plan.Static; s != nil && !fs.ValidPath(s.Dir) {
		t.Errorf("the site %q is outside of the source", s.Dir)
	}
	if plan.DocumentRoot != "" && !fs.ValidPath(plan.DocumentRoot) {
		t.Errorf("the document root %q is outside of the source", plan.DocumentRoot)
	}
	for _, p := range plan.Packages {
		if !packageName.MatchString(p) {
			t.Errorf("%q is no package", p)
		}
	}
	if b, err := json.Marshal(plan); err != nil || len(b) > 4<<20 {
		t.Errorf("a plan of %d bytes (%v)", len(b), err)
	}
}
