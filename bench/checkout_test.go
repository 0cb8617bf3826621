package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestCopyOfTheCheckoutHasNothingGenerated(t *testing.T) {
	from, to := t.TempDir(), filepath.Join(t.TempDir(), "copy")
	write := func(name, text string, mode os.FileMode) {
		p := filepath.Join(from, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	git := func(args ...string) {
		if _, err := (&repo{dir: from}).git(t.Context(), args...); err != nil {
			t.Fatal(err)
		}
	}
	git("init", "-q")
	write(".gitignore", "/bin/*\n", 0o644)
	write("install.sh", "#!/bin/sh\n", 0o755)
	write("gone", "x", 0o644)
	git("add", "-A")
	git("commit", "-q", "-m", "x")
	write("bin/program", "generated", 0o755)
	write("sub/new file.go", "package sub\n", 0o644)
	if err := os.Remove(filepath.Join(from, "gone")); err != nil {
		t.Fatal(err)
	}
	if err := copyCheckout(t.Context(), from, to); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"install.sh": true, "sub/new file.go": true, "bin/program": false, "gone": false, ".git": false} {
		if exists(filepath.Join(to, name)) != want {
			t.Errorf("%s in the copy: %v, want %v", name, !want, want)
		}
	}
	if info, err := os.Stat(filepath.Join(to, "install.sh")); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("install.sh cannot be run: %v, %v", info, err)
	}
}

func TestMountsBelow(t *testing.T) {
	const info = "22 27 0:21 / /proc rw - proc proc rw\n40 27 0:21 / /tmp/b/tree/proc rw - proc proc rw\n41 40 0:3 / /tmp/b/tree/proc/sys rw - proc proc rw\n42 27 0:4 / /tmp/bc rw - tmpfs tmpfs rw\n"
	if got := mountsBelow(info, "/tmp/b"); !slices.Equal(got, []string{"/tmp/b/tree/proc/sys", "/tmp/b/tree/proc"}) {
		t.Errorf("= %v", got)
	}
}
