package buildpack

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/cloudsania/cloudsania/paas"
)

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// readFile reads a file of at most max bytes.
func readFile(name string, max int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, max+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if int64(len(b)) > max {
		return nil, &paas.Error{
			Kind: paas.Invalid,
			Msg:  fmt.Sprintf("%q is larger than %d KiB", filepath.Base(name), max>>10),
			Hint: "a file of this name is usually small; is it the right one?",
		}
	}
	return b, nil
}

// hashFile writes a file's content, or a link's target, to h.
func hashFile(h io.Writer, name string, info fs.FileInfo) error {
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := os.Readlink(name)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(h, "%d:%s", len(target), target)
		return err
	case info.Mode().IsRegular():
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }()
		if _, err := fmt.Fprintf(h, "%d:", info.Size()); err != nil {
			return err
		}
		_, err = io.Copy(h, f)
		return err
	}
	return nil
}

// copyFile copies a regular file with its permissions, making the directories above it.
func copyFile(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return fmt.Errorf("copying %s: %w", filepath.Base(from), err)
	}
	src, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("copying %s: %w", filepath.Base(from), err)
	}
	defer func() { _ = src.Close() }()
	info, err := src.Stat()
	if err != nil {
		return fmt.Errorf("copying %s: %w", filepath.Base(from), err)
	}
	dst, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, info.Mode().Perm()|0o200)
	if err != nil {
		return fmt.Errorf("copying %s: %w", filepath.Base(from), err)
	}
	_, err = io.Copy(dst, src)
	if err := errors.Join(err, dst.Close()); err != nil {
		return fmt.Errorf("copying %s: %w", filepath.Base(from), err)
	}
	return nil
}

// copyTree copies a directory: directories, regular files and links; anything else is left out.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("copying %s: %w", filepath.Base(from), err)
		}
		rel, err := filepath.Rel(from, p)
		if err != nil {
			return fmt.Errorf("copying %s: %w", filepath.Base(from), err)
		}
		target := filepath.Join(to, rel)
		switch {
		case e.IsDir():
			err = os.MkdirAll(target, 0o755)
		case e.Type()&fs.ModeSymlink != 0:
			var link string
			if link, err = os.Readlink(p); err == nil {
				err = os.Symlink(link, target)
			}
		case e.Type().IsRegular():
			return copyFile(p, target)
		}
		if err != nil {
			return fmt.Errorf("copying %s: %w", filepath.Base(from), err)
		}
		return nil
	})
}

// moveTree moves a directory, by copying where the two are on different volumes.
func moveTree(from, to string) error {
	err := os.Rename(from, to)
	if err == nil {
		return nil
	}
	if !errors.Is(err, syscall.EXDEV) {
		return fmt.Errorf("moving %s: %w", filepath.Base(from), err)
	}
	if err := copyTree(from, to); err != nil {
		return err
	}
	if err := os.RemoveAll(from); err != nil {
		return fmt.Errorf("removing %s: %w", filepath.Base(from), err)
	}
	return nil
}
