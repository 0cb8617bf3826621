//go:build !unix

package disk

import "errors"

// Free needs a Unix: servers run there, clients do not ask.
func Free(string) (total, free int64, err error) { return 0, 0, errors.ErrUnsupported }

// SyncDir does nothing: Windows cannot sync a directory.
func SyncDir(string) error { return nil }
