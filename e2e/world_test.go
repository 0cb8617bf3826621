// Package e2e drives the real program from outside: real control and edge processes, real Docker and buildpack builds, the real git
// client, a real browser. CLOUDSANIA_TEST_E2E=1 turns it on; then a missing tool is a failure, not a reason to skip.
package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// programs under test: control and edge with the race detector, the buildpack static because it runs in another system's image.
var programs struct{ dir, cloudsania, buildpack string }

// shared is one installation for the tests that do not break it.
var shared *world

func TestMain(m *testing.M) {
	if os.Getenv("CLOUDSANIA_TEST_E2E") != "1" {
		fmt.Println("end-to-end tests are off: set CLOUDSANIA_TEST_E2E=1")
		os.Exit(0)
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "cloudsania-e2e-")
	if err != nil {
		return fatal(err)
	}
	defer os.RemoveAll(dir)
	programs.dir, programs.cloudsania, programs.buildpack = dir, filepath.Join(dir, "cloudsania"), filepath.Join(dir, "buildpack")
	var builds errgroup.Group
	builds.Go(func() error { return compile(programs.cloudsania, "1", "-race") })
	builds.Go(func() error { return compile(programs.buildpack, "0") })
	if err := builds.Wait(); err != nil {
		return fatal(err)
	}
	shared = newWorld(filepath.Join(dir, "shared"))
	defer shared.remove()
	if err := shared.start(); err != nil {
		return fatal(err)
	}
	return m.Run()
}

func fatal(err error) int {
	fmt.Fprintln(os.Stderr, "end-to-end tests cannot begin:", err)
	return 1
}

func compile(to, cgo string, flags ...string) error {
	c := exec.Command("go", append(append([]string{"build", "-o", to}, flags...), "..")...)
	c.Env = append(os.Environ(), "CGO_ENABLED="+cgo)
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, out)
	}
	return nil
}

// world is one installation: a data directory, control, and the edge that control started.
type world struct {
	data        string
	http, https int
	flags       []string
	control     *exec.Cmd
	log         *os.File

	minting sync.Mutex // held while token is made
	token   string
}

func newWorld(data string, flags ...string) *world {
	return &world{data: data, http: freePort(), https: freePort(), flags: flags}
}

func freePort() int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// start runs control and returns when it and the edge answer.
func (w *world) start() error {
	if err := os.MkdirAll(w.data, 0o711); err != nil {
		return err
	}
	log, err := os.OpenFile(w.data+".log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	args := append([]string{"serve", "--data", w.data, "--domain", "localhost", "--tls", "off", "--buildpack", programs.buildpack,
		"--http", fmt.Sprintf("127.0.0.1:%d", w.http), "--https", fmt.Sprintf("127.0.0.1:%d", w.https)}, w.flags...)
	if cache := os.Getenv("CLOUDSANIA_TEST_CACHE"); cache != "" {
		args = append(args, "--base-tree", filepath.Join(cache, "tree"))
		if err := w.shareRuntimes(filepath.Join(cache, "runtimes")); err != nil {
			return err
		}
	}
	w.control = exec.Command(programs.cloudsania, args...)
	w.control.Stdout, w.control.Stderr, w.log = log, log, log
	if err := w.control.Start(); err != nil {
		return err
	}
	for range 300 {
		if res, err := w.request("localhost", "/claim"); err == nil {
			res.Body.Close()
			if res.StatusCode < 500 { // the edge has its table, and control answers; what it says depends on whether there is an owner
				return nil
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	return fmt.Errorf("control does not answer\n%s", w.tail())
}

// shareRuntimes keeps downloaded languages between runs of the tests.
func (w *world) shareRuntimes(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := os.Symlink(dir, filepath.Join(w.data, "runtimes")); err != nil && !os.IsExist(err) {
		return err
	}
	return nil
}

// kill ends control the hard way.
func (w *world) kill() {
	_ = w.control.Process.Kill()
	_ = w.control.Wait()
	_ = w.log.Close()
}

// stop ends control as a service manager would.
func (w *world) stop() {
	_ = w.control.Process.Signal(syscall.SIGTERM)
	done := make(chan struct{})
	go func() { _ = w.control.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		_ = w.control.Process.Kill()
		<-done
	}
	_ = w.log.Close()
}

// remove takes away everything that this installation made on the machine.
func (w *world) remove() {
	w.stop()
	out, err := exec.Command(programs.cloudsania, "remove", "--purge", "--data", w.data).CombinedOutput()
	if err != nil {
		fmt.Fprintf(os.Stderr, "remove: %v\n%s", err, out)
	}
	_ = os.RemoveAll(w.data)
	_ = os.Remove(w.data + ".key")
}

func (w *world) tail() string {
	b, err := os.ReadFile(w.data + ".log")
	if err != nil {
		return err.Error()
	}
	return string(b[max(0, len(b)-6000):])
}

// request asks the edge for a page of host, as a browser would that resolves *.localhost to this machine.
func (w *world) request(host, path string) (*http.Response, error) {
	req, err := http.NewRequest(http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d%s", w.http, path), nil)
	if err != nil {
		return nil, err
	}
	req.Host = fmt.Sprintf("%s:%d", host, w.http)
	c := &http.Client{Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return c.Do(req)
}

// get is status and body of an app's page.
func (w *world) get(t *testing.T, app, path string) (int, string) {
	t.Helper()
	res, err := w.request(app+".localhost", path)
	if err != nil {
		t.Fatalf("GET %s%s: %v", app, path, err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		t.Fatalf("GET %s%s: %v", app, path, err)
	}
	return res.StatusCode, string(b)
}

// wantPage fails unless the app's page is 200 with that content.
func (w *world) wantPage(t *testing.T, app, path, want string) {
	t.Helper()
	if code, body := w.get(t, app, path); code != 200 || !strings.Contains(body, want) {
		t.Fatalf("GET %s%s = %d %q, want 200 with %q\n%s", app, path, code, clip(body), want, w.tail())
	}
}

func clip(s string) string { return s[:min(len(s), 400)] }

// try runs a command of the CLI.
func (w *world) try(args ...string) (stdout, stderr string, code int) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, programs.cloudsania, append(args, "--data", w.data)...)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	_ = c.Run()
	return out.String(), errs.String(), c.ProcessState.ExitCode()
}

// cli runs a command that must succeed and returns what it printed.
func (w *world) cli(t *testing.T, args ...string) string {
	t.Helper()
	out, errs, code := w.try(args...)
	if code != 0 {
		t.Fatalf("cloudsania %s: exit %d\n%s%s", strings.Join(args, " "), code, out, errs)
	}
	return out
}

// read runs a command with --json and decodes its answer.
func (w *world) read(t *testing.T, into any, args ...string) {
	t.Helper()
	out := w.cli(t, append(args, "--json")...)
	if err := json.Unmarshal([]byte(out), into); err != nil {
		t.Fatalf("cloudsania %s: %v in %s", strings.Join(args, " "), err, clip(out))
	}
}

// app is what `apps create` and `apps show` answer.
type app struct {
	ID, Name, URL, Git string
	Live               *struct{ Number int }
	Deployments        []struct {
		ID, Status, Step string
		Number           int
		Failure          *struct{ Message, Hint string }
	}
}

func (w *world) create(t *testing.T, name string) app {
	t.Helper()
	var a app
	w.read(t, &a, "apps", "create", name)
	if a.ID == "" || a.Name != name || a.URL == "" || a.Git == "" {
		t.Fatalf("apps create answered %+v", a)
	}
	return a
}

func (w *world) show(t *testing.T, name string) app {
	t.Helper()
	var a app
	w.read(t, &a, "apps", "show", name)
	return a
}

// credential is a token that may push to every app.
func (w *world) credential(t *testing.T) string {
	t.Helper()
	w.minting.Lock()
	defer w.minting.Unlock()
	if w.token == "" {
		var made struct{ Token string }
		w.read(t, &made, "tokens", "create", "e2e")
		w.token = made.Token
	}
	return w.token
}

// gitEnvironment makes git independent of who runs the tests.
var gitEnvironment = []string{"GIT_CONFIG_GLOBAL=/dev/null", "GIT_TERMINAL_PROMPT=0",
	"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.com", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.com"}

// repo is a working copy that pushes to an app.
type repo struct {
	dir, remote string
}

// clone makes a repository of a fixture, ready to push to app.
func (w *world) clone(t *testing.T, fixture, app string) *repo {
	t.Helper()
	r := w.empty(t, app)
	if err := os.CopyFS(r.dir, os.DirFS(filepath.Join("testdata", "apps", fixture))); err != nil {
		t.Fatal(err)
	}
	r.commit(t, "first")
	return r
}

func (w *world) empty(t *testing.T, app string) *repo {
	t.Helper()
	r := &repo{dir: t.TempDir(), remote: fmt.Sprintf("http://git:%s@127.0.0.1:%d/git/%s.git", w.credential(t), w.http, app)}
	r.git(t, "init", "-q", "-b", "main")
	r.git(t, "remote", "add", "cloudsania", r.remote)
	return r
}

func (r *repo) try(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, "git", args...)
	c.Dir = r.dir
	c.Env = append(os.Environ(), gitEnvironment...)
	out, err := c.CombinedOutput()
	return string(out), err
}

func (r *repo) git(t *testing.T, args ...string) string {
	t.Helper()
	out, err := r.try(args...)
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func (r *repo) write(t *testing.T, name, content string) {
	t.Helper()
	p := filepath.Join(r.dir, name)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (r *repo) commit(t *testing.T, message string) {
	t.Helper()
	r.git(t, "add", "-A")
	r.git(t, "commit", "-q", "--allow-empty", "-m", message)
}

// push must go live; it returns what the client printed.
func (r *repo) push(t *testing.T) string {
	t.Helper()
	return r.git(t, "push", "cloudsania", "main")
}

// pushFails must not go live; it returns what the client printed.
func (r *repo) pushFails(t *testing.T) string {
	t.Helper()
	out, err := r.try("push", "cloudsania", "main")
	if err == nil {
		t.Fatalf("git push succeeded:\n%s", out)
	}
	return out
}

// eventually waits for what happens after an answer was given, such as the end of an old instance.
func eventually(t *testing.T, within time.Duration, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("not within %s: %s", within, what)
}
