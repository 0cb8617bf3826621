package buildpack

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestExecCommand(t *testing.T) {
	for _, tt := range []struct{ name, line, want string }{
		{"program", "node server.js", "exec node server.js"},
		{"spaces around", "  bin/app  ", "exec bin/app"},
		{"variables", "uvicorn main:app --port $PORT", "exec uvicorn main:app --port $PORT"},
		{"default value", "gunicorn -w ${W:-1} app:app", "exec gunicorn -w ${W:-1} app:app"},
		{"assignments", "A=1 B=x/y python app.py", "A=1 B=x/y exec python app.py"},
		{"quoted operators", `gunicorn 'app:create_app()'`, `exec gunicorn 'app:create_app()'`},
		{"operators in double quotes", `node -e "a();b()"`, `exec node -e "a();b()"`},
		{"list", "migrate && node a.js", "migrate && node a.js"},
		{"pipe", "node a.js | tee log", "node a.js | tee log"},
		{"substitution", "app $(cat flags)", "app $(cat flags)"},
		{"substitution in quotes", `app "$(cat flags)"`, `app "$(cat flags)"`},
		{"backquotes", "app `cat flags`", "app `cat flags`"},
		{"background", "a & b", "a & b"},
		{"builtin", "cd web && node a.js", "cd web && node a.js"},
		{"builtin alone", "source env.sh", "source env.sh"},
		{"exec already", "exec node a.js", "exec node a.js"},
		{"quoted assignment", `A="x y" node a.js`, `A="x y" node a.js`},
		{"only an assignment", "A=1", "A=1"},
		{"two lines", "a\nb", "a\nb"},
	} {
		if got := execCommand(tt.line); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestEnvironmentLayer(t *testing.T) {
	dir := t.TempDir()
	l := launch{}
	l.env("PORT", "default", "8080")
	l.env("PATH", "prepend", "/a")
	l.env("PATH", "prepend", "/b")
	if err := l.writeEnv(dir); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"PORT.default": "8080", "PATH.prepend": "/a:/b", "PATH.delim": ":"} {
		if b, err := os.ReadFile(filepath.Join(dir, "env", "env.launch", name)); err != nil || string(b) != want {
			t.Errorf("%s = %q, want %q (%v)", name, b, want, err)
		}
	}
	first, err := os.ReadFile(filepath.Join(dir, "env.toml"))
	if err != nil || !strings.Contains(string(first), "launch = true") {
		t.Fatalf("env.toml: %s (%v)", first, err)
	}
	if err := os.RemoveAll(filepath.Join(dir, "env")); err != nil { // as the lifecycle leaves it before the next build
		t.Fatal(err)
	}
	if err := l.writeEnv(dir); err != nil || exists(filepath.Join(dir, "env")) {
		t.Errorf("the same environment was written again (%v)", err)
	}
	l.env("PORT", "default", "9")
	if err := l.writeEnv(dir); err != nil || !exists(filepath.Join(dir, "env", "env.launch")) {
		t.Errorf("another environment was not written (%v)", err)
	}
}

func TestKeysDoNotRunTogether(t *testing.T) {
	if keyOf("ab", "c") == keyOf("a", "bc") || keyOf("a", "") == keyOf("a") {
		t.Error("different parts have the same key")
	}
}

func TestIs(t *testing.T) {
	for name, want := range map[string]bool{"/cnb/buildpacks/x/1/bin/build": true, "/cnb/buildpacks/x/1/bin/detect": true, "bin/detect": true,
		"/usr/bin/cloudsania": false, "build": false, "./build": false, "/usr/local/bin/serve": false} {
		if Is(name) != want {
			t.Errorf("Is(%q) = %v", name, !want)
		}
	}
}
