package cli

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/cloudsania/cloudsania/paas"
)

// exitCodes are documented in docs/cli.md: scripts rely on them.
var exitCodes = map[paas.Kind]int{
	paas.Invalid: 2, paas.NotFound: 3, paas.Unauthenticated: 4, paas.Forbidden: 4, paas.Conflict: 5, paas.Unavailable: 6,
	paas.Failed: 7, paas.Cancelled: 8, paas.Throttled: 9, paas.TooLarge: 2, paas.NoSpace: 10,
}

// report tells the person what went wrong and returns the exit code.
func report(err error) int {
	if errors.Is(err, context.Canceled) {
		return 130 // stopped by a signal, as shells say it
	}
	var e *paas.Error
	if !errors.As(err, &e) {
		fmt.Fprintf(os.Stderr, "error: %v\n", err)
		return 1
	}
	fmt.Fprintf(os.Stderr, "error: %s\n", e.Msg)
	if e.Hint != "" {
		fmt.Fprintf(os.Stderr, "hint:  %s\n", e.Hint)
	}
	if e.Kind == paas.Internal && e.Err != nil {
		fmt.Fprintf(os.Stderr, "cause: %v\n", e.Err)
	}
	if code, ok := exitCodes[e.Kind]; ok {
		return code
	}
	return 1
}
