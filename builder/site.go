package builder

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/cloudsania/cloudsania/paas"
)

// Caps of a static site: what one server can keep many of.
const (
	maxSiteFiles = 50_000
	maxSiteBytes = 2 << 30
)

// site is a directory of files for the edge to serve: only files and directories, readable by everybody.
type site struct {
	root  *os.Root
	files map[string]siteFile
	bytes int64
}

type siteFile struct {
	size int64
	sum  []byte
}

// copyFrom copies a directory. Links are followed within the source and skipped where they lead out of it.
func (s *site) copyFrom(ctx context.Context, from fs.FS, dir string) error {
	err := fs.WalkDir(from, dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		rel, ok := name, true
		if dir != "." {
			rel, ok = within(name, dir)
		}
		if !ok || rel == "." {
			return nil
		}
		if hidden(rel) {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if d.IsDir() {
			return nil
		}
		return s.copyFile(from, name, rel)
	})
	if errors.Is(err, fs.ErrNotExist) {
		return &paas.Error{
			Kind: paas.Failed,
			Msg:  fmt.Sprintf("the source has no directory %q", paas.Clip(dir, 80)),
			Hint: "correct the directory in the settings",
			Err:  err,
		}
	}
	return err
}

func (s *site) copyFile(from fs.FS, name, rel string) error {
	fi, err := fs.Stat(from, name) // follows a link, which os.Root keeps inside
	if err != nil || !fi.Mode().IsRegular() {
		return nil // a link out of the source, a directory behind a link, a socket: not for visitors
	}
	f, err := from.Open(name)
	if err != nil {
		return fmt.Errorf("read %s: %w", rel, err)
	}
	defer func() { _ = f.Close() }()
	return s.add(rel, f)
}

// add writes one file and keeps its digest.
func (s *site) add(name string, r io.Reader) error {
	if len(s.files) >= maxSiteFiles {
		return &paas.Error{
			Kind: paas.TooLarge,
			Msg:  fmt.Sprintf("the site has more than %d files", maxSiteFiles),
			Hint: "leave out what visitors do not need",
		}
	}
	if err := s.root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	f, err := s.root.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, h), io.LimitReader(r, maxSiteBytes-s.bytes+1))
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if s.bytes += n; s.bytes > maxSiteBytes {
		return &paas.Error{
			Kind: paas.TooLarge,
			Msg:  fmt.Sprintf("the site is larger than %d MB", maxSiteBytes>>20),
			Hint: "leave out what visitors do not need",
		}
	}
	s.files[name] = siteFile{size: n, sum: h.Sum(nil)}
	return nil
}

// tree is the digest of names and contents, in the order of the names.
func (s *site) tree() string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(s.files)) {
		_, _ = fmt.Fprintf(h, "%x %d %q\n", s.files[name].sum, s.files[name].size, name)
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// hidden files (.git, .env, .htpasswd) are never served; .well-known is meant to be.
func hidden(name string) bool {
	return slices.ContainsFunc(strings.Split(name, "/"), func(part string) bool {
		return strings.HasPrefix(part, ".") && part != "." && part != ".well-known"
	})
}
