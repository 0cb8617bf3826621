package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	coldLimit   = 5 * 60 // seconds from a checkout to the demo's first 200
	binaryLimit = 2 * 60 // when the program is there

	installTimeout = 30 * time.Minute
)

// installed is what install.sh makes at places of its own choice, whatever --data says. If any is there, so is somebody's
// installation, and ours would damage it.
var installed = []string{"/etc/cloudsania", "/etc/systemd/system/cloudsania.service", "/swapfile.cloudsania"}

// setup is an installation by install.sh.
type setup struct {
	checkout, dir, data, bin string
	world                    *world // addresses only: install.sh starts it
	added                    []func(context.Context) error
}

// install runs install.sh --demo from a copy of the checkout, first with empty Go caches, then with the program that came of it.
func (s *session) install(ctx context.Context) ([]row, error) {
	const what = "install.sh --demo to the demo's first 200"
	if !s.opts.Install {
		return []row{{What: what, Verdict: skipped, Note: "needs --install and root"}}, nil
	}
	if os.Geteuid() != 0 {
		return []row{{What: what, Verdict: skipped, Note: "needs root"}}, nil
	}
	for _, p := range installed {
		if exists(p) {
			return []row{{What: what, Verdict: skipped, Note: p + " exists: somebody's installation would be damaged"}}, nil
		}
	}
	if err := s.leave(ctx); err != nil { // its images would make this one quicker
		return nil, err
	}
	i, err := s.prepare(ctx)
	if err != nil {
		return nil, err
	}
	cold, err := s.installOnce(ctx, i, filepath.Join(s.dir, "gocache"))
	if err != nil {
		return nil, err
	}
	rows := []row{median(what+", from a checkout, Go build cache empty", seconds, coldLimit, sample{cold.took}, cold.note)}
	again, err := s.installOnce(ctx, i, "")
	if err != nil {
		return rows, err
	}
	return append(rows, median(what+", the program there already", seconds, binaryLimit, sample{again.took}, again.note)), nil
}

func (s *session) prepare(ctx context.Context) (*setup, error) {
	i := &setup{dir: filepath.Join(s.dir, "install")}
	i.checkout, i.data, i.bin = filepath.Join(i.dir, "checkout"), filepath.Join(i.dir, "data"), filepath.Join(i.dir, "bin", "cloudsania")
	if err := os.MkdirAll(filepath.Dir(i.bin), 0o755); err != nil {
		return nil, fmt.Errorf("make a directory: %w", err)
	}
	var err error
	if i.world, err = newWorld(i.bin, i.data, s.opts); err != nil {
		return nil, err
	}
	i.remember()
	return i, copyCheckout(ctx, s.root, i.checkout)
}

// remember notes what uninstalling leaves behind and was not there before.
func (i *setup) remember() {
	const logs, account = "/var/log/cloudsania", "cloudsania-edge"
	if !exists(logs) {
		i.added = append(i.added, func(context.Context) error { return os.RemoveAll(logs) })
	}
	if _, err := user.Lookup(account); err != nil {
		i.added = append(i.added, func(ctx context.Context) error {
			if _, err := user.Lookup(account); err != nil {
				return nil // it did not come to that
			}
			_, err := run(command(ctx, "userdel", account))
			return err
		})
	}
}

// measuredInstall is the time to the demo's first 200, and what else one must know of it.
type measuredInstall struct {
	took float64
	note string
}

// installOnce installs, measures and uninstalls, but keeps the program.
func (s *session) installOnce(ctx context.Context, i *setup, goCache string) (m measuredInstall, err error) {
	notes := []string{}
	there, err := builderImages(ctx)
	if err != nil {
		return m, err
	}
	if there {
		notes = append(notes, "images of another installation were there")
	}
	if goCache != "" {
		notes = append(notes, moduleCache(ctx))
	}
	defer func() {
		clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanup)
		defer cancel()
		left := i.uninstall(clean, s.say)
		s.left = errors.Join(s.left, left)
		err = errors.Join(err, left)
	}()
	ctx, cancel := context.WithTimeout(ctx, installTimeout)
	defer cancel()
	began := time.Now()
	var total time.Duration
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		c := i.script(ctx, "--demo", "--data", i.data, "--domain", "localhost", "--tls", "off", "--http", i.world.addr(0), "--https", i.world.addr(1))
		if goCache != "" {
			c.Env = append(c.Env, "GOCACHE="+goCache)
		}
		c.Stdout, c.Stderr = s.progress, s.progress
		_, err := run(c)
		total = time.Since(began)
		return err
	})
	g.Go(func() error {
		at, err := i.world.visitor("hello").sees(ctx, func(body string) bool { return strings.Contains(body, "It works.") })
		m.took = at.Sub(began).Seconds()
		return err
	})
	if err := g.Wait(); err != nil {
		return m, err
	}
	m.note = strings.Join(append(notes, fmt.Sprintf("the script ended after %.0f s", total.Seconds())), "; ")
	return m, nil
}

func (i *setup) script(ctx context.Context, args ...string) *exec.Cmd {
	c := command(ctx, filepath.Join(i.checkout, "install.sh"), args...)
	c.Dir, c.Env = i.dir, append(c.Env, "CLOUDSANIA_BIN="+i.bin)
	return c
}

// uninstall removes all of it but the program, which the script would take away, too.
func (i *setup) uninstall(ctx context.Context, say func(string, ...any)) error {
	kept := i.bin + ".kept"
	if exists(i.bin) {
		_ = os.Remove(kept)
		if err := os.Link(i.bin, kept); err != nil {
			return fmt.Errorf("keep the program: %w", err)
		}
	}
	errs := []error{unmountBelow(i.dir)}
	errs = append(errs, removing(ctx, i.data, say, func() error {
		_, err := run(i.script(ctx, "--uninstall", "--purge", "--data", i.data))
		return err
	}))
	for _, undo := range i.added {
		errs = append(errs, undo(ctx))
	}
	if exists(kept) {
		errs = append(errs, os.Rename(kept, i.bin))
	}
	return errors.Join(errs...)
}

// moduleCache says whether modules have to be downloaded: only the build cache is made empty.
func moduleCache(ctx context.Context) string {
	out, err := run(command(ctx, "go", "env", "GOMODCACHE"))
	if err == nil && exists(filepath.Join(strings.TrimSpace(out), "cache", "download")) {
		return "module cache warm"
	}
	return "module cache cold"
}
