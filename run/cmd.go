package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cloudsania/cloudsania/paas"
)

const (
	defaultMaxOutput = 16 << 20
	termGrace        = 2 * time.Second // between SIGTERM and SIGKILL
	pipeGrace        = 3 * time.Second // for pipes that something still holds when the program has ended
)

// Cmd is a program to run. Only Path is needed.
type Cmd struct {
	Path       string   // absolute, or a bare name that Look finds
	Args       []string // without the program's name
	Dir        string   // "" for ours
	Env        []string // the whole environment, NAME=value; PATH and LANG are added when missing
	Stdin      io.Reader
	Stdout     io.Writer // nil: dropped, or returned by Output
	Stderr     io.Writer // nil: dropped; its end is in ExitError either way
	Timeout    time.Duration
	MaxOutput  int64 // bytes that Output takes; 0 for 16 MiB
	Nice       int   // 0 to 19
	Limits     *Limits
	ExtraFiles []*os.File  // file descriptors 3, 4, …
	User       *Credential // nil for ours
}

// Credential is who a program runs as, with no further groups. Changing it takes root.
type Credential struct {
	UID, GID uint32
}

// Run runs c to its end. It returns an *ExitError when the program ends with another code than 0 or by a signal, and an
// error that wraps ctx's, or context.DeadlineExceeded for c.Timeout, when it was stopped: the whole process group gets
// SIGTERM, two seconds later SIGKILL.
func Run(ctx context.Context, c Cmd) error {
	p, err := Start(ctx, c)
	if err != nil {
		return err
	}
	return p.Wait()
}

// Output is Run that returns what the program wrote to stdout. More than c.MaxOutput bytes end it with an error of kind
// TooLarge.
func Output(ctx context.Context, c Cmd) ([]byte, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	limit := c.MaxOutput
	if limit <= 0 {
		limit = defaultMaxOutput
	}
	out := &capped{limit: limit, full: func() {
		cancel(&paas.Error{Kind: paas.TooLarge, Msg: fmt.Sprintf("%s wrote more than %d bytes", filepath.Base(c.Path), limit)})
	}}
	c.Stdout = out
	err := Run(ctx, c)
	return out.buf, err
}

// Detach starts c in a session of its own, where it outlives us and hears none of our signals, and returns its process
// id. Stdout and Stderr must be files or nil; Stdin, Timeout, MaxOutput and Limits do not apply.
func Detach(c Cmd) (pid int, err error) {
	if c.Stdin != nil || c.Timeout != 0 || c.Limits != nil {
		return 0, fmt.Errorf("detach %s: stdin, timeout and limits do not apply", c.Path)
	}
	for _, w := range []io.Writer{c.Stdout, c.Stderr} {
		if _, ok := w.(*os.File); w != nil && !ok {
			return 0, fmt.Errorf("detach %s: its output must go to a file", c.Path) // anything else is a pipe that ends with us
		}
	}
	cmd, err := command(c)
	if err != nil {
		return 0, err
	}
	cmd.Stdout, cmd.Stderr = c.Stdout, c.Stderr
	cmd.SysProcAttr.Setsid = true
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	go func() { _ = cmd.Wait() }() // while we live it must not stay a zombie: its pid would look alive
	if c.Nice != 0 {
		_ = unix.Setpriority(unix.PRIO_PROCESS, cmd.Process.Pid, c.Nice)
	}
	return cmd.Process.Pid, nil
}

func command(c Cmd) (*exec.Cmd, error) {
	file, err := program(c.Path)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(append(slices.Clone(c.Args), c.Env...), func(s string) bool { return strings.ContainsRune(s, 0) }) {
		return nil, errors.New("a null byte in an argument")
	}
	cmd := &exec.Cmd{
		Path:        file,
		Args:        append([]string{c.Path}, c.Args...),
		Dir:         c.Dir,
		Env:         environment(c.Env),
		ExtraFiles:  c.ExtraFiles,
		SysProcAttr: &syscall.SysProcAttr{},
	}
	if c.User != nil {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: c.User.UID, Gid: c.User.GID, NoSetGroups: os.Geteuid() != 0}
	}
	return cmd, nil
}

func environment(env []string) []string {
	env = slices.Clone(env)
	for _, kv := range []string{"PATH=" + searchPath, "LANG=C.UTF-8"} {
		name, _, _ := strings.Cut(kv, "=")
		if !slices.ContainsFunc(env, func(s string) bool { return strings.HasPrefix(s, name+"=") }) {
			env = append(env, kv)
		}
	}
	return env
}

// capped keeps what is written up to a limit, then calls full and takes no more.
type capped struct {
	buf   []byte
	limit int64
	full  func()
}

func (c *capped) Write(p []byte) (int, error) {
	if int64(len(c.buf)+len(p)) > c.limit {
		c.full()
		return 0, io.ErrShortWrite
	}
	c.buf = append(c.buf, p...)
	return len(p), nil
}
