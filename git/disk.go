package git

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/cloudsania/cloudsania/paas"
)

const suffixTemp = ".cloudsania-new"

// writeFile replaces a file as a whole or not at all, and returns when it is on the disk. The directory is the caller's to sync.
func writeFile(path string, data []byte) error {
	temp := path + suffixTemp
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		_ = os.Remove(temp)
		return err
	}
	return os.Rename(temp, path)
}

// syncDir makes the names in a directory durable.
func syncDir(dir string) error { return syncPath(filepath.Clean(dir)) }

func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("sync: %w", err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("sync %s: %w", path, err)
	}
	return nil
}

// diskError explains a full disk; other errors say what we were doing.
func diskError(doing string, err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || strings.Contains(err.Error(), "No space left on device") {
		return &paas.Error{Kind: paas.NoSpace, Msg: "the server's disk is full", Hint: "free some space on it and try again; nothing was changed", Err: fmt.Errorf("%s: %w", doing, err)}
	}
	return fmt.Errorf("%s: %w", doing, err)
}
