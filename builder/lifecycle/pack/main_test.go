package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestPack(t *testing.T) {
	var archives [][]byte
	for range 2 {
		dir := t.TempDir()
		for _, f := range []string{"lifecycle", "launcher", "lifecycle-linux-old.tar.gz", "README"} {
			if err := os.WriteFile(filepath.Join(dir, f), []byte(f), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := pack(dir, "amd64", "1.2.3"); err != nil {
			t.Fatal(err)
		}
		left, err := os.ReadDir(dir)
		if err != nil || len(left) != 2 || left[0].Name() != "README" || left[1].Name() != "lifecycle-linux-amd64.tar.gz" {
			t.Errorf("left: %v %v", left, err)
		}
		b, err := os.ReadFile(filepath.Join(dir, "lifecycle-linux-amd64.tar.gz"))
		if err != nil {
			t.Fatal(err)
		}
		archives = append(archives, b)
	}
	if !bytes.Equal(archives[0], archives[1]) {
		t.Error("the same binaries give two archives")
	}
	if err := pack(t.TempDir(), "amd64", "1"); err == nil {
		t.Error("packed nothing")
	}
}
