package buildpack

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/run"
)

// command is a program that a build runs. Its output is shown under a line with its title.
type command struct {
	title string // as a person would type it
	path  string // absolute
	args  []string
	dir   string      // "" for the app's
	env   []string    // besides the build's
	quiet bool        // shown only when it fails
	seen  *transcript // gets the end of its output; nil when the caller does not look at it
}

// do runs a command and explains its failure.
func (b *build) do(ctx context.Context, c command) error {
	if c.dir == "" {
		c.dir = b.app
	}
	seen := c.seen
	if seen == nil {
		seen = &transcript{}
	}
	out := io.Writer(&synced{w: io.MultiWriter(b.Out, seen)})
	if c.quiet {
		out = seen
	}
	if !c.quiet {
		b.say("$ %s", c.title)
	}
	began := time.Now()
	env := append(append([]string{}, b.env...), c.env...)
	env = append(env, "PATH="+strings.Join(append(append([]string{}, b.path...), basePath), ":"))
	err := run.Run(ctx, run.Cmd{Path: c.path, Args: c.args, Dir: c.dir, Env: lastWins(env), Stdout: out, Stderr: out})
	if err == nil {
		if !c.quiet {
			b.say("  (%s)", time.Since(began).Round(10*time.Millisecond))
		}
		return nil
	}
	if ctx.Err() != nil {
		return &paas.Error{
			Kind: paas.Cancelled,
			Msg:  "the build was stopped",
			Hint: "deploy again to start over",
			Err:  err,
		}
	}
	if c.quiet {
		b.say("$ %s\n%s", c.title, seen.String())
	}
	return explain(c, err, seen.String())
}

const basePath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// lastWins drops all but the last value of each variable: which of two a program sees is not defined.
func lastWins(env []string) []string {
	last := make(map[string]int, len(env))
	for i, kv := range env {
		name, _, _ := strings.Cut(kv, "=")
		last[name] = i
	}
	out := env[:0:0]
	for i, kv := range env {
		name, _, _ := strings.Cut(kv, "=")
		if last[name] == i {
			out = append(out, kv)
		}
	}
	return out
}

// buildCommand runs the plan's build command. It is a line that people write for a shell, so it becomes a program of
// its own, a file that names bash as its interpreter: like the scripts of a package.json it is the source's own code
// and runs with its rights only.
func (b *build) buildCommand(ctx context.Context, env ...string) error {
	text := b.Plan.BuildCommand
	if text == "" {
		return nil
	}
	file := filepath.Join(b.tools, "build-command")
	if err := os.WriteFile(file, []byte("#!/bin/bash\nset -eo pipefail\n"+text+"\n"), 0o755); err != nil {
		return fmt.Errorf("writing the build command: %w", err)
	}
	return b.do(ctx, command{title: text, path: file, env: env})
}

// transcript keeps the end of a command's output, to find out what went wrong.
type transcript struct {
	buf bytes.Buffer
}

const maxTranscript = 64 << 10

func (t *transcript) Write(p []byte) (int, error) {
	t.buf.Write(p)
	if over := t.buf.Len() - maxTranscript; over > 0 {
		t.buf.Next(over)
	}
	return len(p), nil
}

func (t *transcript) String() string { return t.buf.String() }

// synced lets a command's two outputs share a writer.
type synced struct {
	mu sync.Mutex
	w  io.Writer
}

func (s *synced) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(p)
}
