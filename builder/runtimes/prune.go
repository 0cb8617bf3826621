package runtimes

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cloudsania/cloudsania/builder/contract"
)

// Retention says which runtimes Prune leaves. Those that were used after Recent stay in any case: a build may have
// them mounted.
type Retention struct {
	Keep   func(name, version string) bool
	Unused time.Time // those used after this stay, while there is room
	Bytes  int64     // of all; beyond it the longest unused go first
	Recent time.Time
}

// installed is a runtime with the time of its last use, which is its directory's.
type installed struct {
	dir  string
	used time.Time
	size int64
}

// Prune removes runtimes, and returns how many bytes that freed. One that cannot be removed does not keep the others.
func (c *Cache) Prune(ctx context.Context, r Retention) (freed int64, err error) {
	all, err := c.list(ctx, r.Keep)
	if err != nil {
		return 0, err
	}
	var total int64
	for _, i := range all {
		total += i.size
	}
	var errs []error
	for _, i := range all { // the longest unused first
		if i.used.After(r.Recent) || i.used.After(r.Unused) && total <= r.Bytes {
			continue
		}
		gone, err := c.remove(i, r.Recent)
		if err != nil {
			errs = append(errs, fmt.Errorf("remove the runtime %s: %w", filepath.Base(i.dir), err))
		}
		if gone {
			total -= i.size
			freed += i.size
			c.log.Info("removed an unused runtime", "runtime", filepath.Base(i.dir), "used", i.used, "bytes", i.size)
		}
	}
	return freed, errors.Join(errs...)
}

// list are the runtimes, the longest unused first. Those to keep count with their size, and with no time at which
// they could go.
func (c *Cache) list(ctx context.Context, keep func(name, version string) bool) ([]installed, error) {
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return nil, fmt.Errorf("list the runtimes: %w", err)
	}
	var all []installed
	for _, e := range entries {
		name, version, ok := strings.Cut(e.Name(), "-")
		if _, known := kinds[name]; !ok || !known || !e.IsDir() {
			continue
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("list the runtimes: %w", err)
		}
		i := installed{dir: filepath.Join(c.dir, e.Name()), used: info.ModTime()}
		if i.size, err = size(ctx, i.dir); err != nil {
			return nil, fmt.Errorf("measure the runtime %s: %w", e.Name(), err)
		}
		if keep(name, version) {
			i.used = time.Now()
		}
		all = append(all, i)
	}
	slices.SortFunc(all, func(a, b installed) int { return cmp.Or(a.used.Compare(b.used), cmp.Compare(a.dir, b.dir)) })
	return all, nil
}

// remove takes a runtime away at once, looks whether a build has found it meanwhile, and puts it back in that case.
func (c *Cache) remove(i installed, recent time.Time) (gone bool, err error) {
	tmp, done, err := c.beginDownload("old")
	if err != nil {
		return false, err
	}
	defer done()
	aside := filepath.Join(tmp, "tree")
	if err := os.Rename(i.dir, aside); err != nil {
		return false, err
	}
	if info, err := os.Stat(aside); err == nil && info.ModTime().After(recent) {
		return false, os.Rename(aside, i.dir)
	}
	return true, nil
}

// markUsed notes that a build uses the runtime now; false when it has just been removed. The base image's Python has
// no directory.
func (c *Cache) markUsed(name, version string) bool {
	now := time.Now()
	err := os.Chtimes(contract.RuntimeDir(c.dir, name, version), now, now)
	return err == nil || version == c.basePython
}

func size(ctx context.Context, dir string) (bytes int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			bytes += info.Size()
		}
		return err
	})
	return bytes, err
}
