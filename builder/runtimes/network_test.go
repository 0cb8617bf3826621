package runtimes

import (
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloudsania/cloudsania/paas"
)

// The real sources, checksums and programs, with the fallbacks that this network needs.
func TestRealDownloads(t *testing.T) {
	if os.Getenv("CLOUDSANIA_TEST_DOCKER") != "1" {
		t.Skip("set CLOUDSANIA_TEST_DOCKER=1 to download real runtimes")
	}
	c, err := New(Options{Dir: t.TempDir(), BasePython: "3.13.5", CABundle: os.Getenv("SSL_CERT_FILE"), Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []struct {
		want    paas.Runtime
		program string
		args    []string
		says    string
	}{
		{paas.Runtime{Name: "node", Constraint: "^22"}, "bin/node", []string{"--version"}, "v22."},
		{paas.Runtime{Name: "uv", Constraint: "0.13.9"}, "uv", []string{"--version"}, "uv 0.13.9"},
		{paas.Runtime{Name: "go", Constraint: "1.24.9"}, "bin/go", []string{"version"}, "go version go1.24.9"},
		{paas.Runtime{Name: "python", Constraint: "3.11.9"}, "bin/python3", []string{"-c", "import sys, ssl, sqlite3, ctypes, lzma; print(sys.version, sys.prefix)"}, "3.11."},
	} {
		t.Run(r.want.Name, func(t *testing.T) {
			if slow && r.want.Name == "go" {
				t.Skip("too slow under the race detector")
			}
			got, out, err := ensure(c, r.want)
			if err != nil {
				t.Fatal(err)
			}
			dir := filepath.Join(c.Dir(), r.want.Name+"-"+got[0].Version)
			said, err := exec.Command(filepath.Join(dir, r.program), r.args...).CombinedOutput()
			if err != nil || !strings.HasPrefix(string(said), r.says) {
				t.Errorf("%v: %s", err, said)
			}
			if r.want.Name == "python" && !strings.Contains(string(said), dir) {
				t.Errorf("Python's prefix is elsewhere: %s", said)
			}
			if _, again, err := ensure(c, r.want); err != nil || strings.Contains(again, "downloading") {
				t.Errorf("the second time: %q %v, the first: %q", again, err, out)
			}
		})
	}
}

func TestRealChecksumDatabase(t *testing.T) {
	if os.Getenv("CLOUDSANIA_TEST_DOCKER") != "1" {
		t.Skip("set CLOUDSANIA_TEST_DOCKER=1 to ask the Go checksum database")
	}
	c := newCache(t, t.TempDir(), Mirrors{})
	for range 2 { // from nothing, then from the tree head that was kept
		sum, err := c.moduleSum(t.Context(), "golang.org/x/mod", "v0.1.0")
		if err != nil || sum != "h1:sfUMP1Gu8qASkorDVjnMuvgJzwFbTZSeXFiGBYAVdl4=" {
			t.Errorf("sum %q, %v", sum, err)
		}
	}
	if _, err := c.moduleSum(t.Context(), "golang.org/x/mod", "v0.1.0-none"); err == nil {
		t.Error("a version that does not exist has a checksum")
	}
}
