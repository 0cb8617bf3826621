package main

import (
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"
)

func TestParseRollup(t *testing.T) {
	f, err := parseRollup("55fd6cd9f000-7ffedc8c6000 ---p 00000000 00:00 0   [rollup]\nRss:    4028 kB\nPss:     851 kB\nPss_Anon:  605 kB\nPss_File:   246 kB\nSwapPss:   10 kB\n")
	if err != nil || f.pss != 861<<10 || f.file != 246<<10 {
		t.Errorf("= %+v, %v", f, err)
	}
	for _, bad := range []string{"", "Pss: many kB\n", "Rss: 12 kB\n"} {
		if f, err := parseRollup(bad); err == nil {
			t.Errorf("%q was read as %+v", bad, f)
		}
	}
}

func TestParseStat(t *testing.T) {
	st, err := parseStat("42 (a ) b (c) S 7 42 42 0 -1 4194304 1 2 3 4 100 50 30 20 20 0 9 0 1 2 3")
	if err != nil || st.parent != 7 || st.used != 2*time.Second {
		t.Errorf("= %+v, %v; want parent 7 and 200 ticks", st, err)
	}
	for _, bad := range []string{"", "42 (x) S 7", "42 (x) S seven 42 42 0 -1 4194304 1 2 3 4 100 50 30 20 20"} {
		if st, err := parseStat(bad); err == nil {
			t.Errorf("%q was read as %+v", bad, st)
		}
	}
}

func TestOwnProcess(t *testing.T) {
	if f, err := memoryOf(os.Getpid()); err != nil || f.mb() < 1 || f.file > f.pss {
		t.Errorf("memory of this test: %+v, %v", f, err)
	}
	child := exec.Command("sleep", "60")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = child.Process.Kill(); _ = child.Wait() }()
	if list := children(os.Getpid(), nil); !slices.Contains(list, child.Process.Pid) {
		t.Errorf("process %d is not among the children %v", child.Process.Pid, list)
	}
	if list := children(os.Getpid(), []int{child.Process.Pid}); slices.Contains(list, child.Process.Pid) {
		t.Errorf("process %d was left out, but is among the children %v", child.Process.Pid, list)
	}
}

func TestBelow(t *testing.T) {
	list := below(map[int]int{2: 1, 3: 2, 4: 3, 5: 9, 9: 1}, 2)
	slices.Sort(list)
	if !slices.Equal(list, []int{3, 4}) {
		t.Errorf("= %v, want children and theirs", list)
	}
}

func TestProcessorTimeIsOfTheProcessesAsked(t *testing.T) {
	before, err := processorTime([]int{os.Getpid()})
	if err != nil {
		t.Fatal(err)
	}
	for begin := time.Now(); time.Since(begin) < 200*time.Millisecond; {
	}
	after, err := processorTime([]int{os.Getpid()})
	if err != nil || after-before < 2*tick {
		t.Errorf("200 ms of work counted as %s, %v", after-before, err)
	}
	if _, err := processorTime([]int{1 << 30}); err == nil {
		t.Error("a process that does not exist has a processor time")
	}
}
