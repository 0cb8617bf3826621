package proxy

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

func TestWatchTellsOfProcessesThatComeAndGo(t *testing.T) {
	dir := t.TempDir()
	w, err := Dial(dir).Watch()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	quiet := func(when string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if err := w.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("%s: Next = %v, want nothing to happen", when, err)
		}
	}
	told := func(when string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := w.Next(ctx); err != nil {
			t.Fatalf("%s: Next = %v", when, err)
		}
	}
	quiet("no edge")

	edge := exec.Command("sleep", "60") // its socket is a file: only names count here
	if err := edge.Start(); err != nil {
		t.Fatal(err)
	}
	killed := make(chan struct{})
	defer func() { _ = edge.Process.Kill(); <-killed }()
	go func() { defer close(killed); _ = edge.Wait() }()
	socket := filepath.Join(dir, fmt.Sprintf("%d%s", edge.Process.Pid, socketSuffix))
	if err := errors.Join(os.WriteFile(socket+".new", nil, 0o600), os.Rename(socket+".new", socket)); err != nil {
		t.Fatal(err)
	}
	told("an edge began to accept")
	quiet("an edge runs")

	if err := edge.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	told("the edge was killed")
	<-killed
	told("its socket is left")
	quiet("a dead edge's socket is there")

	if err := os.Rename(socket, socket); err != nil { // nothing: the same name
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(socket+".new", nil, 0o600), os.Rename(socket+".new", socket)); err != nil {
		t.Fatal(err)
	}
	told("another edge with the same process id")
}

func TestWatchNeedsTheDirectory(t *testing.T) {
	if w, err := Dial(filepath.Join(t.TempDir(), "gone")).Watch(); err == nil {
		_ = w.Close()
		t.Error("a directory that is not there is watched")
	}
}
