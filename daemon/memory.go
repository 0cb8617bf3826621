package daemon

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	trimEvery = 30 * time.Second       // how often to look: less than the two minutes after which Go collects garbage anyway
	trimBusy  = 600 * time.Millisecond // of processor time since the last look: not the moment
	trimQuiet = 5 * time.Millisecond   // less than this has touched nothing
)

// memoryTrimmer gives memory back while the process has little to do: to the kernel what the garbage collector holds in
// reserve, and the mapped pages of the program that start-up, a build or a collection touched. Those are clean copies of the
// file: the kernel maps them again when needed, 16 at a time.
type memoryTrimmer struct{}

// Run works until ctx ends.
func (memoryTrimmer) Run(ctx context.Context) error {
	tick := time.NewTicker(trimEvery)
	defer tick.Stop()
	var before time.Duration
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		used := processorTime() - before
		if used >= trimQuiet && used <= trimBusy {
			debug.FreeOSMemory()
			if err := dropProgramPages(); err != nil {
				return nil // a kernel that refuses: only memory is lost
			}
		}
		before = processorTime()
	}
}

func processorTime() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// dropProgramPages unmaps the clean pages of our own program.
func dropProgramPages() error {
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		return err
	}
	defer f.Close()
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return err
	}
	for _, r := range cleanRanges(f, exe) {
		if _, _, errno := unix.Syscall(unix.SYS_MADVISE, r.start, r.end-r.start, unix.MADV_DONTNEED); errno != 0 {
			return errno
		}
	}
	return nil
}

// addresses is a range of our own address space.
type addresses struct{ start, end uintptr }

// cleanRanges finds in proc(5)'s smaps the mappings of the program that are not writable and of which no page was ever
// changed: only those can be dropped without losing anything.
func cleanRanges(smaps io.Reader, exe string) []addresses {
	var out []addresses
	var at addresses
	candidate := false
	for s := bufio.NewScanner(smaps); s.Scan(); {
		f := strings.Fields(s.Text())
		switch {
		case len(f) >= 5 && strings.Contains(f[0], "-") && !strings.HasSuffix(f[0], ":"):
			_, err := fmt.Sscanf(f[0], "%x-%x", &at.start, &at.end)
			candidate = err == nil && len(f) >= 6 && strings.Join(f[5:], " ") == exe && !strings.Contains(f[1], "w")
		case len(f) >= 2 && f[0] == "Anonymous:" && candidate && f[1] == "0":
			out = append(out, at)
		}
	}
	return out
}
