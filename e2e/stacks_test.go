package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Every supported stack: pushed with the real git client, nothing configured, answers 200 with its own content. Fixtures pin what they
// download, so that a new release in a registry fails no test, but for three that take today's defaults on purpose:
// node the newest Node, flask the newest uv and gunicorn, go the newest Go.
func TestPushEveryStack(t *testing.T) {
	for _, tt := range []struct {
		fixture, path, want string
		also                func(t *testing.T, w *world, app string)
	}{
		{"express", "/", "hello from express", nil},
		{"node", "/", "hello from plain node", nil},
		{"fastapi", "/", "hello from fastapi", nil},
		{"flask", "/", "hello from flask", nil},
		{"django", "/", "hello from django", nil},
		{"php", "/", "hello from php, page home", htaccess},
		{"go", "/", "hello from go", nil},
		{"static", "/", "hello from a static page", notFound},
		{"vite", "/", `<div id="root">`, singlePage}, // its lockfile was written on Linux and lacks other platforms' packages
		{"procfile", "/", "hello from a procfile", worker},
	} {
		t.Run(tt.fixture, func(t *testing.T) {
			t.Parallel()
			w := shared
			name := "stack-" + tt.fixture
			w.create(t, name)
			r := w.clone(t, tt.fixture, name)
			if tt.fixture == "fastapi" {
				lock(t, r)
			}
			out := r.push(t)
			if url := w.show(t, name).URL; !strings.Contains(out, "remote: ") || !strings.Contains(out, url) {
				t.Errorf("the push does not end with the address %s:\n%s", url, out)
			}
			if warned := strings.Contains(out, "package-lock.json does not match package.json on this platform"); warned != (tt.fixture == "vite") {
				t.Errorf("warned that the lockfile is not in sync: %v\n%s", warned, out)
			}
			w.wantPage(t, name, tt.path, tt.want)
			if tt.also != nil {
				tt.also(t, w, name)
			}
		})
	}
}

// lock makes the uv.lock that the fixture cannot hold, since it names the index of the machine it was made on.
func lock(t *testing.T, r *repo) {
	t.Helper()
	tools := t.TempDir()
	if out, err := exec.Command("python3", "-m", "pip", "install", "-q", "--target", tools, "uv==0.13.9").CombinedOutput(); err != nil {
		t.Fatalf("install uv: %v\n%s", err, out)
	}
	c := exec.Command(filepath.Join(tools, "bin", "uv"), "lock", "-q")
	c.Dir, c.Env = r.dir, append(os.Environ(), "UV_CACHE_DIR="+filepath.Join(tools, "cache"))
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("uv lock: %v\n%s", err, out)
	}
	r.commit(t, "lock")
}

// htaccess does what it did in XAMPP and on shared hosting.
func htaccess(t *testing.T, w *world, app string) {
	w.wantPage(t, app, "/products/7", "page product-7")
	if code, _ := w.get(t, app, "/old-page"); code != 301 {
		t.Errorf("/old-page = %d, want the redirect of .htaccess", code)
	}
	if code, body := w.get(t, app, "/secret.txt"); code != 403 {
		t.Errorf("/secret.txt = %d %q, want 403 by .htaccess", code, clip(body))
	}
}

func notFound(t *testing.T, w *world, app string) {
	if code, _ := w.get(t, app, "/nothing-here"); code != 404 {
		t.Errorf("/nothing-here = %d, want 404", code)
	}
	if code, body := w.get(t, app, "/style.css"); code != 200 || !strings.Contains(body, "green") {
		t.Errorf("/style.css = %d %q", code, clip(body))
	}
}

func singlePage(t *testing.T, w *world, app string) {
	w.wantPage(t, app, "/some/client/route", `<div id="root">`)
	if code, _ := w.get(t, app, "/assets/missing.js"); code != 404 {
		t.Errorf("a missing asset = %d, want 404 and not the page", code)
	}
}

func worker(t *testing.T, w *world, app string) {
	if out := w.cli(t, "logs", app); !strings.Contains(out, "worker is working") {
		t.Errorf("the worker's output is not in the logs:\n%s", out)
	}
}
