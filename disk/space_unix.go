//go:build unix

package disk

import (
	"fmt"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Free is the size of the file system that holds path and what is left of it for this process, in bytes.
func Free(path string) (total, free int64, err error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return 0, 0, fmt.Errorf("read free space of %s: %w", path, err)
	}
	return int64(st.Blocks) * int64(st.Bsize), int64(st.Bavail) * int64(st.Bsize), nil
}

// SyncDir returns when the names in a directory are durable: a file that was made or renamed there survives a power
// cut.
func SyncDir(dir string) error { return Sync(filepath.Clean(dir)) }
