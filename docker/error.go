package docker

import (
	"context"
	"errors"
	"fmt"
	"strings"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"github.com/cloudsania/cloudsania/disk"
	"github.com/cloudsania/cloudsania/paas"
)

// fail makes an error of what the engine said while we did what format tells. ctx is the caller's: its end is the
// caller's own doing and not an engine that hangs. A nil err stays nil.
func fail(ctx context.Context, err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	doing := fmt.Sprintf(format, args...)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", doing, context.Cause(ctx))
	case client.IsErrConnectionFailed(err) && strings.Contains(err.Error(), "permission denied"): // the client keeps only the words
		return &paas.Error{Kind: paas.Unavailable, Msg: "permission denied on docker's socket", Err: err,
			Hint: "run cloudsania as root, or add its user to the group \"docker\""}
	case client.IsErrConnectionFailed(err), errors.Is(err, context.DeadlineExceeded):
		return &paas.Error{Kind: paas.Unavailable, Msg: "docker does not answer", Err: fmt.Errorf("%s: %w", doing, err),
			Hint: "is it running? \"systemctl status docker\" tells, \"systemctl start docker\" starts it; apps that run go on"}
	case disk.IsFull(err):
		return &paas.Error{Kind: paas.NoSpace, Msg: "docker's disk is full", Err: fmt.Errorf("%s: %w", doing, err),
			Hint: "free some space on it; \"df -h\" shows how much is left"}
	case cerrdefs.IsNotFound(err):
		return &paas.Error{Kind: paas.NotFound, Msg: doing + ": docker does not have it", Err: err}
	case cerrdefs.IsConflict(err):
		return &paas.Error{Kind: paas.Conflict, Msg: doing + ": docker refuses, something else uses it", Err: err}
	}
	return fmt.Errorf("%s: %w", doing, err)
}
