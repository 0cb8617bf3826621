package run

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Limits are the resource limits of a program and all that it starts. They are enforced by a cgroup, version 1 or 2,
// below this process's own where it may make one; page cache is reclaimed by the kernel and does not count as exceeded.
// Elsewhere RLIMIT_DATA limits each process's own writable memory, which leaves mapped files alone; there PIDs has no
// effect and CPUWeight becomes niceness.
type Limits struct {
	Name      string // lower-case letters, digits, hyphens; part of the cgroup's name
	MemoryMB  int    // 0 for no limit; swap is not added to it
	CPUWeight int    // 1 to 10000, where 100 is an ordinary process's; 0 leaves it
	PIDs      int    // 0 for no limit
}

var (
	validName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	groupName = regexp.MustCompile(`^cloudsania-.+-([0-9]+)-[0-9a-f]{8}$`)
)

// limiter enforces Limits on one program. A nil one limits nothing.
type limiter struct {
	limits Limits
	groups []string // directories of cgroups, the one that limits memory first; empty where resource limits must do
	v2     bool     // processes begin inside
	main   int      // process that was admitted
}

func openLimiter(c *Limits) (*limiter, error) {
	if c == nil {
		return nil, nil
	}
	if !validName.MatchString(c.Name) {
		return nil, fmt.Errorf("%q cannot be the name of a cgroup", c.Name)
	}
	return openLimiterIn(ownHierarchies(), *c), nil
}

// openLimiterIn tries the hierarchies in turn. Not being able to make cgroups is ordinary (a hardened unit, a
// container), not a failure.
func openLimiterIn(hs []hierarchy, c Limits) *limiter {
	var id [4]byte
	_, _ = rand.Read(id[:]) // never fails
	name := fmt.Sprintf("cloudsania-%s-%d-%s", c.Name, os.Getpid(), hex.EncodeToString(id[:]))
	for _, h := range hs {
		if groups, err := h.open(name, c); err == nil {
			return &limiter{limits: c, groups: groups, v2: h.v2 != ""}
		}
	}
	return &limiter{limits: c}
}

// begin arranges for a process to start in a cgroup of version 2. The file must stay open until it has started; it is
// nil elsewhere.
func (e *limiter) begin(attr *syscall.SysProcAttr) (*os.File, error) {
	if e == nil || !e.v2 {
		return nil, nil
	}
	dir, err := os.Open(e.groups[0])
	if err != nil {
		return nil, err
	}
	attr.UseCgroupFD, attr.CgroupFD = true, int(dir.Fd())
	return dir, nil
}

// refused reports whether err may come from a sandbox that does not let processes begin in a cgroup, and makes admit
// move them there.
func (e *limiter) refused(err error) bool {
	if e == nil || !e.v2 || !errors.Is(err, syscall.ENOSYS) && !errors.Is(err, syscall.EPERM) && !errors.Is(err, syscall.EINVAL) {
		return false
	}
	e.v2 = false
	return true
}

// late reports whether a process has to be admitted after its start.
func (e *limiter) late() bool { return e != nil && !e.v2 }

// admit moves a process that has started into the cgroup, and with it all that it starts from now on. Version 1 takes
// some 10 ms for it.
func (e *limiter) admit(pid int) error {
	e.main = pid
	for _, g := range e.groups {
		if err := writeGroup(g, "cgroup.procs", strconv.Itoa(pid)); err != nil {
			return err
		}
	}
	if len(e.groups) > 0 {
		return nil
	}
	if w := e.limits.CPUWeight; w > 0 && w < 100 {
		_ = unix.Setpriority(unix.PRIO_PGRP, pid, 10) // an eighth of an ordinary process's share, roughly
	}
	if e.limits.MemoryMB <= 0 {
		return nil
	}
	bytes := uint64(e.limits.MemoryMB) << 20
	return unix.Prlimit(pid, unix.RLIMIT_DATA, &unix.Rlimit{Cur: bytes, Max: bytes}, nil)
}

// kill ends all other processes in the cgroup, those that left the process group included.
func (e *limiter) kill() {
	if e == nil || len(e.groups) == 0 {
		return
	}
	if writeGroup(e.groups[0], "cgroup.kill", "1") == nil { // version 2, Linux 5.14
		return
	}
	for range 10 { // what it forks meanwhile is in the next reading
		found := false
		pids, err := os.ReadFile(filepath.Join(e.groups[0], "cgroup.procs"))
		if err != nil {
			return
		}
		for _, f := range strings.Fields(string(pids)) {
			if pid, err := strconv.Atoi(f); err == nil && pid > 0 && pid != e.main {
				found = true
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
		if !found {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// close removes the cgroups and reports whether the kernel killed a process in them for want of memory.
func (e *limiter) close() (oom bool) {
	if e == nil || len(e.groups) == 0 {
		return false
	}
	e.kill()
	oom = oomKills(e.groups[0]) > 0
	for _, g := range e.groups {
		// A killed process leaves its cgroup a moment after it is reaped.
		for deadline := time.Now().Add(time.Second); errors.Is(os.Remove(g), syscall.EBUSY) && time.Now().Before(deadline); {
			time.Sleep(5 * time.Millisecond)
		}
	}
	return oom
}

// oomKills reads the counter, which version 2 keeps in memory.events and version 1 in memory.oom_control.
func oomKills(dir string) int {
	for _, file := range []string{"memory.events", "memory.oom_control"} {
		b, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			continue
		}
		for _, line := range strings.Split(string(b), "\n") {
			if v, ok := strings.CutPrefix(line, "oom_kill "); ok {
				n, _ := strconv.Atoi(v)
				return n
			}
		}
	}
	return 0
}
