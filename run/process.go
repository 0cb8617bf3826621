package run

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Process is a started program. Wait must be called, once.
type Process struct {
	name    string
	cmd     *exec.Cmd
	ctx     context.Context
	cancel  context.CancelFunc
	fed     chan error     // how feeding stdin ended
	stdin   io.WriteCloser // nil when there is none to feed
	tail    *tail
	limiter *limiter // nil without limits

	mu     sync.Mutex // guards the process id: once reaped, it may be another process's
	reaped bool
}

// Start starts c and returns at once. Wait tells how it ended. When ctx ends it is stopped as Run says.
func Start(ctx context.Context, c Cmd) (*Process, error) {
	if ctx.Err() != nil {
		return nil, fmt.Errorf("start %s: %w", c.Path, context.Cause(ctx))
	}
	limiter, err := openLimiter(c.Limits)
	if err != nil {
		return nil, err
	}
	p, err := start(c, limiter)
	if err != nil && limiter.refused(err) {
		p, err = start(c, limiter)
	}
	if err != nil {
		limiter.close()
		return nil, err
	}
	if c.Nice != 0 {
		_ = unix.Setpriority(unix.PRIO_PGRP, p.PID(), c.Nice) // polite, never a reason to fail
	}
	p.ctx, p.cancel = ctx, func() {}
	if c.Timeout > 0 {
		p.ctx, p.cancel = context.WithTimeout(ctx, c.Timeout)
	}
	p.feed(c.Stdin)
	return p, nil
}

// PID is the process id, which is its group's too.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Kill ends the whole process group now. Wait still has to be called.
func (p *Process) Kill() { p.signal(syscall.SIGKILL) }

// Wait returns when the program and all that it started in its group have ended; for the errors see Run.
func (p *Process) Wait() error {
	defer p.cancel()
	ended := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		p.stopWith(ended)
	}()
	// Seen as ended but not yet reaped its id is still taken: killing what it left in the group hits no other process.
	for errors.Is(unix.Waitid(unix.P_PID, p.PID(), nil, unix.WEXITED|unix.WNOWAIT, nil), unix.EINTR) {
	}
	close(ended)
	<-watched
	p.signal(syscall.SIGKILL)
	p.limiter.kill()
	p.mu.Lock()
	p.reaped = true
	p.mu.Unlock()
	err := p.cmd.Wait()
	oom := p.limiter.close()
	fed := p.finishFeeding()
	if err == nil && fed == nil {
		return nil
	}
	if p.ctx.Err() != nil {
		return fmt.Errorf("%s: %w", p.name, context.Cause(p.ctx))
	}
	return p.explain(err, fed, oom)
}

// stopWith ends the group when the context does, unless the program has ended before.
func (p *Process) stopWith(ended <-chan struct{}) {
	select {
	case <-ended:
		return
	case <-p.ctx.Done():
	}
	p.signal(syscall.SIGTERM)
	select {
	case <-ended:
	case <-time.After(termGrace):
		p.signal(syscall.SIGKILL)
		p.limiter.kill()
	}
}

func (p *Process) signal(s syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.reaped {
		_ = syscall.Kill(-p.PID(), s) // fails only when the group is gone
	}
}

// start starts the child inside its limiter. It gets its input only then, so that nothing a stranger sent is read
// outside.
func start(c Cmd, limiter *limiter) (*Process, error) {
	cmd, err := command(c)
	if err != nil {
		return nil, err
	}
	p := &Process{name: filepath.Base(cmd.Path), cmd: cmd, tail: &tail{}, limiter: limiter}
	cmd.WaitDelay = pipeGrace
	cmd.Stdout, cmd.Stderr = c.Stdout, io.Writer(p.tail)
	if c.Stderr != nil {
		cmd.Stderr = io.MultiWriter(c.Stderr, p.tail)
	}
	// The thread that starts a child is one of Go's, which end only with us: a kill -9 of ours takes the child along.
	cmd.SysProcAttr.Setpgid, cmd.SysProcAttr.Pdeathsig = true, syscall.SIGKILL
	if f, ok := c.Stdin.(*os.File); ok {
		cmd.Stdin = f
	} else if c.Stdin != nil {
		if p.stdin, err = cmd.StdinPipe(); err != nil {
			return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
		}
	}
	inside, err := limiter.begin(cmd.SysProcAttr)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	defer inside.Close()
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	if limiter.late() {
		// It has had time for its first instructions, not for children of its own.
		p.signal(syscall.SIGSTOP)
		err = limiter.admit(p.PID())
		p.signal(syscall.SIGCONT)
	}
	if err != nil {
		p.Kill()
		_ = cmd.Wait()
		return nil, fmt.Errorf("limit the resources of %s: %w", cmd.Path, err)
	}
	return p, nil
}

// feed copies r into the child's stdin, unless that is r itself.
func (p *Process) feed(r io.Reader) {
	if p.stdin == nil {
		return
	}
	p.fed = make(chan error, 1)
	go func() {
		_, err := io.Copy(p.stdin, r)
		if errors.Is(err, syscall.EPIPE) || errors.Is(err, os.ErrClosed) {
			err = nil // it did not want to read all, or has ended
		}
		_ = p.stdin.Close()
		p.fed <- err
	}()
}

// finishFeeding returns what went wrong with reading the caller's Stdin. A reader that blocks for ever, such as a
// stalled upload, is left alone after a moment: the program has ended, so nothing depends on it.
func (p *Process) finishFeeding() error {
	if p.stdin == nil {
		return nil
	}
	_ = p.stdin.Close()
	select {
	case err := <-p.fed:
		if err != nil {
			return fmt.Errorf("feed %s: %w", p.name, err)
		}
	case <-time.After(pipeGrace):
	}
	return nil
}

func (p *Process) explain(err, fed error, oom bool) error {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return errors.Join(wrap(p.name, err), fed)
	}
	e := &ExitError{Program: p.name, Code: exit.ExitCode(), Stderr: p.tail.String(), OOM: oom}
	if ws, ok := exit.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		e.Signal = ws.Signal()
	}
	return e
}

func wrap(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", name, err)
}

// ExitError tells how a program failed.
type ExitError struct {
	Program string
	Code    int            // exit code; -1 when a signal ended it
	Signal  syscall.Signal // that ended it, else 0
	Stderr  string         // the end of what it wrote there, at most 8 KiB
	OOM     bool           // it was killed for exceeding its memory limit
}

func (e *ExitError) Error() string {
	how := fmt.Sprintf("exit status %d", e.Code)
	switch {
	case e.OOM:
		how = "killed, it needed more memory than its limit"
	case e.Signal != 0:
		how = "ended by signal: " + e.Signal.String()
	}
	if last := lastLine(e.Stderr); last != "" {
		how += ": " + last
	}
	return e.Program + ": " + how
}

func lastLine(s string) string {
	b := bytes.TrimSpace([]byte(s))
	return string(b[bytes.LastIndexByte(b, '\n')+1:])
}

const maxTail = 8 << 10

// tail keeps the end of what is written to it.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if over := len(t.buf) - maxTail; over > 0 {
		t.buf = append(t.buf[:0], t.buf[over:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.ToValidUTF8(t.buf, []byte("\uFFFD")))
}
