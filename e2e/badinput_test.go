package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What a push of broken code says. The live version is not touched by any of them.
func TestPushExplainsFailures(t *testing.T) {
	for _, tt := range []struct {
		name  string
		files map[string]string
		want  []string
	}{
		{"no recognisable language", map[string]string{"notes.txt": "hello"}, []string{"error:", "hint:"}},
		{"syntax error in package.json", map[string]string{"package.json": "{\n \"name\": \"x\",\n oops\n}"}, []string{"package.json", "line 3"}},
		{"failing build", map[string]string{"package.json": `{"packageManager":"npm@11.19.1","scripts":{"build":"node -e 'process.exit(3)'","start":"node index.js"}}`, "index.js": ""}, []string{"npm run build", "error:"}},
		{"exits at once", map[string]string{"package.json": `{"scripts":{"start":"node index.js"}}`, "index.js": "console.log('bye'); process.exit(3)"}, []string{"exit code 3", "bye"}},
		{"never listens", map[string]string{"Procfile": "web: sleep 1000"}, []string{"opened no port", "PORT"}},
		{"listens on 127.0.0.1 only", map[string]string{"package.json": `{"scripts":{"start":"node index.js"}}`,
			"index.js": "require('http').createServer((q, s) => s.end('x')).listen(process.env.PORT, '127.0.0.1')"}, []string{"127.0.0.1 only", "0.0.0.0"}},
		{"answers 500", map[string]string{"package.json": `{"scripts":{"start":"node index.js"}}`,
			"index.js": "require('http').createServer((q, s) => { s.statusCode = 500; s.end('x') }).listen(process.env.PORT)"}, []string{"answers / with 500"}},
		{"needs too much memory", map[string]string{"package.json": `{"scripts":{"start":"node index.js"}}`,
			"index.js": "const keep = []; setInterval(() => keep.push(Buffer.alloc(64 << 20, 1)), 10)"}, []string{"more memory", "512 MB"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := shared
			app := "bad-" + strings.ReplaceAll(strings.ReplaceAll(tt.name, " ", "-"), ".", "-")
			app = strings.Trim(app[:min(len(app), 32)], "-")
			w.create(t, app)
			r := w.clone(t, "node", app)
			r.push(t)
			r.git(t, "rm", "-q", "-r", ".")
			for name, content := range tt.files {
				r.write(t, name, content)
			}
			r.commit(t, tt.name)
			out := r.pushFails(t)
			for _, want := range append(tt.want, "v1 is still serving") {
				if !strings.Contains(out, want) {
					t.Errorf("the push does not say %q:\n%s", want, out)
				}
			}
			w.wantPage(t, app, "/", "hello from plain node")
			d := w.show(t, app).Deployments[0]
			if d.Status != "failed" || d.Failure == nil || d.Failure.Message == "" || d.Failure.Hint == "" {
				t.Errorf("the API says %+v, failure %+v", d, d.Failure)
			}
		})
	}
}

// An app that listens elsewhere than PORT is found by looking at which port it opened.
func TestOtherPortIsFound(t *testing.T) {
	t.Parallel()
	w := shared
	w.create(t, "elsewhere")
	r := w.empty(t, "elsewhere")
	r.write(t, "package.json", `{"scripts":{"start":"node index.js"}}`)
	r.write(t, "index.js", "require('http').createServer((q, s) => s.end('on my own port')).listen(4321)")
	r.commit(t, "own port")
	r.push(t)
	w.wantPage(t, "elsewhere", "/", "on my own port")
}

func TestGitRefusals(t *testing.T) {
	t.Parallel()
	w := shared
	w.create(t, "refuse")
	t.Run("wrong token", func(t *testing.T) {
		r := w.empty(t, "refuse")
		r.commit(t, "x")
		r.git(t, "remote", "set-url", "cloudsania", fmt.Sprintf("http://git:cs_wrong@127.0.0.1:%d/git/refuse.git", w.http))
		if out := r.pushFails(t); !strings.Contains(strings.ToLower(out), "auth") {
			t.Errorf("wrong token:\n%s", out)
		}
	})
	t.Run("empty repository", func(t *testing.T) {
		r := w.empty(t, "refuse")
		r.commit(t, "nothing in it")
		if out := r.pushFails(t); !strings.Contains(out, "error:") || !strings.Contains(out, "hint:") {
			t.Errorf("empty repository:\n%s", out)
		}
	})
	t.Run("not a commit", func(t *testing.T) {
		r := w.clone(t, "static", "refuse")
		blob := strings.TrimSpace(r.git(t, "hash-object", "-w", "index.html"))
		r.git(t, "tag", "blob", blob)
		if out, err := r.try("push", "cloudsania", "refs/tags/blob:refs/heads/main"); err == nil {
			t.Errorf("a blob was accepted as a branch:\n%s", out)
		}
	})
	t.Run("other branch is stored", func(t *testing.T) {
		r := w.clone(t, "static", "refuse")
		r.git(t, "push", "cloudsania", "main:feature")
		if code, _ := w.get(t, "refuse", "/"); code == 200 {
			t.Error("a push to another branch went live")
		}
	})
	t.Run("unknown app", func(t *testing.T) {
		var made struct{ Token string }
		w.read(t, &made, "tokens", "create", "narrow", "--app", "refuse")
		r := w.clone(t, "static", "refuse")
		r.git(t, "remote", "set-url", "cloudsania", fmt.Sprintf("http://git:%s@127.0.0.1:%d/git/unheard-of.git", made.Token, w.http))
		r.pushFails(t)
	})
}

func TestOddNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Upper", "with space", "a/b/c", "../up", "-dash", "dash-", "ünicode", "a--b", strings.Repeat("x", 64), "api", "'; rm -rf /", ""} {
		_, errs, code := shared.try("apps", "create", name)
		if code == 0 || !strings.Contains(errs, "error:") || strings.Contains(errs, "internal") {
			t.Errorf("apps create %q: exit %d %s", name, code, errs)
		}
	}
}

// Uploads: a directory and a zip through the CLI, and hostile archives.
func TestUpload(t *testing.T) {
	t.Parallel()
	w := shared
	w.create(t, "upload")
	w.cli(t, "deploy", "upload", "--dir", filepath.Join("testdata", "apps", "static"))
	w.wantPage(t, "upload", "/", "hello from a static page")
	bad := filepath.Join(t.TempDir(), "bad.zip")
	if err := os.WriteFile(bad, []byte("PK\x03\x04 not really a zip"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, errs, code := w.try("deploy", "upload", "--zip", bad); code == 0 || !strings.Contains(errs, "hint:") {
		t.Errorf("a broken zip: exit %d %s", code, errs)
	}
	w.wantPage(t, "upload", "/", "hello from a static page")
}
