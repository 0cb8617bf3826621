package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// command is a program in a process group of its own: a Ctrl-C at the terminal reaches us alone, and we end things in order. The
// group is asked to end when ctx does.
func command(ctx context.Context, name string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, name, args...)
	c.Env = environment(os.Environ())
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGTERM) }
	c.WaitDelay = 20 * time.Second
	return c
}

// environment leaves out what would lead the commands to another server or another repository, and proxies for our own addresses.
func environment(from []string) []string {
	var env []string
	for _, v := range from {
		name, _, _ := strings.Cut(v, "=")
		if name == "CLOUDSANIA_URL" || name == "CLOUDSANIA_TOKEN" || name == "CLOUDSANIA_CLAIM" || strings.HasPrefix(name, "GIT_DIR") || name == "GIT_WORK_TREE" || name == "GIT_INDEX_FILE" {
			continue
		}
		env = append(env, v)
	}
	return append(env, "no_proxy=127.0.0.1,localhost", "NO_PROXY=127.0.0.1,localhost")
}

// run returns standard output. The error of a failure holds the end of what was said.
func run(c *exec.Cmd) (string, error) {
	var out, errs bytes.Buffer
	if c.Stdout == nil {
		c.Stdout = &out
	}
	if c.Stderr == nil {
		c.Stderr = &errs
	}
	err := c.Run()
	if err == nil {
		return out.String(), nil
	}
	words := strings.Join(c.Args[:min(3, len(c.Args))], " ")
	return out.String(), fmt.Errorf("%s: %w\n%s", words, err, end(out.String()+errs.String()))
}

const mostSaid = 4000

// end is the last part of a text.
func end(s string) string { return s[max(0, len(s)-mostSaid):] }

// kill ends a process that does not end by itself; one that is gone is fine.
func kill(pid int) error {
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("kill process %d: %w", pid, err)
	}
	return nil
}
