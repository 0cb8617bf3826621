// Package buildpack is the side of a build that runs inside the build container, as the user of the source:
// bin/detect and bin/build of a Cloud Native Buildpack (API 0.10), which are this same binary under those names. It
// follows the plan that detection made on the server: runtimes are mounted read-only, a cache volume belongs to this
// app alone, and what the app needs at run time goes into thin layers, which are neither restored nor written again
// while what they were made from is unchanged.
package buildpack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/cloudsania/cloudsania/builder/contract"
	"github.com/cloudsania/cloudsania/paas"
)

// Is reports whether the program was started as a buildpack's executable.
func Is(argv0 string) bool {
	_, ok := contract.StartedAs(argv0)
	return ok
}

// Main runs the executable that argv0 names and returns the exit code: 0, or 1 after a record of the failure. The
// source is the working directory, as the buildpack specification says.
func Main(argv0 string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	program, _ := contract.StartedAs(argv0)
	plan, err := contract.ReadPlan()
	if err == nil && program == contract.Build {
		err = start(ctx, plan)
	}
	if err != nil {
		report(os.Stderr, err)
		return 1
	}
	return 0
}

func start(ctx context.Context, plan paas.Plan) error {
	dir, err := os.Getwd()
	if err != nil {
		return fmt.Errorf("finding the source: %w", err)
	}
	layers := os.Getenv("CNB_LAYERS_DIR")
	if layers == "" && len(os.Args) > 1 {
		layers = os.Args[1] // buildpack API 0.7 and older
	}
	b, err := open(options{
		Plan:       plan,
		Source:     dir,
		Layers:     layers,
		Runtimes:   contract.RuntimesDir,
		Cache:      contract.CacheDir,
		CacheBytes: contract.CacheBytes,
		Env:        os.Environ(),
		Out:        os.Stdout,
	})
	if err != nil {
		return err
	}
	return b.run(ctx)
}

// report records the failure.
func report(w io.Writer, err error) {
	var e *paas.Error
	if !errors.As(err, &e) {
		e = &paas.Error{
			Msg:  "the build failed: " + err.Error(),
			Hint: "this is not your code's fault as far as we can tell; try again",
		}
	}
	_ = contract.Record{Kind: contract.Failure, Message: e.Msg, Hint: e.Hint}.Write(w) // the exit code tells of a closed output
}
