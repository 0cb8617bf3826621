package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// edgePIDs are the edge processes of an installation, which name their sockets after themselves.
func edgePIDs(data string) []int {
	sockets, err := filepath.Glob(filepath.Join(data, "edge", "*.sock"))
	if err != nil {
		return nil // only for a pattern that is wrong
	}
	var pids []int
	for _, s := range sockets {
		pid, err := strconv.Atoi(strings.TrimSuffix(filepath.Base(s), ".sock"))
		if err == nil && serves(pid, data) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// serves tells whether a process is one of the installation's: a number may belong to another one by now.
func serves(pid int, data string) bool {
	return slices.Contains(strings.Split(contents(fmt.Sprintf("/proc/%d/cmdline", pid)), "\x00"), data)
}

// awaitEnd waits for edges that were asked to end, and ends those that do not.
func awaitEnd(ctx context.Context, pids []int, data string) error {
	const patience = 20 * time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		pids = slices.DeleteFunc(pids, func(pid int) bool { return !serves(pid, data) })
		if len(pids) == 0 {
			return nil
		}
		if pause(ctx, 100*time.Millisecond) != nil {
			break
		}
	}
	for _, pid := range pids {
		if err := kill(pid); err != nil {
			return err
		}
	}
	return fmt.Errorf("the edge did not end within %s of being asked to, and was killed: process %v", patience, pids)
}
