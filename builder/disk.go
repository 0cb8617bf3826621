package builder

import (
	"context"
	"errors"
	"time"

	"github.com/cloudsania/cloudsania/disk"
)

const (
	minFreeBytes = 512 << 20 // what the store, the logs and running apps must be able to write
	diskInterval = 3 * time.Second
)

var errDiskFull = errors.New("no space left on device: the build was stopped before the disk was full")

// watchDisk ends a build with errDiskFull when it has nearly filled the disk: containers have no quota of their own.
// It looks where our data is, which is where Docker's is on most servers. stop ends the watch and waits for it.
func watchDisk(ctx context.Context, dir string, minFree int64) (watched context.Context, stop func()) {
	watched, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(diskInterval)
		defer tick.Stop()
		for {
			if _, free, err := disk.Free(dir); err == nil && free < minFree {
				cancel(errDiskFull)
				return
			}
			select {
			case <-watched.Done():
				return
			case <-tick.C:
			}
		}
	}()
	return watched, func() {
		cancel(nil)
		<-done
	}
}
