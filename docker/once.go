package docker

import (
	"context"
	"fmt"
	"io"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/cloudsania/cloudsania/paas"
)

// RunOnce runs a command to its end in a new container with all the defaults of Create, passes what it writes on to
// out, removes the container and returns its exit code. A code other than 0 is no error; a command killed for want of
// memory is one, of kind Failed. When ctx ends the command is killed. The container is of KindRun and never restarted,
// whatever s says.
func (e *Engine) RunOnce(ctx context.Context, s Spec, out io.Writer) (exitCode int, err error) {
	s.Kind, s.Restart = KindRun, false
	id, err := e.Create(ctx, s)
	if err != nil {
		return 0, err
	}
	defer e.discard(ctx, id)
	code, err := e.finish(ctx, id, out)
	if err != nil {
		return 0, err
	}
	st, err := e.Inspect(ctx, id)
	if err != nil {
		return 0, err
	}
	if st.OOMKilled && code != 0 { // it may get over the loss of a child
		mb := s.Limits.WithDefaults().MemoryMB
		return code, &paas.Error{Kind: paas.Failed, Msg: fmt.Sprintf("the command needed more than %d MB of memory", mb),
			Hint: "raise the app's memory limit and deploy again"}
	}
	return code, nil
}

// finish starts a created container, copies what it writes to out until it ends, and returns its exit code. The creator
// of the container removes it, also when ctx ends first.
func (e *Engine) finish(ctx context.Context, id string, out io.Writer) (int, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil) // ends the wait call
	att, err := e.client.ContainerAttach(ctx, id, client.ContainerAttachOptions{Stream: true, Stdout: true, Stderr: true})
	if err != nil {
		return 0, fail(ctx, err, "attach to container")
	}
	defer att.Close()
	stop := context.AfterFunc(ctx, att.Close) // a hijacked connection knows no context
	defer stop()
	copied := make(chan struct{})
	go func() {
		defer close(copied)
		if _, err := stdcopy.StdCopy(out, out, att.Reader); err != nil {
			cancel(fmt.Errorf("pass output on: %w", err)) // the command would wait for ever for a reader
		}
	}()
	wait := e.client.ContainerWait(ctx, id, client.ContainerWaitOptions{Condition: container.WaitConditionNextExit})
	_, err = e.client.ContainerStart(ctx, id, client.ContainerStartOptions{})
	if err = startFailure(ctx, err); err != nil {
		att.Close()
		<-copied
		return 0, err
	}
	code, err := waited(ctx, wait)
	if err != nil {
		att.Close()
	}
	<-copied // after an ordinary end the engine closes the stream behind the last byte
	if err == nil && ctx.Err() != nil {
		err = fail(ctx, ctx.Err(), "wait for container")
	}
	return code, err
}

func waited(ctx context.Context, w client.ContainerWaitResult) (int, error) {
	select {
	case r := <-w.Result:
		if r.Error != nil {
			return 0, fmt.Errorf("wait for container: %s", r.Error.Message)
		}
		return int(r.StatusCode), nil
	case err := <-w.Error:
		return 0, fail(ctx, err, "wait for container")
	case <-ctx.Done():
		return 0, fail(ctx, ctx.Err(), "wait for container")
	}
}

// discard removes a container of ours whatever became of ctx.
func (e *Engine) discard(ctx context.Context, id string) {
	ctx, cancel := afterwards(ctx)
	defer cancel()
	if err := e.Remove(ctx, id); err != nil {
		e.log.Warn("container stays behind", "container", id, "err", err)
	}
}
