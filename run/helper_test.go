package run

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// TestMain lets the test binary play the programs that a test needs and no distribution has.
func TestMain(m *testing.M) {
	switch os.Getenv("RUN_TEST_PLAY") {
	case "":
		os.Exit(m.Run())
	case "parent": // starts a child, says its pid, waits
		fmt.Println(child())
		time.Sleep(time.Hour)
	case "patient": // waits for its input to end before it starts a child
		_, _ = io.Copy(io.Discard, os.Stdin)
		fmt.Println(child())
	case "careless": // starts a child that keeps stdout open, and ends
		fmt.Println(child())
	case "stubborn": // does not end when asked to
		signal.Ignore(syscall.SIGTERM)
		fmt.Println("ready")
		time.Sleep(time.Hour)
	case "detacher": // leaves a program behind, says its pid, ends
		pid, err := Detach(Cmd{Path: "sleep", Args: []string{"1000"}})
		if err != nil {
			panic(err)
		}
		fmt.Println(pid)
	case "third": // reads its first extra file
		_, _ = io.Copy(os.Stdout, os.NewFile(3, "third"))
	}
	os.Exit(0)
}

func child() int {
	p, err := os.StartProcess("/usr/bin/sleep", []string{"sleep", "1000"}, &os.ProcAttr{Files: []*os.File{nil, os.Stdout, nil}})
	if err != nil {
		panic(err)
	}
	return p.Pid
}

func play(t *testing.T, part string) Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Cmd{Path: self, Env: []string{"RUN_TEST_PLAY=" + part}}
}

// gone waits for a process to end: one that was killed goes a moment later, and an orphan is reaped by process 1.
func gone(t *testing.T, pid int) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if !alive(pid) {
			return
		}
	}
	t.Errorf("process %d still runs", pid)
	_ = syscall.Kill(pid, syscall.SIGKILL)
}

// alive reports whether pid runs; a zombie does not.
func alive(pid int) bool {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false
	}
	var n int
	var comm, state string
	_, _ = fmt.Sscan(string(b), &n, &comm, &state)
	return state != "Z"
}
