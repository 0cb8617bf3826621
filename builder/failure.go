package builder

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/cloudsania/cloudsania/disk"
	"github.com/cloudsania/cloudsania/paas"
)

// phaseError is a failure of pack that nothing has explained yet; said is what the lifecycle printed.
type phaseError struct {
	err  error
	said string
}

func (e *phaseError) Error() string { return fmt.Sprintf("%v: %s", e.err, e.said) }
func (e *phaseError) Unwrap() error { return e.err }

func outOfMemory(phase string, memoryMB int, err error) error {
	msg := fmt.Sprintf("the build needed more than %d MB of memory", memoryMB)
	if phase != "builder" && phase != "detector" {
		msg = fmt.Sprintf("storing the image needed more than %d MB of memory", memoryMB)
	}
	return &paas.Error{
		Kind: paas.Failed,
		Msg:  msg,
		Hint: "free memory on the server, add swap or memory, or build the heavy part elsewhere and commit its result",
		Err:  err,
	}
}

// explain turns whatever ended a build into something to show.
func explain(ctx context.Context, err error) error {
	var known *paas.Error
	switch {
	case disk.IsFull(err):
		return &paas.Error{
			Kind: paas.NoSpace,
			Msg:  "the disk is full",
			Hint: "free some space on the server, then deploy again",
			Err:  err,
		}
	case errors.Is(ctx.Err(), context.Canceled):
		return &paas.Error{Kind: paas.Cancelled, Msg: "the build was cancelled", Err: err}
	case errors.Is(err, errTooLong):
		return &paas.Error{
			Kind: paas.Failed,
			Msg:  fmt.Sprintf("the build took longer than %d minutes", int(buildTimeout.Minutes())),
			Hint: "does a command wait for input or never end, such as a development server? the last lines above show where it stood",
			Err:  err,
		}
	case errors.As(err, &known):
		return err
	}
	var phase *phaseError
	if errors.As(err, &phase) {
		return phase.explain()
	}
	return err
}

var exitCode = regexp.MustCompile(`status code: (\d+)`)

// explain reads the lifecycle's exit code: its tens tell phases apart, 2 is detection and 5 the user's build.
func (e *phaseError) explain() error {
	if m := exitCode.FindStringSubmatch(e.err.Error()); m != nil && len(m[1]) == 2 {
		switch m[1][0] {
		case '2':
			return &paas.Error{Kind: paas.Failed, Msg: "the source was not recognised",
				Hint: "add one of these at the root: " + paas.LanguageManifests(), Err: e}
		case '5':
			return &paas.Error{
				Kind: paas.Failed,
				Msg:  "the build failed",
				Hint: "the last lines above have the reason",
				Err:  e,
			}
		}
	}
	if text := e.Error(); strings.Contains(text, "Cannot connect to the Docker daemon") || strings.Contains(text, "docker.sock") {
		return &paas.Error{
			Kind: paas.Unavailable,
			Msg:  "docker stopped answering during the build",
			Hint: "is docker running? deploy again when it is",
			Err:  e,
		}
	}
	return &paas.Error{
		Kind: paas.Internal,
		Msg:  "the image could not be made",
		Hint: "the server's log has the reason; try again",
		Err:  e,
	}
}
