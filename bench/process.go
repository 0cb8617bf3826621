package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

const mb = 1 << 20

// footprint is memory in bytes: PSS, swapped out pages included, and the part of it that maps files, such as the program's own.
type footprint struct{ pss, file int64 }

func (f footprint) plus(g footprint) footprint { return footprint{f.pss + g.pss, f.file + g.file} }

func (f footprint) mb() float64 { return float64(f.pss) / mb }

// memoryOf reads /proc/PID/smaps_rollup.
func memoryOf(pid int) (footprint, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return footprint{}, fmt.Errorf("read memory of a process: %w", err)
	}
	return parseRollup(string(b))
}

func parseRollup(text string) (f footprint, err error) {
	for line := range strings.Lines(text) {
		name, rest, _ := strings.Cut(line, ":")
		var kb int64
		switch name {
		case "Pss", "SwapPss", "Pss_File":
			if _, err := fmt.Sscanf(rest, "%d kB", &kb); err != nil {
				return f, fmt.Errorf("read memory of a process: %q: %w", line, err)
			}
		}
		switch name {
		case "Pss", "SwapPss":
			f.pss += kb << 10
		case "Pss_File":
			f.file += kb << 10
		}
	}
	if f.pss == 0 {
		return f, errors.New("read memory of a process: no Pss in smaps_rollup")
	}
	return f, nil
}

// tick is the unit of processor time in /proc: Linux fixes it at 1/100 s for programs on the processors that we support.
const tick = time.Second / 100

// stat is what we take from /proc/PID/stat, see proc_pid_stat(5).
type stat struct {
	parent int
	used   time.Duration // processor time, that of ended children included
}

func statOf(pid int) (stat, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return stat{}, fmt.Errorf("read a process: %w", err)
	}
	return parseStat(string(b))
}

func parseStat(text string) (stat, error) {
	f := strings.Fields(text[strings.LastIndexByte(text, ')')+1:]) // the name before may hold anything
	if len(f) < 15 {
		return stat{}, fmt.Errorf("read a process: %q", text)
	}
	var s stat
	parent, err := strconv.Atoi(f[1])
	if err != nil {
		return s, fmt.Errorf("read a process: %w", err)
	}
	s.parent = parent
	for _, x := range f[11:15] { // utime, stime, cutime, cstime
		n, err := strconv.ParseInt(x, 10, 64)
		if err != nil {
			return s, fmt.Errorf("read a process: %w", err)
		}
		s.used += time.Duration(n) * tick
	}
	return s, nil
}

// children are all processes below pid, those in except and below them left out.
func children(pid int, except []int) []int {
	parents := map[int]int{}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	for _, e := range entries {
		if n, err := strconv.Atoi(e.Name()); err == nil {
			if st, err := statOf(n); err == nil { // else it ended meanwhile
				parents[n] = st.parent
			}
		}
	}
	for _, n := range except {
		delete(parents, n)
	}
	return below(parents, pid)
}

func below(parents map[int]int, pid int) []int {
	var list []int
	for child, parent := range parents {
		if parent == pid {
			list = append(append(list, child), below(parents, child)...)
		}
	}
	return list
}
