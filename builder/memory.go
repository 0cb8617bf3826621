package builder

import (
	"bufio"
	"os"
	"strconv"
	"strings"
)

const (
	minBuildMB     = 512
	defaultBuildMB = 2048 // when the kernel does not tell
)

// buildMemoryMB is the cap of a build that starts now: three quarters of what is free, so that the apps keep the rest.
func (b *Builder) buildMemoryMB() int {
	if b.memoryMB > 0 {
		return b.memoryMB
	}
	free := availableMB("/proc/meminfo")
	if free <= 0 {
		return defaultBuildMB
	}
	return max(minBuildMB, free/4*3/cap(b.slots))
}

// availableMB reads what the kernel could give without hurting others, swap included; 0 when it is not there.
func availableMB(meminfo string) int {
	f, err := os.Open(meminfo)
	if err != nil {
		return 0
	}
	defer func() { _ = f.Close() }()
	total := 0
	for s := bufio.NewScanner(f); s.Scan(); {
		field := strings.Fields(s.Text())
		if len(field) >= 2 && (field[0] == "MemAvailable:" || field[0] == "SwapFree:") {
			kb, err := strconv.Atoi(field[1])
			if err == nil {
				total += kb >> 10
			}
		}
	}
	return total
}
