package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	repositoryLimit = 300 // MB of control's memory
	repositoryMB    = 200
	repositoryFiles = 20
)

// big is one round with a large repository, under an app of its own.
type big struct {
	push, clone, deploy float64 // seconds
	storing, deploying  peak
}

// repository pushes, clones and then deploys 200 MB that cannot be compressed, new ones each time.
func (s *session) repository(ctx context.Context) ([]row, error) {
	w, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	var push, clone, deploy, rss, pss, all, rss2 sample
	for i := range s.opts.Runs {
		b, err := s.round(ctx, w, i)
		if err != nil {
			return nil, err
		}
		s.say("  push %.1f s, clone %.1f s, deploy %.1f s; control's peak RSS %.0f MB, with its children PSS %.0f MB; deploying RSS %.0f MB",
			b.push, b.clone, b.deploy, b.storing.rss, b.storing.all, b.deploying.rss)
		push, clone, deploy = append(push, b.push), append(clone, b.clone), append(deploy, b.deploy)
		rss, pss, all = append(rss, b.storing.rss), append(pss, b.storing.pss), append(all, b.storing.all)
		rss2 = append(rss2, b.deploying.rss)
	}
	return []row{
		worst(fmt.Sprintf("push and clone of a %d MB repository, control's peak RSS", repositoryMB), megabytes, repositoryLimit, rss, ""),
		worst("the same, control's peak PSS", megabytes, repositoryLimit, pss, "sampled"),
		worst("the same, control and the git processes below it, peak PSS", megabytes, 0, all, "sampled"),
		median("git push of it, to a branch that is not deployed", seconds, 0, push, ""),
		median("git clone of it", seconds, 0, clone, ""),
		median("git push of the same to the deploy branch, live as static site", seconds, 0, deploy, "nothing to send any more"),
		worst("the same, control's peak RSS", megabytes, repositoryLimit, rss2, ""),
	}, nil
}

func (s *session) round(ctx context.Context, w *world, i int) (b big, err error) {
	name := fmt.Sprintf("big-%d", i)
	dir := filepath.Join(s.dir, name)
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if _, err := w.cli(ctx, "apps", "create", name); err != nil {
		return b, err
	}
	r, err := w.large(ctx, filepath.Join(dir, "work"), name, uint64(i))
	if err != nil {
		return b, err
	}
	if b.storing, err = w.during(ctx, func() error {
		if b.push, err = timed(func() error { return r.send(ctx, "HEAD:refs/heads/stored") }); err != nil {
			return err
		}
		b.clone, err = timed(func() error { return r.cloneTo(ctx, filepath.Join(dir, "clone")) })
		return err
	}); err != nil {
		return b, err
	}
	if b.deploying, err = w.during(ctx, func() error {
		b.deploy, err = timed(func() error { return r.send(ctx, "HEAD:refs/heads/main") })
		return err
	}); err != nil {
		return b, err
	}
	_, err = w.cli(ctx, "apps", "delete", name, "--yes")
	return b, err
}

// large is a repository of one commit: a page, and files of noise. The client neither compresses nor compares them, so that the times
// are the server's as far as can be.
func (w *world) large(ctx context.Context, dir, app string, seed uint64) (*repo, error) {
	r, err := w.repo(ctx, dir, app)
	if err != nil {
		return nil, err
	}
	if _, err := r.git(ctx, "config", "core.compression", "0"); err != nil {
		return nil, err
	}
	if err := errors.Join(r.write(".gitattributes", "*.bin -delta\n"), r.write("index.html", "<h1>"+app+"</h1>\n")); err != nil {
		return nil, err
	}
	noise := rand.NewChaCha8([32]byte{byte(seed), 1})
	for n := range repositoryFiles {
		if err := writeNoise(filepath.Join(dir, fmt.Sprintf("noise-%d.bin", n)), noise, repositoryMB*mb/repositoryFiles); err != nil {
			return nil, err
		}
	}
	return r, r.commit(ctx, "large")
}

func writeNoise(path string, from io.Reader, size int64) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = io.CopyN(f, from, size)
	return err
}

func (r *repo) send(ctx context.Context, refs string) error {
	ctx, cancel := context.WithTimeout(ctx, deployTimeout)
	defer cancel()
	_, err := r.git(ctx, "push", "-q", r.remote, refs)
	return err
}

// cloneTo clones what was stored and makes sure that it is the same.
func (r *repo) cloneTo(ctx context.Context, dir string) error {
	ctx, cancel := context.WithTimeout(ctx, deployTimeout)
	defer cancel()
	if _, err := r.git(ctx, "clone", "-q", "--branch", "stored", r.remote, dir); err != nil {
		return err
	}
	want, err := r.git(ctx, "rev-parse", "HEAD")
	if err != nil {
		return err
	}
	got, err := r.git(ctx, "-C", dir, "rev-parse", "HEAD")
	if err == nil && strings.TrimSpace(got) != strings.TrimSpace(want) {
		err = fmt.Errorf("the clone is at %s, not at %s", got, want)
	}
	return err
}

// during is the peak of control's memory while do runs.
func (w *world) during(ctx context.Context, do func() error) (peak, error) {
	stop, err := w.watch(ctx)
	if err != nil {
		return peak{}, err
	}
	err = do()
	p, peakErr := stop()
	return p, errors.Join(err, peakErr)
}

func timed(do func() error) (float64, error) {
	began := time.Now()
	err := do()
	return time.Since(began).Seconds(), err
}
