package runtimes

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// scratch is where downloads grow; its dot keeps it apart from the runtimes.
const scratch = ".new"

// Several processes may share the directory of runtimes: two installations, tests beside a benchmark. Each unfinished
// download is a directory that is locked (flock(2)) for as long as its process fills it; the kernel releases the lock
// of a process that was killed. The scratch directory itself is locked while a download is made and locked, so that
// none is taken for an abandoned one meanwhile.

// beginDownload makes a locked directory for one download. done removes it.
func (c *Cache) beginDownload(name string) (dir string, done func(), err error) {
	parent, err := lockDir(filepath.Join(c.dir, scratch), unix.LOCK_SH)
	if err != nil {
		return "", nil, err
	}
	defer parent.Close()
	if dir, err = os.MkdirTemp(parent.Name(), name+"-"); err != nil {
		return "", nil, err
	}
	lock, err := lockDir(dir, unix.LOCK_EX|unix.LOCK_NB)
	if err != nil {
		return "", nil, errors.Join(err, os.Remove(dir))
	}
	return dir, func() { _ = os.RemoveAll(dir); _ = lock.Close() }, nil
}

// removeAbandoned removes the downloads of processes that have ended.
func removeAbandoned(dir string) error {
	parent, err := lockDir(dir, unix.LOCK_EX)
	if err != nil {
		return err
	}
	defer parent.Close()
	entries, err := parent.ReadDir(-1)
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		lock, err := lockDir(path, unix.LOCK_EX|unix.LOCK_NB)
		if errors.Is(err, unix.EWOULDBLOCK) || errors.Is(err, fs.ErrNotExist) {
			continue // its process fills it, or has just moved it to its place
		}
		if err != nil {
			return err
		}
		if err := errors.Join(os.RemoveAll(path), lock.Close()); err != nil {
			return err
		}
	}
	return nil
}

// lockDir returns the open directory, which holds the lock until it is closed.
func lockDir(dir string, how int) (*os.File, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), how); err != nil {
		return nil, fmt.Errorf("lock %s: %w", dir, errors.Join(err, f.Close()))
	}
	return f, nil
}
