package main

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

const nodeName = "node"

//go:embed testdata/node
var nodeFiles embed.FS

// nodeApp is the small app that most scenarios look at: Node without dependencies, answering with one line.
type nodeApp struct {
	w       *world
	repo    *repo
	changes int    // so far; the app answers with the number
	first   change // the push that made it
}

// change is one push: when, after its beginning, the new content was seen, when git ended, and how long the deployment's steps took.
type change struct {
	seen, returned time.Duration
	steps          []step
}

// deployTimeout bounds what takes seconds; the first push may download a language.
const deployTimeout = 15 * time.Minute

// node returns the app, making it the first time.
func (s *session) node(ctx context.Context) (*nodeApp, error) {
	if s.app != nil {
		return s.app, nil
	}
	w, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	s.say("first push of the Node app")
	if _, err := w.cli(ctx, "apps", "create", nodeName); err != nil {
		return nil, err
	}
	a := &nodeApp{w: w}
	if a.repo, err = w.repo(ctx, filepath.Join(s.dir, nodeName), nodeName); err != nil {
		return nil, err
	}
	if err := a.write("package.json"); err != nil {
		return nil, err
	}
	if a.first, err = a.change(ctx); err != nil {
		return nil, err
	}
	s.app = a
	return a, nil
}

func (a *nodeApp) write(name string) error {
	b, err := fs.ReadFile(nodeFiles, "testdata/node/"+name)
	if err != nil {
		return err
	}
	return a.repo.write(name, strings.ReplaceAll(string(b), "change 0", answer(a.changes)))
}

func answer(n int) string { return fmt.Sprintf("change %d", n) }

// change changes one line, commits, and pushes; the time begins with the push.
func (a *nodeApp) change(ctx context.Context) (change, error) {
	a.changes++
	if err := a.write("server.js"); err != nil {
		return change{}, err
	}
	if err := a.repo.commit(ctx, answer(a.changes)); err != nil {
		return change{}, err
	}
	c, err := a.until(ctx, a.changes, func(ctx context.Context) error {
		_, err := a.repo.git(ctx, "push", a.repo.remote, "main")
		return err
	})
	if err != nil {
		return change{}, err
	}
	_, c.steps, err = a.deployed(ctx)
	return c, err
}

// until runs do and looks meanwhile for the answer with number n.
func (a *nodeApp) until(ctx context.Context, n int, do func(context.Context) error) (c change, err error) {
	ctx, cancel := context.WithTimeout(ctx, deployTimeout)
	defer cancel()
	began := time.Now()
	g, ctx := errgroup.WithContext(ctx) // a push that fails ends the looking
	g.Go(func() error {
		err := do(ctx)
		c.returned = time.Since(began)
		return err
	})
	g.Go(func() error {
		at, err := a.w.visitor(nodeName).sees(ctx, func(body string) bool { return body == answer(n)+"\n" })
		c.seen = at.Sub(began)
		return err
	})
	return c, g.Wait()
}
