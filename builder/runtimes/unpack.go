package runtimes

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
)

// The largest runtime, Go, unpacks to 260 MB in 15,000 files.
const (
	maxUnpackedBytes = 2 << 30
	maxUnpackedFiles = 100_000
)

// tree receives an archive's files. os.Root keeps them below the directory, whatever names and links the archive has.
type tree struct {
	root  *os.Root
	bytes int64
	files int
}

// unpackTarGz unpacks what keep maps to a name: "" leaves a file out.
func unpackTarGz(file, dir string, keep func(name string) string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	zr, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	t, err := openTree(dir)
	if err != nil {
		return err
	}
	defer func() { _ = t.root.Close() }()
	for tr := tar.NewReader(zr); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		name := keep(path.Clean(h.Name))
		if name == "" || name == "." {
			continue
		}
		switch h.Typeflag {
		case tar.TypeDir:
			err = t.root.MkdirAll(name, 0o755)
		case tar.TypeReg:
			err = t.file(name, h.FileInfo().Mode(), tr)
		case tar.TypeSymlink:
			err = t.link(name, h.Linkname)
		case tar.TypeXGlobalHeader:
		default:
			err = fmt.Errorf("%q is neither a file, a directory nor a link", name)
		}
		if err != nil {
			return err
		}
	}
}

func unpackZip(file, dir string, keep func(name string) string) error {
	zr, err := zip.OpenReader(file)
	if err != nil {
		return err
	}
	defer func() { _ = zr.Close() }()
	t, err := openTree(dir)
	if err != nil {
		return err
	}
	defer func() { _ = t.root.Close() }()
	for _, e := range zr.File {
		name := keep(path.Clean(e.Name))
		if name == "" || name == "." || e.FileInfo().IsDir() {
			continue
		}
		r, err := e.Open()
		if err != nil {
			return err
		}
		err = t.file(name, e.Mode(), r)
		_ = r.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

func openTree(dir string) (*tree, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &tree{root: root}, nil
}

// file writes one, readable by all: builds run as another user.
func (t *tree) file(name string, mode fs.FileMode, r io.Reader) error {
	if t.files++; t.files > maxUnpackedFiles {
		return fmt.Errorf("more than %d files", maxUnpackedFiles)
	}
	if err := t.root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	perm := fs.FileMode(0o644)
	if mode&0o111 != 0 {
		perm = 0o755
	}
	f, err := t.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, perm)
	if err != nil {
		return err
	}
	n, err := io.Copy(f, io.LimitReader(r, maxUnpackedBytes-t.bytes+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if t.bytes += n; t.bytes > maxUnpackedBytes {
		return fmt.Errorf("more than %d MB", maxUnpackedBytes>>20)
	}
	return nil
}

func (t *tree) link(name, target string) error {
	if t.files++; t.files > maxUnpackedFiles {
		return fmt.Errorf("more than %d files", maxUnpackedFiles)
	}
	if path.IsAbs(target) || strings.HasPrefix(path.Join(path.Dir(name), target), "..") {
		return fmt.Errorf("the link %q leads out of the archive", name)
	}
	if err := t.root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	return t.root.Symlink(target, name)
}

// below maps "<top>/x" to "x" for any top directory: archives of Node and npm packages have one.
func below(name string) string {
	_, rest, _ := strings.Cut(name, "/")
	return rest
}
