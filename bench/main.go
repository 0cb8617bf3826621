// Command bench measures what Cloudsania promises about speed and memory: on the real program, with real Docker, builds and git. It
// makes an installation of its own, prints one table, and takes everything away again. See README.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	os.Exit(bench(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// bench returns the exit code: 0 when all was measured and no target was exceeded; 1 otherwise; 2 for wrong flags; 130 when it was stopped.
func bench(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	opts, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(stderr, "error:", err)
		return 2
	}
	quiet := context.AfterFunc(ctx, func() { fmt.Fprintln(stderr, "stopping: what was made is being removed") })
	defer quiet()
	rep, err := measure(ctx, opts, stderr)
	if rep != nil && len(rep.Rows) > 0 {
		write := rep.markdown
		if opts.JSON {
			write = rep.json
		}
		err = errors.Join(err, write(stdout), rep.exceeded())
	}
	if err != nil { // also when it was stopped: something may be left on the machine
		fmt.Fprintln(stderr, "error:", err)
	}
	switch {
	case ctx.Err() != nil:
		return 130
	case err != nil:
		return 1
	}
	return 0
}

// measure runs the chosen scenarios. The report holds what was measured, also when there is an error; it is nil when nothing could begin.
func measure(ctx context.Context, opts options, progress io.Writer) (rep *report, err error) {
	s, err := open(ctx, opts, progress)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	rep = &report{Machine: describe(ctx, s.root), Options: opts}
	defer func() { rep.Machine.LoadAfter = loadAverage() }()
	for _, sc := range opts.chosen() {
		s.say("%s: %s", sc.name, sc.about)
		rows, err := sc.run(s, ctx)
		rep.Rows = append(rep.Rows, rows...)
		if ctx.Err() != nil {
			return rep, nil // the caller sees it, too
		}
		if err != nil {
			s.say("%s: %v", sc.name, err)
			rep.Rows = append(rep.Rows, row{What: sc.name, Verdict: notMeasured, Note: firstLine(err)})
			rep.failed = append(rep.failed, sc.name)
			_ = s.leave(ctx) // the next one begins afresh; close tells what could not be removed
		}
	}
	if len(rep.failed) > 0 {
		return rep, fmt.Errorf("could not be measured: %v", rep.failed)
	}
	return rep, nil
}
