package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// installer runs install.sh as a server without a checkout does: from a copy, downloading a release.
type installer struct {
	dir, dist   string
	http, https int
	env         []string
}

func newInstaller(t *testing.T) *installer {
	t.Helper()
	if os.Getuid() != 0 {
		t.Fatal("install.sh needs root: run the tests as root")
	}
	dir, err := os.MkdirTemp("", "cloudsania-install-")
	if err == nil {
		err = os.Chmod(dir, 0o755) // the edge's user must reach the program
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	i := &installer{dir: dir, http: freePort(), https: freePort()}
	i.dist = filepath.Join(i.dir, "dist")
	if err := os.Mkdir(i.dist, 0o755); err != nil {
		t.Fatal(err)
	}
	i.shell(t, "openssl", "genpkey", "-algorithm", "ed25519", "-out", i.path("key.pem"))
	i.shell(t, "openssl", "pkey", "-in", i.path("key.pem"), "-pubout", "-out", i.path("pub.pem"))
	i.copy(t, "../install.sh", i.path("install.sh"), 0o755)
	i.copy(t, programs.buildpack, filepath.Join(i.dist, i.program(t)), 0o755)
	i.sign(t)
	srv := httptest.NewServer(http.StripPrefix("/latest/download/", http.FileServer(http.Dir(i.dist))))
	t.Cleanup(srv.Close)
	i.env = append(os.Environ(), "CLOUDSANIA_RELEASES="+srv.URL, "CLOUDSANIA_RELEASE_KEY="+i.path("pub.pem"), "CLOUDSANIA_BIN="+i.path("cloudsania"))
	return i
}

func (i *installer) path(name string) string { return filepath.Join(i.dir, name) }

func (i *installer) program(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOARCH").Output()
	if err != nil {
		t.Fatal(err)
	}
	return "cloudsania-linux-" + strings.TrimSpace(string(out))
}

func (i *installer) shell(t *testing.T, name string, args ...string) {
	t.Helper()
	c := exec.Command(name, args...)
	c.Dir = i.dist
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

func (i *installer) copy(t *testing.T, from, to string, mode os.FileMode) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, b, mode)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// sign makes checksums.txt of what dist holds, and its signature.
func (i *installer) sign(t *testing.T) {
	t.Helper()
	c := exec.Command("sha256sum", i.program(t))
	c.Dir = i.dist
	sums, err := c.Output()
	if err == nil {
		err = os.WriteFile(filepath.Join(i.dist, "checksums.txt"), sums, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	i.shell(t, "openssl", "pkeyutl", "-sign", "-inkey", i.path("key.pem"), "-rawin", "-in", "checksums.txt", "-out", "checksums.txt.sig")
}

func (i *installer) run(args ...string) (string, error) {
	c := exec.Command(i.path("install.sh"), append([]string{"--data", i.path("data"), "--domain", "localhost", "--tls", "self-signed",
		"--http", fmt.Sprintf("127.0.0.1:%d", i.http), "--https", fmt.Sprintf("127.0.0.1:%d", i.https)}, args...)...)
	c.Env = i.env
	out, err := c.CombinedOutput()
	return string(out), err
}

// A release is installed only when checksum and signature are right; then everything runs, a second run changes nothing, and
// --uninstall leaves nothing.
func TestInstallRelease(t *testing.T) {
	if _, err := os.Stat("/run/systemd/system"); err == nil {
		t.Skip("this machine has systemd: install.sh would write its units")
	}
	i := newInstaller(t)
	program := filepath.Join(i.dist, i.program(t))
	good, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("a changed program is refused", func(t *testing.T) {
		if err := os.WriteFile(program, append(good[:len(good):len(good)], 'x'), 0o755); err != nil {
			t.Fatal(err)
		}
		if out, err := i.run(); err == nil || !strings.Contains(out, "checksum") {
			t.Errorf("a changed program: %v\n%s", err, out)
		}
	})
	t.Run("a signature of another key is refused", func(t *testing.T) {
		if err := os.WriteFile(filepath.Join(i.dist, "checksums.txt.sig"), make([]byte, 64), 0o644); err != nil {
			t.Fatal(err)
		}
		if out, err := i.run(); err == nil || !strings.Contains(out, "signature") {
			t.Errorf("a wrong signature: %v\n%s", err, out)
		}
		if _, err := os.Stat(i.path("cloudsania")); err == nil {
			t.Error("the program was installed all the same")
		}
	})
	if err := os.WriteFile(program, good, 0o755); err != nil {
		t.Fatal(err)
	}
	i.sign(t)
	const others = "/etc/cloudsania/of-another-installation" // beside whose key the default installation's lies
	if err := os.MkdirAll(filepath.Dir(others), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(others, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if cache := os.Getenv("CLOUDSANIA_TEST_CACHE"); cache != "" { // saves fetching the Debian base once more
		if err := os.MkdirAll(i.path("data/builder"), 0o711); err != nil {
			t.Fatal(err)
		}
		i.shell(t, "cp", "-a", filepath.Join(cache, "tree"), filepath.Join(cache, "tree.done"), i.path("data/builder"))
	}
	t.Cleanup(func() {
		if out, err := i.run("--uninstall", "--purge"); err != nil {
			t.Errorf("uninstall: %v\n%s", err, out)
		}
		if err := os.Remove(others); err != nil {
			t.Errorf("uninstall --purge took away what belongs to another installation: %v", err)
		}
		for _, left := range []string{"data", "data.key", "cloudsania"} {
			if _, err := os.Stat(i.path(left)); err == nil {
				t.Errorf("uninstall leaves %s", left)
			}
		}
	})
	for n := range 2 {
		out, err := i.run("--demo")
		if err != nil {
			t.Fatalf("install, time %d: %v\n%s", n+1, err, out)
		}
		for _, want := range []string{"Dashboard", "Claim it", "memory", "hello.localhost", "fingerprint"} {
			if !strings.Contains(out, want) {
				t.Errorf("install, time %d, does not say %q:\n%s", n+1, want, out)
			}
		}
	}
}

func TestInstallRefusesPlainly(t *testing.T) {
	i := newInstaller(t)
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"unknown option", []string{"--nonsense"}, "no option --nonsense"},
		{"option without value", []string{"--domain"}, "--domain needs a value"},
		{"relative data directory", []string{"--data", "here"}, "absolute path"},
		{"hostile value", []string{"--domain", "x; rm -rf /"}, "character"},
		{"bad port", []string{"--http", ":nope"}, "not an address"},
	} {
		if out, err := i.run(tt.args...); err == nil || !strings.Contains(out, tt.want) || !strings.Contains(out, "error:") {
			t.Errorf("%s: %v\n%s", tt.name, err, out)
		}
	}
	busy := httptest.NewServer(http.NotFoundHandler())
	defer busy.Close()
	out, err := i.run("--http", strings.TrimPrefix(busy.URL, "http://"))
	if err == nil || !strings.Contains(out, "is in use by") || !strings.Contains(out, "three ways out") {
		t.Errorf("a busy port: %v\n%s", err, out)
	}
}
