package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// repo is a working copy that pushes to an app.
type repo struct {
	dir, remote string
}

// repo makes an empty working copy in dir.
func (w *world) repo(ctx context.Context, dir, app string) (*repo, error) {
	if w.token == "" {
		var made struct{ Token string }
		if err := w.read(ctx, &made, "tokens", "create", "bench"); err != nil {
			return nil, err
		}
		w.token = made.Token
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make a working copy: %w", err)
	}
	r := &repo{dir: dir, remote: fmt.Sprintf("http://git:%s@%s/git/%s.git", w.token, w.addr(0), app)}
	if _, err := r.git(ctx, "init", "-q", "-b", "main"); err != nil {
		return nil, err
	}
	return r, nil
}

func (r *repo) git(ctx context.Context, args ...string) (string, error) {
	c := command(ctx, "git", args...)
	c.Dir = r.dir
	c.Env = append(c.Env, "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.com", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.com")
	return run(c)
}

func (r *repo) write(name, content string) error {
	return os.WriteFile(filepath.Join(r.dir, name), []byte(content), 0o644)
}

func (r *repo) commit(ctx context.Context, message string) error {
	if _, err := r.git(ctx, "add", "-A"); err != nil {
		return err
	}
	_, err := r.git(ctx, "commit", "-q", "-m", message)
	return err
}
