package archive

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

// write makes files below a new directory; a text "-> x" makes a link.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if target, ok := strings.CutPrefix(text, "-> "); ok {
			err = os.Symlink(target, path)
		} else {
			err = os.WriteFile(path, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestPack(t *testing.T) {
	dir := write(t, map[string]string{
		"package.json": "{}", "src/a.js": "a", "copy.js": "-> src/a.js", "src/dangling": "-> .#lock", ".env.example": "X=1",
		"node_modules/x/index.js": "n", "web/node_modules/y": "n", ".git/config": "g", ".venv/bin/python": "v", "__pycache__/a.pyc": "p", ".DS_Store": "d",
	})
	if err := os.Chmod(filepath.Join(dir, "src/a.js"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	var one, two bytes.Buffer
	if err := Pack(t.Context(), dir, &one); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(filepath.Join(dir, "package.json"), time.Time{}, time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if err := Pack(t.Context(), dir, &two); err != nil || !bytes.Equal(one.Bytes(), two.Bytes()) {
		t.Errorf("the same files give other bytes: %v", err)
	}
	out, err := unpack(t, one.Bytes(), Options{})
	if got, want := listing(t, out), "644 .env.example=X=1\n755 copy.js=a\n644 package.json={}\n755 src/a.js=a"; err != nil || got != want {
		t.Errorf("%q %v, want %q", got, err, want)
	}
}

func TestPackRefuses(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"link outside", map[string]string{"a": "1", "b": "-> /etc/hostname"}, `"b" is a symbolic link that leads outside`},
		{"link outside, relative", map[string]string{"a": "1", "b": "-> ../../../../../../../etc/hostname"}, "leads outside"},
		{"link to a directory", map[string]string{"a/x": "1", "b": "-> a"}, "to a directory"},
		{"nothing", map[string]string{".git/config": "x"}, "holds no files"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := Pack(t.Context(), write(t, c.files), io.Discard)
			if !paas.IsKind(err, paas.Invalid) || !strings.Contains(paas.Public(err).Msg, c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
	dir := t.TempDir()
	f, err := os.Create(filepath.Join(dir, "huge"))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(defaultBytes + 1); err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	if err := Pack(t.Context(), dir, io.Discard); !paas.IsKind(err, paas.TooLarge) || !strings.Contains(paas.Public(err).Msg, "2 GB") {
		t.Errorf("%v", err)
	}
}
