// Package buildpack is the side of a build that runs inside the build container, as the user of the source: bin/detect and bin/build
// of a Cloud Native Buildpack (API 0.10), which are this same binary under those names. It follows the plan that detection made on
// the server: runtimes are mounted read-only, a cache volume belongs to this app alone, and what the app needs at run time goes into
// thin layers, which are neither restored nor written again while what they were made from is unchanged.
package buildpack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/cloudsania/cloudsania/paas"
)

// Where things are mounted, unless the environment variables of the same meaning say otherwise.
const (
	planFile    = "/cloudsania/plan.json" // CLOUDSANIA_PLAN
	runtimesDir = "/cloudsania/runtimes"  // CLOUDSANIA_RUNTIMES: <name>-<version>/, read-only
	cacheDir    = "/cloudsania/cache"     // CLOUDSANIA_CACHE: this app's own, writable by the build's user
)

// FailurePrefix begins the last line that a failed build writes to its error output; the rest is {"message":…,"hint":…}.
const FailurePrefix = "cloudsania-failure: "

const maxPlanBytes = 4 << 20

// Is reports whether the program was started as a buildpack's executable: its name is bin/detect or bin/build.
func Is(argv0 string) bool {
	base := filepath.Base(argv0)
	return (base == "detect" || base == "build") && filepath.Base(filepath.Dir(argv0)) == "bin"
}

// Main runs the executable that argv0 names and returns the exit code: 0, or 1 after a line with FailurePrefix. The source is the
// working directory, as the buildpack specification says.
func Main(argv0 string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	plan, err := readPlan(setting("CLOUDSANIA_PLAN", planFile))
	if err == nil && filepath.Base(argv0) == "build" {
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
		Plan: plan, Source: dir, Layers: layers, Runtimes: setting("CLOUDSANIA_RUNTIMES", runtimesDir), Cache: setting("CLOUDSANIA_CACHE", cacheDir),
		Env: os.Environ(), Out: os.Stdout,
	})
	if err != nil {
		return err
	}
	return b.run(ctx)
}

func setting(name, otherwise string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return otherwise
}

func readPlan(name string) (plan paas.Plan, err error) {
	f, err := os.Open(name)
	if err != nil {
		return plan, fmt.Errorf("opening the plan: %w", err)
	}
	defer func() { _ = f.Close() }()
	if err := json.NewDecoder(io.LimitReader(f, maxPlanBytes)).Decode(&plan); err != nil {
		return plan, fmt.Errorf("reading the plan: %w", err)
	}
	return plan, nil
}

// report writes the line from which the server makes its explanation.
func report(w io.Writer, err error) {
	var e *paas.Error
	if !errors.As(err, &e) {
		e = &paas.Error{Msg: "the build failed: " + err.Error(), Hint: "this is not your code's fault as far as we can tell; try again"}
	}
	line, _ := json.Marshal(map[string]string{"message": e.Msg, "hint": e.Hint}) // strings always marshal
	_, _ = fmt.Fprintf(w, "%s%s\n", FailurePrefix, line)
}
