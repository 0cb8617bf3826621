package e2e

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestScripts runs the *.txtar files of this directory against the shared installation. Beside the commands of testscript they know
//
//	cloudsania ARG…                 the command line, as the machine's administrator
//	fails CODE ARG…                 the same, which must exit with CODE
//	git ARG…                        the real client; $REMOTE/NAME.git is an app's repository
//	commit MESSAGE                  everything in the working copy
//	live NAME FIXTURE               an app with the fixture as v1, and its working copy, emptied, as the current directory
//	http [-app NAME] [-H 'KEY: VALUE']… [-d FILE] CODE METHOD PATH
//	                                the API, a page of the dashboard, or with -app of an app; the body is stdout, the headers are stderr
//	capture NAME REGEXP             sets $NAME to the first group of REGEXP in stdout
//
// and $URL of the dashboard, its $ADDR, $TOKEN, which may do everything, and $PROGRAM.
func TestScripts(t *testing.T) {
	fixtures, err := filepath.Abs(filepath.Join("testdata", "apps"))
	if err != nil {
		t.Fatal(err)
	}
	shared.claim(t)
	token := shared.credential(t)
	s := script{shared, fixtures}
	testscript.Run(t, testscript.Params{
		Dir:                ".",
		RequireUniqueNames: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("URL", fmt.Sprintf("http://127.0.0.1:%d", shared.http))
			env.Setenv("PROGRAM", programs.cloudsania)
			env.Setenv("ADDR", fmt.Sprintf("127.0.0.1:%d", shared.http))
			env.Setenv("REMOTE", fmt.Sprintf("http://git:%s@127.0.0.1:%d/git", token, shared.http))
			env.Setenv("TOKEN", token)
			for _, v := range gitEnvironment {
				name, value, _ := strings.Cut(v, "=")
				env.Setenv(name, value)
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"cloudsania": s.cloudsania, "fails": s.fails, "git": s.git, "commit": s.commit, "live": s.live, "http": s.http, "capture": s.capture,
		},
	})
}

// claim makes an owner, before whom an installation shows nothing to whoever has no credential.
func (w *world) claim(t *testing.T) {
	t.Helper()
	welcome := w.cli(t, "doctor", "--welcome")
	_, link, ok := strings.Cut(welcome, "/claim/")
	if !ok {
		t.Fatalf("no claim link: %s", welcome)
	}
	body := fmt.Sprintf(`{"claim":%q,"name":"Ada","email":"ada@example.com","password":"four ordinary words do"}`, strings.Fields(link)[0])
	res, err := http.Post(fmt.Sprintf("http://127.0.0.1:%d/api/v1/claim", w.http), "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusCreated {
		t.Fatalf("the claim was answered with %s", res.Status)
	}
}

// script has the commands of scripts for one installation.
type script struct {
	world    *world
	fixtures string
}

func (s script) cloudsania(ts *testscript.TestScript, neg bool, args []string) {
	s.expect(ts, neg, ts.Exec(programs.cloudsania, append(args, "--data", s.world.data)...))
}

func (s script) git(ts *testscript.TestScript, neg bool, args []string) {
	s.expect(ts, neg, ts.Exec("git", args...))
}

func (s script) expect(ts *testscript.TestScript, neg bool, err error) {
	var exit *exec.ExitError
	switch {
	case err != nil && !errors.As(err, &exit):
		ts.Fatalf("%v", err)
	case neg && err == nil:
		ts.Fatalf("it succeeded")
	case !neg && err != nil:
		ts.Fatalf("%v", err)
	}
}

func (s script) fails(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: fails CODE ARG…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(programs.cloudsania, append(args[1:], "--data", s.world.data)...)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != want {
		ts.Fatalf("%v, want exit status %d", err, want)
	}
}

func (s script) commit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: commit MESSAGE")
	}
	ts.Check(ts.Exec("git", "add", "-A"))
	ts.Check(ts.Exec("git", "commit", "-q", "--allow-empty", "-m", args[0]))
}

func (s script) live(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: live NAME FIXTURE")
	}
	name, fixture := args[0], args[1]
	s.cloudsania(ts, false, []string{"apps", "create", name})
	ts.Check(os.CopyFS(ts.MkAbs(name), os.DirFS(filepath.Join(s.fixtures, fixture))))
	ts.Check(ts.Chdir(name))
	s.git(ts, false, []string{"init", "-q", "-b", "main"})
	s.git(ts, false, []string{"remote", "add", "cloudsania", ts.Getenv("REMOTE") + "/" + name + ".git"})
	s.commit(ts, false, []string{"first"})
	s.git(ts, false, []string{"push", "cloudsania", "main"})
	s.git(ts, false, []string{"rm", "-q", "-r", "."})
}

func (s script) http(ts *testscript.TestScript, neg bool, args []string) {
	app, body := "", ""
	header := http.Header{}
	flags := flag.NewFlagSet("http", flag.ContinueOnError)
	flags.StringVar(&app, "app", "", "")
	flags.StringVar(&body, "d", "", "")
	flags.Func("H", "", func(line string) error {
		name, value, ok := strings.Cut(line, ": ")
		if !ok {
			return errors.New("not KEY: VALUE")
		}
		header.Add(name, value)
		return nil
	})
	if err := flags.Parse(args); err != nil || neg || flags.NArg() != 3 {
		ts.Fatalf("usage: http [-app NAME] [-H 'KEY: VALUE']… [-d FILE] CODE METHOD PATH (%v)", err)
	}
	req, err := http.NewRequest(flags.Arg(1), ts.Getenv("URL")+flags.Arg(2), nil)
	ts.Check(err)
	req.Header = header
	if req.Host = fmt.Sprintf("localhost:%d", s.world.http); app != "" {
		req.Host = app + "." + req.Host
	}
	if body != "" {
		text := ts.ReadFile(body)
		req.Body, req.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
		if header.Get("Content-Type") == "" {
			header.Set("Content-Type", "application/json")
		}
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := (&http.Client{Timeout: time.Minute, CheckRedirect: stay}).Do(req)
	ts.Check(err)
	defer res.Body.Close()
	_, err = io.Copy(ts.Stdout(), io.LimitReader(res.Body, 1<<20))
	ts.Check(err)
	ts.Check(res.Header.Write(ts.Stderr()))
	if got := strconv.Itoa(res.StatusCode); got != flags.Arg(0) {
		ts.Fatalf("%s %s answered %s, want %s", req.Method, req.URL, res.Status, flags.Arg(0))
	}
}

func (s script) capture(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: capture NAME REGEXP")
	}
	pattern, err := regexp.Compile(args[1])
	ts.Check(err)
	found := pattern.FindStringSubmatch(ts.ReadFile("stdout"))
	if len(found) < 2 {
		ts.Fatalf("stdout has no group of %s", args[1])
	}
	ts.Setenv(args[0], found[1])
}
