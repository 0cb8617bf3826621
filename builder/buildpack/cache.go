package buildpack

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// measureEvery is how often a build counts its cache: reading a large one takes a moment, and it grows by little.
const measureEvery = 24 * time.Hour

// limitCache empties a cache that has outgrown its limit: package managers only ever add to theirs.
func (b *build) limitCache(now time.Time) error {
	mark := b.cached("measured")
	if b.CacheBytes == 0 {
		return nil
	}
	if info, err := os.Stat(mark); err == nil && now.Sub(info.ModTime()) < measureEvery {
		return nil
	}
	size, err := treeSize(b.Cache, b.CacheBytes)
	if err != nil {
		return err
	}
	if size > b.CacheBytes {
		b.say("this app's cache has more than %d MB: it is emptied, and this build starts from nothing", b.CacheBytes>>20)
		if err := errors.Join(emptyDir(b.Cache), os.MkdirAll(b.cached("home"), 0o755)); err != nil {
			return fmt.Errorf("emptying the cache: %w", err)
		}
	}
	if err := os.WriteFile(mark, nil, 0o644); err != nil {
		return fmt.Errorf("noting the cache's size: %w", err)
	}
	return nil
}

// treeSize adds up the files below dir. It stops beyond limit.
func treeSize(dir string, limit int64) (size int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		if size += info.Size(); size > limit {
			return fs.SkipAll
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("measuring the cache: %w", err)
	}
	return size, nil
}

// emptyDir removes what is in a directory; module caches of Go have directories without write permission.
func emptyDir(dir string) error {
	err := filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() {
			err = os.Chmod(p, 0o755)
		}
		return err
	})
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	var errs []error
	for _, e := range entries {
		errs = append(errs, os.RemoveAll(filepath.Join(dir, e.Name())))
	}
	return errors.Join(append(errs, err)...)
}
