package buildpack

import (
	"bytes"
	"errors"
	"strings"
	"syscall"
	"testing"

	"github.com/cloudsania/cloudsania/builder/contract"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/run"
)

func TestExplain(t *testing.T) {
	for _, tt := range []struct {
		name, output string
		err          run.ExitError
		msg, hint    string
	}{
		{"unknown", "boom", run.ExitError{Code: 3}, `"the command" failed with exit code 3`, "last lines"},
		{"out of memory", "", run.ExitError{Code: -1, Signal: syscall.SIGKILL}, "ran out of memory", "NODE_OPTIONS"},
		{"child out of memory", "", run.ExitError{Code: 137}, "ran out of memory", ""},
		{"node heap", "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory", run.ExitError{Code: 134}, "ran out of memory", ""},
		{"stale package-lock", "npm error code EUSAGE\nnpm error\nnpm error `npm ci` can only install packages when your package.json and package-lock.json or npm-shrinkwrap.json are in sync.", run.ExitError{Code: 1}, "package-lock.json does not match", "npm install"},
		{"stale pnpm lock", " ERR_PNPM_OUTDATED_LOCKFILE  Cannot install with \"frozen-lockfile\"", run.ExitError{Code: 1}, "pnpm-lock.yaml does not match", ""},
		{"stale yarn lock", "error Your lockfile needs to be updated, but yarn was run with `--frozen-lockfile`.", run.ExitError{Code: 1}, "yarn.lock does not match", ""},
		{"stale uv lock", "error: The lockfile at `uv.lock` needs to be updated, but `--locked` was provided.", run.ExitError{Code: 2}, "uv.lock does not match", "uv lock"},
		{"unknown package", "npm error code E404\nnpm error 404 Not Found - GET https://registry.example/@a/left-padd\nnpm error 404  The requested resource '@a/left-padd@1' could not be found or you do not have permission to access it.", run.ExitError{Code: 1}, `"@a/left-padd" does not exist in the registry`, ""},
		{"unknown package, older npm", "npm ERR! 404  'left-padd@^1.0.0' is not in this registry.", run.ExitError{Code: 1}, `"left-padd" does not exist`, ""},
		{"unknown package of pnpm", "ERR_PNPM_FETCH_404  GET https://registry.example/left-padd: Not Found - 404", run.ExitError{Code: 1}, `"left-padd" does not exist`, ""},
		{"dns", "npm error code EAI_AGAIN", run.ExitError{Code: 1}, "cannot be reached", ""},
		{"typescript, coloured", "\x1b[96msrc/a.ts\x1b[0m:1:2 - \x1b[91merror\x1b[0m TS2322: Type", run.ExitError{Code: 2}, "TypeScript found errors", ""},
		{"missing module", "Error: Cannot find module './Header'", run.ExitError{Code: 1}, `the module "./Header" cannot be found`, "upper and lower case"},
		{"bundler's missing module", "Module not found: Error: Can't resolve 'lodash' in '/workspace/src'", run.ExitError{Code: 1}, `"lodash"`, ""},
		{"missing command", "sh: 1: tsc: not found", run.ExitError{Code: 127}, `the command "tsc" is not installed`, ""},
		{"missing command in ours", "/tmp/x/build-command: line 3: hugo: command not found", run.ExitError{Code: 127}, `the command "hugo" is not installed`, ""},
		{"python conflict", "  × No solution found when resolving dependencies:\n  ╰─▶ Because a==1", run.ExitError{Code: 1}, "no set of versions", ""},
		{"python build", "  × Failed to build `psycopg2==2.9.9`", run.ExitError{Code: 1}, `"psycopg2" could not be built`, "Aptfile"},
		{"python settings", "KeyError: 'DATABASE_URL'", run.ExitError{Code: 1}, "needs the variable DATABASE_URL", "build variable"},
		{"go.sum", "main.go:3:2: missing go.sum entry for module providing package x", run.ExitError{Code: 1}, "go.sum is incomplete", "go mod tidy"},
		{"go package", "main.go:3:8: no required module provides package example.com/x; to add it:", run.ExitError{Code: 1}, `"example.com/x"`, "go get example.com/x"},
		{"composer extension", "    - a/b 1.0 requires ext-imap * -> it is missing from your system.", run.ExitError{Code: 2}, "extension ext-imap", `"ext-imap": "*"`},
		{"database", "Error: connect ECONNREFUSED 127.0.0.1:5432", run.ExitError{Code: 1}, "database on port 5432", "build variable"},
		{"disk", "write /x: no space left on device\nENOSPC: no space left", run.ExitError{Code: 1}, "disk is full", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var e *paas.Error
			if err := explain(command{title: "the command"}, &tt.err, tt.output); !errors.As(err, &e) || e.Kind != paas.Failed || !strings.Contains(e.Msg, tt.msg) || !strings.Contains(e.Hint, tt.hint) || e.Hint == "" || strings.Contains(e.Msg+e.Hint, "$") {
				t.Errorf("%q, hint %q; want %q, %q (%v)", e.Msg, e.Hint, tt.msg, tt.hint, err)
			}
		})
	}
}

// A build command that cannot be started is ours to mend: no advice about the source.
func TestExplainWhatDidNotStart(t *testing.T) {
	if err := explain(command{title: "uv"}, syscall.EACCES, ""); paas.Public(err).Kind != paas.Internal {
		t.Errorf("%v", err)
	}
}

func TestReportIsOneLine(t *testing.T) {
	for _, err := range []error{&paas.Error{Msg: "a\nb \"c\"", Hint: "d"}, errors.New("x\ny")} {
		var b bytes.Buffer
		report(&b, err)
		r, ok := contract.ParseRecord(strings.TrimSuffix(b.String(), "\n"))
		if !ok || strings.Count(b.String(), "\n") != 1 || r.Kind != contract.Failure || r.Message == "" || r.Hint == "" {
			t.Errorf("report of %v: %q", err, b.String())
		}
	}
}
