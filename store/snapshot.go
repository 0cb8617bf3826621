package store

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	bolt "go.etcd.io/bbolt"

	"github.com/cloudsania/cloudsania/disk"
	"github.com/cloudsania/cloudsania/paas"
)

// Snapshot writes a consistent copy of the database to w while everything goes on, and returns its length in bytes. It is copied aside
// first, so that a slow reader of w holds nothing up. Secrets in it stay sealed; the key is not in it.
func (s *Store) Snapshot(w io.Writer) (n int64, err error) {
	tmp, err := s.copyAside(s.path)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.Remove(tmp)) }()
	f, err := os.Open(tmp)
	if err != nil {
		return 0, fmt.Errorf("read the snapshot: %w", err)
	}
	defer f.Close()
	return io.Copy(w, f)
}

// SnapshotFile makes path a consistent copy of the database, checked like a database that is opened; a file that was there is replaced
// only by a whole one.
func (s *Store) SnapshotFile(path string) error {
	if filepath.Clean(path) == filepath.Clean(s.path) {
		return paas.Invalidf("path", "choose another file", "a snapshot cannot replace the database that it is made of")
	}
	tmp, err := s.copyAside(path)
	if err != nil {
		return err
	}
	if err := disk.Rename(tmp, path); err != nil {
		return errors.Join(fmt.Errorf("name the snapshot: %w", err), os.Remove(tmp))
	}
	return nil
}

// copyAside writes the present state to a temporary file beside path and inspects it there.
func (s *Store) copyAside(path string) (tmp string, err error) {
	tmp, err = disk.Stage(path, func(w io.Writer) error {
		return s.guard(func() error {
			return s.db.View(func(t *bolt.Tx) error { _, err := t.WriteTo(w); return err })
		})
	})
	if err != nil {
		return "", noSpace(fmt.Errorf("copy the database: %w", err))
	}
	if err := inspectFile(tmp); err != nil {
		return "", errors.Join(err, os.Remove(tmp))
	}
	return tmp, nil
}

func inspectFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("check the snapshot: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("check the snapshot: %w", err)
	}
	_, err = inspect(f, info.Size(), verifyRecord)
	return err
}

// Check reads the whole database as it is on the disk now and returns the first damage found (ErrCorrupt). It maps and blocks nothing,
// and costs about a second per gigabyte.
func (s *Store) Check() error {
	return s.guard(func() error {
		return s.db.View(func(t *bolt.Tx) error {
			f, err := os.Open(s.path)
			if err != nil {
				return fmt.Errorf("read the database: %w", err)
			}
			defer f.Close()
			m := meta{pageSize: s.db.Info().PageSize, root: uint64(t.Cursor().Bucket().Root())}
			m.pages = uint64(t.Size()) / uint64(m.pageSize)
			w, err := newWalk(f, t.Size(), m, verifyRecord)
			if err != nil {
				return err
			}
			return w.tree(m.root, 0, "", nil, nil)
		})
	})
}
