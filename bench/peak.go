package main

import (
	"context"
	"fmt"
	"os"
	"time"
)

// peak is the most memory of control since watch, in MB. RSS is counted by the kernel and misses nothing; the others are sampled.
type peak struct {
	rss, pss float64
	all      float64 // PSS of control and the processes below it: git, but not the edge
}

const peakEvery = 50 * time.Millisecond

// watch begins a new peak; what it returns ends it.
func (w *world) watch(ctx context.Context) (stop func() (peak, error), err error) {
	pid := w.control.Process.Pid
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0); err != nil { // proc_pid_clear_refs(5): reset VmHWM
		return nil, fmt.Errorf("reset the peak of control's memory: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan peak, 1)
	edges := edgePIDs(w.data)
	go func() {
		var p peak
		for pause(ctx, peakEvery) == nil {
			p.look(pid, edges)
		}
		done <- p
	}()
	return func() (peak, error) {
		cancel()
		p := <-done
		var kb int64
		if _, err := fmt.Sscanf(procField(fmt.Sprintf("/proc/%d/status", pid), "VmHWM"), "%d kB", &kb); err != nil {
			return p, fmt.Errorf("read the peak of control's memory: %w", err)
		}
		p.rss = float64(kb<<10) / mb
		return p, nil
	}, nil
}

func (p *peak) look(pid int, edges []int) {
	own, err := memoryOf(pid)
	if err != nil {
		return // control ended: whoever talks to it notices
	}
	all := own
	for _, c := range children(pid, edges) {
		if f, err := memoryOf(c); err == nil {
			all = all.plus(f)
		}
	}
	p.pss, p.all = max(p.pss, own.mb()), max(p.all, all.mb())
}
