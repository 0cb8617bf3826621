package store

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cloudsania/cloudsania/paas"
)

// lock takes the file for this process alone, as bbolt does right afterwards on the same descriptor, waiting a little for one that is
// just ending.
func lock(f *os.File, wait time.Duration) error {
	for deadline := time.Now().Add(wait); ; time.Sleep(50 * time.Millisecond) {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("lock the database: %w", err)
		}
		if time.Now().After(deadline) {
			return &paas.Error{Kind: paas.Unavailable, Msg: fmt.Sprintf("the database %q is in use by another process", f.Name()),
				Hint: "is the server already running? stop it, or pass another --data directory", Err: err}
		}
	}
}
