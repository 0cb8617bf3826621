package buildpack

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
)

// hashTree is a hash over the names, modes and contents of the files below name, which may be a file or missing; want
// says which count.
func hashTree(name string, want func(name string, info fs.FileInfo) bool) (string, error) {
	h := sha256.New()
	err := filepath.WalkDir(name, func(p string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		if want != nil && !want(p, info) {
			if e.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if e.IsDir() {
			return nil
		}
		rel, _ := filepath.Rel(name, p) // both are below name
		fmt.Fprintf(h, "%d:%s %o ", len(rel), rel, info.Mode())
		return hashFile(h, p, info)
	})
	if err != nil {
		return "", fmt.Errorf("comparing %s: %w", filepath.Base(name), err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
