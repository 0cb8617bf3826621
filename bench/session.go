package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// session is one run of this command: a scratch directory, the program under test, and the installation once something needs it.
type session struct {
	opts     options
	root     string // of the checkout
	dir      string // everything that is made lies below it
	program  string
	progress io.Writer
	began    time.Time

	world *world   // nil until needed, and after it was removed
	app   *nodeApp // in world
	left  error    // why something could not be removed
}

// cleanup bounds what is done at the end whatever happened.
const cleanup = 10 * time.Minute

func open(ctx context.Context, opts options, progress io.Writer) (*session, error) {
	s := &session{opts: opts, progress: progress, began: time.Now()}
	var err error
	if s.root, err = checkoutRoot(ctx); err != nil {
		return nil, err
	}
	if dockerVersion(ctx) == "" {
		return nil, errors.New("docker does not answer: start it, everything here needs it")
	}
	if s.dir, err = os.MkdirTemp("", "cloudsania-bench-"); err != nil {
		return nil, fmt.Errorf("make a directory: %w", err)
	}
	if err := os.Chmod(s.dir, 0o711); err != nil { // the edge of an installation is another user
		return nil, errors.Join(err, os.RemoveAll(s.dir))
	}
	s.program = filepath.Join(s.dir, "cloudsania")
	s.say("building the program")
	if err := compile(ctx, s.root, s.program); err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.dir))
	}
	return s, nil
}

// close removes what was made, also when ctx has ended.
func (s *session) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanup)
	defer cancel()
	_ = s.leave(ctx) // is in left, too
	if s.left != nil {
		return fmt.Errorf("%w\nnot everything could be removed: see README.md for how, the data is in %s", s.left, s.dir)
	}
	return os.RemoveAll(s.dir)
}

// enter returns the installation, starting it the first time.
func (s *session) enter(ctx context.Context) (*world, error) {
	if s.world != nil {
		return s.world, nil
	}
	s.say("starting an installation")
	w, err := newWorld(s.program, filepath.Join(s.dir, "data"), s.opts)
	if err != nil {
		return nil, err
	}
	s.world = w // from here on there is something to remove
	if err := w.start(ctx); err != nil {
		return nil, err
	}
	if err := w.ready(ctx, s.say); err != nil {
		return nil, err
	}
	return w, nil
}

// leave removes the installation.
func (s *session) leave(ctx context.Context) error {
	if s.world == nil {
		return nil
	}
	s.say("removing the installation")
	w := s.world
	s.world, s.app = nil, nil
	err := w.remove(ctx, s.say)
	s.left = errors.Join(s.left, err)
	return err
}

func (s *session) say(format string, args ...any) {
	fmt.Fprintf(s.progress, "[%4.0fs] %s\n", time.Since(s.began).Seconds(), fmt.Sprintf(format, args...))
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// pause returns early with an error when ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
