package run

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// hierarchy is where cgroups can be made: below a directory of version 2, or below one per controller of version 1.
type hierarchy struct {
	v2          string            // the parent directory
	controllers map[string]string // version 1: memory, pids, cpu → the parent directory
}

// ownHierarchies finds this process's own places. What cannot be read is not there.
func ownHierarchies() []hierarchy {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil
	}
	own, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil
	}
	return findHierarchies(mounts, own)
}

// findHierarchies reads proc(5)'s mountinfo and cgroup files.
func findHierarchies(mountinfo, own []byte) []hierarchy {
	paths := ownPaths(own)
	var v2 []hierarchy
	v1 := hierarchy{controllers: map[string]string{}}
	sc := bufio.NewScanner(bytes.NewReader(mountinfo))
	for sc.Scan() {
		m, ok := parseMount(sc.Text())
		if !ok {
			continue
		}
		if m.kind == "cgroup2" {
			v2 = append(v2, v2Places(m, paths[""])...)
			continue
		}
		for _, c := range []string{"memory", "pids", "cpu"} {
			if dir, ok := m.below(paths[c]); ok && slices.Contains(m.options, c) {
				v1.controllers[c] = dir
			}
		}
	}
	return append(v2, v1)
}

// v2Places are our own cgroup and, since one with processes in it may not share memory out to children, the one above
// when that was made for us. A slice is not: it is systemd's to write in.
func v2Places(m mount, own string) []hierarchy {
	dir, ok := m.below(own)
	if !ok {
		return nil
	}
	places := []hierarchy{{v2: dir}}
	if above := filepath.Dir(dir); dir != m.dir && !strings.HasSuffix(above, ".slice") && above != m.dir {
		places = append(places, hierarchy{v2: above})
	}
	return places
}

// open makes the cgroups that enforce c, or none.
func (h hierarchy) open(name string, c Limits) ([]string, error) {
	if h.v2 != "" {
		return h.openV2(name, c)
	}
	if h.controllers["memory"] == "" {
		return nil, errors.New("no memory controller")
	}
	var groups []string
	for _, controller := range []string{"memory", "pids", "cpu"} {
		parent := h.controllers[controller]
		if parent == "" {
			continue
		}
		dir, err := makeGroup(parent, name, v1Limits(controller, c))
		if err != nil {
			for _, g := range groups {
				_ = os.Remove(g)
			}
			return nil, err
		}
		groups = append(groups, dir)
	}
	return groups, nil
}

func (h hierarchy) openV2(name string, c Limits) ([]string, error) {
	shared, err := os.ReadFile(filepath.Join(h.v2, "cgroup.subtree_control"))
	if err != nil {
		return nil, err
	}
	for _, controller := range []string{"memory", "pids", "cpu"} {
		if slices.Contains(strings.Fields(string(shared)), controller) {
			continue
		}
		if err := writeGroup(h.v2, "cgroup.subtree_control", "+"+controller); err != nil && controller == "memory" {
			return nil, err
		}
	}
	dir, err := makeGroup(h.v2, name, v2Limits(c))
	return []string{dir}, err
}

// limit is a file of a cgroup and what to write there. Optional ones are not on every kernel.
type limit struct {
	file, value string
	optional    bool
}

func v1Limits(controller string, c Limits) []limit {
	switch {
	case controller == "memory" && c.MemoryMB > 0:
		bytes := strconv.Itoa(c.MemoryMB << 20)
		return []limit{{"memory.limit_in_bytes", bytes, false}, {"memory.memsw.limit_in_bytes", bytes, true}}
	case controller == "pids" && c.PIDs > 0:
		return []limit{{"pids.max", strconv.Itoa(c.PIDs), false}}
	case controller == "cpu" && c.CPUWeight > 0:
		return []limit{{"cpu.shares", strconv.Itoa(max(2, c.CPUWeight*1024/100)), false}}
	}
	return nil
}

func v2Limits(c Limits) (limits []limit) {
	if c.MemoryMB > 0 {
		limits = append(limits,
			limit{"memory.max", strconv.Itoa(c.MemoryMB << 20), false},
			limit{"memory.swap.max", "0", true},
			limit{"memory.oom.group", "1", true})
	}
	if c.PIDs > 0 {
		limits = append(limits, limit{"pids.max", strconv.Itoa(c.PIDs), true})
	}
	if c.CPUWeight > 0 {
		limits = append(limits, limit{"cpu.weight", strconv.Itoa(c.CPUWeight), true})
	}
	return limits
}

func makeGroup(parent, name string, limits []limit) (string, error) {
	sweepGroups(parent)
	dir := filepath.Join(parent, name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", err
	}
	for _, l := range limits {
		if err := writeGroup(dir, l.file, l.value); err != nil && !l.optional {
			_ = os.Remove(dir)
			return "", err
		}
	}
	return dir, nil
}

// sweepGroups removes empty cgroups whose cloudsania process has ended; the kernel refuses to remove one that is in
// use.
func sweepGroups(parent string) {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return
	}
	for _, e := range entries {
		m := groupName.FindStringSubmatch(e.Name())
		if m == nil {
			continue
		}
		if pid, err := strconv.Atoi(m[1]); err == nil && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			_ = os.Remove(filepath.Join(parent, e.Name()))
		}
	}
}

// writeGroup writes to a file that the kernel has put there: it never makes one.
func writeGroup(dir, file, value string) error {
	f, err := os.OpenFile(filepath.Join(dir, file), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	return nil
}

// ownPaths maps each controller of version 1, and "" for version 2, to this process's cgroup: lines of
// "4:memory:/path", "0::/path".
func ownPaths(own []byte) map[string]string {
	paths := map[string]string{}
	for _, line := range strings.Split(string(own), "\n") {
		f := strings.SplitN(line, ":", 3)
		if len(f) != 3 {
			continue
		}
		for _, c := range strings.Split(f[1], ",") {
			paths[c] = f[2]
		}
	}
	return paths
}

// mount is a line of mountinfo: the part of the file system that is shown, where, of which kind, with which options.
type mount struct {
	root, dir, kind string
	options         []string
}

// parseMount knows cgroup mounts only.
func parseMount(line string) (mount, bool) {
	fields, more, ok := strings.Cut(line, " - ")
	f, m := strings.Fields(fields), strings.Fields(more)
	if !ok || len(f) < 5 || len(m) < 3 || !strings.HasPrefix(m[0], "cgroup") {
		return mount{}, false
	}
	return mount{root: f[3], dir: f[4], kind: m[0], options: strings.Split(m[2], ",")}, true
}

// below is where the mount shows the cgroup path.
func (m mount) below(path string) (string, bool) {
	rel, ok := strings.CutPrefix(path, strings.TrimSuffix(m.root, "/"))
	if path == "" || !ok || rel != "" && !strings.HasPrefix(rel, "/") {
		return "", false
	}
	return filepath.Join(m.dir, rel), true
}
