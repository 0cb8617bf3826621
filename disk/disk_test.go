package disk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/cloudsania/cloudsania/paas"
)

func wantFile(t *testing.T, path, want string) {
	t.Helper()
	if got, err := os.ReadFile(path); err != nil || string(got) != want {
		t.Errorf("%s holds %q (%v), want %q", filepath.Base(path), got, err, want)
	}
}

func wantOnly(t *testing.T, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if fmt.Sprint(got) != fmt.Sprint(names) {
		t.Errorf("the directory holds %q, want %q", got, names)
	}
}

func TestWriteReplacesAsAWhole(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "state")
	for _, text := range []string{"one", "two"} {
		if err := WriteFile(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		wantFile(t, path, text)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	broken := errors.New("broken")
	err := Write(path, func(w io.Writer) error {
		_, _ = io.WriteString(w, "half")
		return broken
	})
	if !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	wantFile(t, path, "two")
	wantOnly(t, dir, "state")
}

func TestWriteThatCannotBeNamedLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "state", "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(filepath.Join(dir, "state"), []byte("one")); err == nil {
		t.Error("a file took the place of a directory")
	}
	wantOnly(t, dir, "state")
}

func TestWriteNewRefusesWhatExists(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "key")
	if err := WriteNew(path, []byte("one")); err != nil {
		t.Fatal(err)
	}
	if err := WriteNew(path, []byte("two")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("error %v", err)
	}
	wantFile(t, path, "one")
	wantOnly(t, dir, "key")
}

func TestRemoveTemporaries(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "db")
	staged, err := Stage(path, func(w io.Writer) error { _, err := io.WriteString(w, "half"); return err })
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := filepath.Match(Temporaries, filepath.Base(staged)); !ok || err != nil {
		t.Errorf("%q does not match (%v)", staged, err)
	}
	other, err := Stage(filepath.Join(dir, "other"), func(io.Writer) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(WriteFile(path, nil), RemoveTemporaries(path)); err != nil {
		t.Fatal(err)
	}
	wantOnly(t, dir, filepath.Base(other), "db")
}

func TestFull(t *testing.T) {
	for _, err := range []error{
		syscall.ENOSPC,
		syscall.EFBIG,
		&fs.PathError{Op: "write", Path: "x", Err: syscall.EDQUOT},
		errors.New("file sync error: no space left on device"),
		errors.New("fatal: write error: No space left on device"),
	} {
		full := Full(err)
		if !paas.IsKind(full, paas.NoSpace) || !errors.Is(full, err) || paas.Public(full).Hint == "" {
			t.Errorf("%v: %v", err, full)
		}
	}
	for _, err := range []error{
		nil,
		errors.New("input/output error"),
		paas.Invalidf("x", "", "a value with the text no space left on device"),
	} {
		if Full(err) != err {
			t.Errorf("%v was changed", err)
		}
	}
}

func TestFree(t *testing.T) {
	total, free, err := Free(t.TempDir())
	if err != nil || free < 0 || total < free {
		t.Errorf("%d of %d, %v", free, total, err)
	}
	if _, _, err := Free(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing path: %v", err)
	}
}
