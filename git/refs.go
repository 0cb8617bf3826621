package git

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/storage/filesystem/dotgit"

	"github.com/cloudsania/cloudsania/disk"
)

// ownRefs is the prefix of references that clients never see.
const ownRefs = "refs/cloudsania/"

// refs maps full names to hashes, HEAD left out.
type refs map[string]plumbing.Hash

// change moves one reference. A zero hash stands for "not there".
type change struct {
	name     string
	old, new plumbing.Hash
}

// errMoved means that a reference was not where a change expected it.
var errMoved = errors.New("reference has moved")

// refs reads all references: the file that we write, and loose ones, which only a git that was run there by hand makes.
func (r *repo) refs() (refs, error) {
	list, err := dotgit.New(osfs.New(r.dir)).Refs()
	if err != nil {
		return nil, fmt.Errorf("read references: %w", err)
	}
	all := make(refs, len(list))
	for _, ref := range list {
		if ref.Type() == plumbing.HashReference && ref.Name() != plumbing.HEAD {
			all[string(ref.Name())] = ref.Hash()
		}
	}
	return all, nil
}

// update makes all changes or none, durably, when each reference still is at its old hash; errMoved when not. The
// caller holds the app's lock.
func (r *repo) update(changes []change) error {
	if err := r.fold(); err != nil {
		return err
	}
	unlock, err := r.lock()
	if err != nil {
		return err
	}
	defer unlock()
	all, err := r.refs()
	if err != nil {
		return err
	}
	for _, c := range changes {
		if all[c.name] != c.old {
			return fmt.Errorf("%w: %s", errMoved, c.name)
		}
		if c.new.IsZero() {
			delete(all, c.name)
		} else {
			all[c.name] = c.new
		}
	}
	return r.write(all)
}

// fold moves loose references into the file. Their values do not change, so that being killed in between does no harm.
func (r *repo) fold() error {
	loose, err := r.loose()
	if err != nil || len(loose) == 0 {
		return err
	}
	unlock, err := r.lock()
	if err != nil {
		return err
	}
	defer unlock()
	all, err := r.refs()
	if err != nil {
		return err
	}
	if err := r.write(all); err != nil {
		return err
	}
	for _, path := range loose {
		if err := os.Remove(path); err != nil {
			return fmt.Errorf("fold references: %w", err)
		}
	}
	return nil
}

func (r *repo) loose() ([]string, error) {
	var found []string
	err := filepath.WalkDir(filepath.Join(r.dir, "refs"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look for loose references: %w", err)
	}
	return found, nil
}

// write replaces the file. Its first line promises the order, which git's binary search relies on.
func (r *repo) write(all refs) error {
	var b bytes.Buffer
	b.WriteString("# pack-refs with: sorted \n")
	for _, name := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(&b, "%s %s\n", all[name], name)
	}
	if err := disk.WriteFile(filepath.Join(r.dir, "packed-refs"), b.Bytes()); err != nil {
		return fmt.Errorf("write references: %w", disk.Full(err))
	}
	return nil
}

// lock keeps a git that is run by hand from writing the file at the same time. Within this process the app's lock does
// that.
func (r *repo) lock() (unlock func(), err error) {
	const patience, step = 5 * time.Second, 20 * time.Millisecond
	path := filepath.Join(r.dir, "packed-refs.lock")
	for end := time.Now().Add(patience); ; time.Sleep(step) {
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err == nil {
			return func() { _, _ = f.Close(), os.Remove(path) }, nil
		}
		if !errors.Is(err, os.ErrExist) || time.Now().After(end) {
			return nil, fmt.Errorf("lock references: %w", disk.Full(err))
		}
	}
}

// setHead points HEAD, which is what a clone checks out, at a branch.
func (r *repo) setHead(branch string) error {
	path, want := filepath.Join(r.dir, "HEAD"), "ref: "+branchPrefix+branch+"\n"
	if have, err := os.ReadFile(path); err == nil && string(have) == want {
		return nil
	}
	if err := disk.WriteFile(path, []byte(want)); err != nil {
		return fmt.Errorf("set HEAD: %w", disk.Full(err))
	}
	return nil
}

const (
	branchPrefix = "refs/heads/"
	tagPrefix    = "refs/tags/"
)

// deployBranch is the short name of the branch whose commits go live: the configured one, else main, else master, else
// main to come.
func deployBranch(configured string, all refs) string {
	if configured != "" {
		return configured
	}
	for _, b := range []string{"main", "master"} {
		if !all[branchPrefix+b].IsZero() {
			return b
		}
	}
	return "main"
}

// visible are the names that clients may see, sorted.
func (all refs) visible() []string {
	names := make([]string, 0, len(all))
	for name := range all {
		if !strings.HasPrefix(name, ownRefs) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
