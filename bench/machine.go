package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// machine is where and when, without which a figure says little.
type machine struct {
	When       time.Time `json:"when"`
	Commit     string    `json:"commit"` // "+" behind it: with changes that are not committed
	CPU        string    `json:"cpu"`
	Cores      int       `json:"cores"`
	MemoryMB   int       `json:"memory_mb"`
	Kernel     string    `json:"kernel"`
	Docker     string    `json:"docker"`
	LoadBefore string    `json:"load_before"` // of the last minute, five and fifteen
	LoadAfter  string    `json:"load_after"`
}

func describe(ctx context.Context, root string) machine {
	return machine{
		When: time.Now().UTC().Truncate(time.Second), Commit: commit(ctx, root), CPU: procField("/proc/cpuinfo", "model name"), Cores: runtime.NumCPU(),
		MemoryMB: memoryMB(), Kernel: contents("/proc/sys/kernel/osrelease"), Docker: dockerVersion(ctx), LoadBefore: loadAverage(),
	}
}

func (m machine) String() string {
	return fmt.Sprintf("%s, commit %s, %d cores (%s), %d MB of memory, Linux %s, Docker %s; load before %s, after %s.",
		m.When.Format("2006-01-02 15:04 MST"), m.Commit, m.Cores, m.CPU, m.MemoryMB, m.Kernel, m.Docker, m.LoadBefore, m.LoadAfter)
}

func commit(ctx context.Context, root string) string {
	git := func(args ...string) string {
		c := exec.CommandContext(ctx, "git", append([]string{"-C", root}, args...)...)
		out, err := c.Output()
		if err != nil {
			return ""
		}
		return strings.TrimSpace(string(out))
	}
	id := git("rev-parse", "--short", "HEAD")
	if id != "" && git("status", "--porcelain", "--untracked-files=no") != "" {
		id += "+"
	}
	return id
}

// procField is the text behind the first "name :" of a file of /proc; "" when there is none.
func procField(path, name string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if key, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func memoryMB() int {
	kb := 0
	if _, err := fmt.Sscanf(procField("/proc/meminfo", "MemTotal"), "%d kB", &kb); err != nil {
		return 0
	}
	return kb >> 10
}

func loadAverage() string {
	f := strings.Fields(contents("/proc/loadavg"))
	return strings.Join(f[:min(3, len(f))], " ")
}

// contents is a small file without the white space around it; "" when it cannot be read.
func contents(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}
