// Package disk writes files that survive a crash and a power cut, and explains a full disk.
package disk

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Temporaries is a pattern for filepath.Match: the names of the files that Write and its relatives make beside the
// one they are for.
const Temporaries = ".*.tmp"

// Write makes the file at path what write produces, with mode 0600: it is there whole or not at all, and when Write
// has returned it survives a power cut. A file that was there before stays untouched on an error.
func Write(path string, write func(io.Writer) error) error {
	staged, err := Stage(path, write)
	if err != nil {
		return err
	}
	if err := Rename(staged, path); err != nil {
		return errors.Join(err, os.Remove(staged))
	}
	return nil
}

// WriteFile is Write for content that is in memory.
func WriteFile(path string, data []byte) error { return Write(path, content(data)) }

// WriteNew is WriteFile for a path that must not exist: the error is fs.ErrExist when it does.
func WriteNew(path string, data []byte) error {
	staged, err := Stage(path, content(data))
	if err != nil {
		return err
	}
	if err := errors.Join(os.Link(staged, path), os.Remove(staged)); err != nil {
		return err
	}
	return SyncDir(filepath.Dir(path))
}

func content(data []byte) func(io.Writer) error {
	return func(w io.Writer) error { _, err := w.Write(data); return err }
}

// Stage writes a durable temporary file of mode 0600 beside path and returns its name, for a caller that looks at
// it before Rename puts it in place. On an error nothing is left.
func Stage(path string, write func(io.Writer) error) (staged string, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), temporary(path)+"*.tmp")
	if err != nil {
		return "", err
	}
	defer func() {
		err = errors.Join(err, f.Close())
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if err := write(f); err != nil {
		return "", err
	}
	return f.Name(), f.Sync()
}

func temporary(path string) string { return "." + filepath.Base(path) + "." }

// Rename moves a file or a directory within its file system, and returns when the new name is durable.
func Rename(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return SyncDir(filepath.Dir(to))
}

// RemoveTemporaries removes what killed writers left beside path. The caller makes sure that nothing is being
// written there.
func RemoveTemporaries(path string) error {
	entries, err := os.ReadDir(filepath.Dir(path))
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), temporary(path)) {
			err = errors.Join(err, os.Remove(filepath.Join(filepath.Dir(path), e.Name())))
		}
	}
	if err != nil {
		return fmt.Errorf("remove temporary files: %w", err)
	}
	return nil
}

// Sync returns when the content of a file, or the names in a directory, are durable.
func Sync(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("sync: %w", err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("sync %s: %w", path, err)
	}
	return nil
}
