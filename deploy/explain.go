package deploy

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/cloudsania/cloudsania/disk"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/terminal"
)

const shownLines = 30 // of output that go with a failure

// logReader reads what containers print.
type logReader interface {
	Logs(ctx context.Context, id string, opts paas.LogOptions, fn func(paas.LogLine) error) error
}

// outputError carries the app's last lines beside the reason, since its container is removed before anybody reads them.
type outputError struct {
	err   error
	lines []string
}

func (e *outputError) Error() string { return e.err.Error() }
func (e *outputError) Unwrap() error { return e.err }

// withOutput adds the instance's last output to err, and writes it to no log: sayFailure shows it.
func (d *Deployer) withOutput(ctx context.Context, inst paas.Instance, err error) error {
	if ctx.Err() != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	var lines []string
	_ = d.engine.Logs(ctx, inst.Container, paas.LogOptions{Tail: shownLines}, func(l paas.LogLine) error {
		lines = append(lines, terminal.Line(l.Text, maxLineRunes))
		return nil
	}) // without its output the reason still stands
	return &outputError{err: err, lines: lines}
}

// explain turns an error into what a person reads: what happened, what to do, the lines that show it.
func (d *Deployer) explain(j *job, err error) *paas.Failure {
	pub := paas.Public(err)
	f := &paas.Failure{Kind: pub.Kind, Step: j.dep.Step, Message: pub.Msg, Hint: pub.Hint}
	if disk.IsFull(err) {
		f.Kind, f.Message = paas.NoSpace, "the server's disk is full"
		f.Hint = "free some space and deploy again; apps that run are not affected"
	}
	var out *outputError
	switch {
	case errors.As(err, &out):
		f.Lines = out.lines
	case j.dep.Step == paas.StepBuild, j.dep.Step == paas.StepRelease:
		f.Lines = d.lastLines(j.dep.ID, j.dep.Step)
	}
	if j.dep.Step == paas.StepBuild {
		return f // the builder has explained it: what a build printed before need not be the reason
	}
	for _, k := range known {
		if m := k.pattern.FindStringSubmatch(strings.Join(f.Lines, "\n")); m != nil {
			f.Hint = fmt.Sprintf(k.hint, anys(m[1:])...)
			break
		}
	}
	return f
}

func anys(s []string) []any {
	out := make([]any, len(s))
	for i := range s {
		out[i] = s[i]
	}
	return out
}

func (d *Deployer) lastLines(id string, step paas.Step) []string {
	all, err := d.Log(id)
	if err != nil {
		return nil
	}
	var out []string
	for _, l := range all {
		if l.Step == step {
			out = append(out, terminal.Plain(l.Text))
		}
	}
	return out[max(0, len(out)-shownLines):]
}

// known are failures that apps print in words of their own, with the fix that nearly always helps. Each %s is a
// group of its pattern.
var known = []struct {
	pattern *regexp.Regexp
	hint    string
}{
	{
		regexp.MustCompile(`Cannot find module '([^'./][^']*)'`),
		`add the package %q to the dependencies in package.json`,
	},
	{
		regexp.MustCompile(`Cannot find module '([^']+)'`),
		`the file %q is not in the source: was it committed?`,
	},
	{
		regexp.MustCompile(`ModuleNotFoundError: No module named '([^']+)'`),
		`add the package that provides %q to the requirements`,
	},
	{
		regexp.MustCompile(`KeyError: '([A-Z][A-Z0-9_]+)'`),
		`set the variable %q under Variables`,
	},
	{
		regexp.MustCompile(`EADDRINUSE.*:(\d+)`),
		`port %s is already taken inside the app: start one server only, on the port in the PORT variable`,
	},
	{
		regexp.MustCompile(`JavaScript heap out of memory`),
		`the app needs more memory: raise its limit under Settings`,
	},
	{
		regexp.MustCompile(`DisallowedHost|Invalid HTTP_HOST header`),
		`add the app's address, or "*", to ALLOWED_HOSTS in the Django settings`,
	},
	{
		regexp.MustCompile(`(?i)ECONNREFUSED (?:127\.0\.0\.1|::1):(5432|3306|6379|27017)`),
		`the app looks for a database on port %s of its own container: set the variable that holds its address`,
	},
}
