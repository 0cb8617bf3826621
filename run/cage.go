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

// Cage limits a program and all that it starts. It is a cgroup, version 1 or 2, below our own where we may make one; page cache, which the
// kernel gives back by itself, then fails nothing. Elsewhere it is a resource limit on each process's own writable memory, which leaves
// mapped files alone; there PIDs has no effect and CPUWeight becomes niceness.
type Cage struct {
	Name      string // lower-case letters, digits, hyphens; part of the cgroup's name
	MemoryMB  int    // 0 for no limit; swap is not added to it
	CPUWeight int    // 1 to 10000, where 100 is an ordinary process's; 0 leaves it
	PIDs      int    // 0 for no limit
}

var (
	validCage = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	cageDir   = regexp.MustCompile(`^cloudsania-.+-([0-9]+)-[0-9a-f]{8}$`)
)

// enclosure is a Cage in use. A nil one encloses nothing.
type enclosure struct {
	cage   Cage
	groups []string // directories of cgroups, the one that limits memory first; empty where resource limits must do
	v2     bool     // processes begin inside
	main   int      // process that was admitted
}

func openCage(c *Cage) (*enclosure, error) {
	if c == nil {
		return nil, nil
	}
	if !validCage.MatchString(c.Name) {
		return nil, fmt.Errorf("%q cannot be a cage's name", c.Name)
	}
	return openCageIn(ownHierarchies(), *c), nil
}

// openCageIn tries the hierarchies in turn. Not being able to make cgroups is ordinary (a hardened unit, a container), not a failure.
func openCageIn(hs []hierarchy, c Cage) *enclosure {
	var id [4]byte
	_, _ = rand.Read(id[:]) // never fails
	name := fmt.Sprintf("cloudsania-%s-%d-%s", c.Name, os.Getpid(), hex.EncodeToString(id[:]))
	for _, h := range hs {
		if groups, err := h.open(name, c); err == nil {
			return &enclosure{cage: c, groups: groups, v2: h.v2 != ""}
		}
	}
	return &enclosure{cage: c}
}

// begin arranges for a process to begin its life in a cgroup of version 2. The file must stay open until it has started; it is nil elsewhere.
func (e *enclosure) begin(attr *syscall.SysProcAttr) (*os.File, error) {
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

// refused reports whether err may come from a sandbox that does not let processes begin in a cgroup, and makes admit move them there.
func (e *enclosure) refused(err error) bool {
	if e == nil || !e.v2 || !errors.Is(err, syscall.ENOSYS) && !errors.Is(err, syscall.EPERM) && !errors.Is(err, syscall.EINVAL) {
		return false
	}
	e.v2 = false
	return true
}

// late reports whether a process has to be admitted after its start.
func (e *enclosure) late() bool { return e != nil && !e.v2 }

// admit puts a process in that has started, and with it all that it starts from now on. Version 1 takes some 10 ms for it.
func (e *enclosure) admit(pid int) error {
	e.main = pid
	for _, g := range e.groups {
		if err := writeGroup(g, "cgroup.procs", strconv.Itoa(pid)); err != nil {
			return err
		}
	}
	if len(e.groups) > 0 {
		return nil
	}
	if w := e.cage.CPUWeight; w > 0 && w < 100 {
		_ = unix.Setpriority(unix.PRIO_PGRP, pid, 10) // an eighth of an ordinary process's share, roughly
	}
	if e.cage.MemoryMB <= 0 {
		return nil
	}
	bytes := uint64(e.cage.MemoryMB) << 20
	return unix.Prlimit(pid, unix.RLIMIT_DATA, &unix.Rlimit{Cur: bytes, Max: bytes}, nil)
}

// kill ends whatever else is still inside, also what left the process group.
func (e *enclosure) kill() {
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

// close removes the cage and reports whether the kernel killed something in it for want of memory.
func (e *enclosure) close() (oom bool) {
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
