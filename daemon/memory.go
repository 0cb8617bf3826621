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
	trimEvery = 10 * time.Second       // how often to look
	trimBusy  = 200 * time.Millisecond // of processor time since the last look: not the moment
	trimWorth = 500 * time.Millisecond // of processor time since the last trim: at once
	trimQuiet = 30 * time.Millisecond  // less has touched nothing worth it
	trimAgain = time.Minute            // between trims when there was but a little to do
)

// memoryTrimmer gives memory back as soon as the process has little to do: to the kernel what the garbage collector holds
// in reserve, and the mapped pages of the program that start-up or a build touched. Those are clean copies of the file: the
// kernel maps them again when needed.
type memoryTrimmer struct{}

// Run works until ctx ends.
func (memoryTrimmer) Run(ctx context.Context) error {
	tick := time.NewTicker(trimEvery)
	defer tick.Stop()
	for p := (trimPace{}); ; {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if !p.due(time.Now(), processorTime()) {
			continue
		}
		debug.FreeOSMemory()
		if err := dropProgramPages(); err != nil {
			return nil // a kernel that refuses: only memory is lost
		}
		p.trimmed, p.at = processorTime(), time.Now()
	}
}

// trimPace is the processor time that the process had used when it was looked at and trimmed last, and when that was.
type trimPace struct {
	looked, trimmed time.Duration
	at              time.Time
}

// due tells whether it is time to trim, at a look when the process has used so much.
func (p *trimPace) due(now time.Time, used time.Duration) bool {
	busy, since := used-p.looked > trimBusy, used-p.trimmed
	p.looked = used
	return !busy && (since >= trimWorth || since >= trimQuiet && now.Sub(p.at) >= trimAgain)
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
