package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/cloudsania/cloudsania/archive"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/run"
	"github.com/cloudsania/cloudsania/terminal"
)

// Limits of a checkout: source code, with room for those who commit their dependencies.
const (
	maxCheckoutFiles = 200_000
	maxCheckoutBytes = 2 << 30
)

// Checkout writes the files of a commit, a full hash, into dir, which must exist and be empty. Symbolic links are kept
// when they stay inside; submodules are empty directories and LFS files are pointers, which Warnings tells.
func (s *Server) Checkout(ctx context.Context, app, commit, dir string) error {
	repo, err := s.existing(app)
	if err != nil {
		return err
	}
	if !plumbing.IsHash(commit) {
		return paas.Invalidf("commit", "give the full hash", "%q is not a commit", paas.Clip(commit, 60))
	}
	return s.export(ctx, repo, commit, dir)
}

// CommitInfo returns the first line of a commit's message, and its author's name.
func (s *Server) CommitInfo(ctx context.Context, app, commit string) (message, author string, err error) {
	repo, err := s.existing(app)
	if err != nil {
		return "", "", err
	}
	if !plumbing.IsHash(commit) {
		return "", "", paas.Invalidf("commit", "give the full hash", "%q is not a commit", paas.Clip(commit, 60))
	}
	return s.info(ctx, repo, commit)
}

// Warnings tells what of a checkout in dir will not be there although the source refers to it, in plain words.
func Warnings(dir string) []string {
	var list []string
	if text := head(filepath.Join(dir, ".gitmodules")); strings.Contains(text, "[submodule") {
		list = append(list, "submodules are not fetched: their directories are empty. commit their files, or install them as dependencies")
	}
	if strings.Contains(head(filepath.Join(dir, ".gitattributes")), "filter=lfs") {
		list = append(list, "git LFS is not supported: files that it keeps are only pointers here. commit the files themselves")
	}
	return list
}

// head returns the beginning of a regular file; "" for anything else. Links are not followed: they may lead anywhere at
// this point.
func head(path string) string {
	const most = 64 << 10
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() {
		return ""
	}
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }() // only read
	b, err := io.ReadAll(io.LimitReader(f, most))
	if err != nil {
		return ""
	}
	return string(b)
}

// existing is repository for readers: they do not make one.
func (s *Server) existing(app string) (*repo, error) {
	dir, err := s.path(app)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		return nil, &paas.Error{Kind: paas.NotFound, Msg: "nothing was ever pushed to this app",
			Hint: "push to its git remote first"}
	} else if err != nil {
		return nil, fmt.Errorf("open repository: %w", err)
	}
	return &repo{dir}, nil
}

// export unpacks what git archive writes. git has no worktree here, and no say in where files go.
func (s *Server) export(ctx context.Context, repo *repo, commit, dir string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r, w := io.Pipe()
	c := s.in(repo, "archive", "--format=tar", commit)
	c.Stdout, c.Limits = w, s.limits()
	ended := make(chan error, 1)
	go func() {
		err := run.Run(ctx, c)
		_ = w.CloseWithError(err) // never fails
		ended <- err
	}()
	err := archive.UnpackTar(ctx, r, dir, archive.Options{Files: maxCheckoutFiles, Bytes: maxCheckoutBytes, AllowSymlinks: true, Exact: true})
	if err == nil {
		_, err = io.Copy(io.Discard, r) // the padding behind the archive
	}
	if err != nil {
		cancel() // git may have much left to say
		_ = r.CloseWithError(err)
	}
	gitErr := <-ended
	var exit *run.ExitError
	if errors.As(gitErr, &exit) && exit.Code > 0 {
		if strings.Contains(exit.Stderr, "not a valid object name") || strings.Contains(exit.Stderr, "not a tree object") {
			return &paas.Error{Kind: paas.NotFound, Msg: fmt.Sprintf("the repository has no commit %s", paas.Clip(commit, 12)),
				Hint: "push it first", Err: gitErr}
		}
		return fmt.Errorf("check out commit: %w", gitErr)
	}
	if err != nil {
		return fmt.Errorf("check out commit: %w", err)
	}
	if gitErr != nil {
		return fmt.Errorf("check out commit: %w", gitErr)
	}
	return nil
}

// Bounds of what is shown of a commit.
const (
	maxMessageRunes = 200
	maxAuthorRunes  = 100
)

func (s *Server) info(ctx context.Context, repo *repo, commit string) (message, author string, err error) {
	c := s.in(repo, "log", "-1", "--no-show-signature", "--encoding=UTF-8", "--format=%an%x00%s", "--end-of-options", commit, "--")
	c.MaxOutput = 1 << 20
	out, err := run.Output(ctx, c)
	if err != nil {
		return "", "", fmt.Errorf("read commit: %w", err)
	}
	name, subject, _ := bytes.Cut(out, []byte{0})
	return terminal.Line(string(subject), maxMessageRunes), terminal.Line(string(name), maxAuthorRunes), nil
}
