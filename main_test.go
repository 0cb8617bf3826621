package main

import (
	"errors"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloudsania/cloudsania/paas"
)

func TestExitCodesTellKindsApart(t *testing.T) {
	for kind, want := range map[paas.Kind]int{paas.Invalid: 2, paas.NotFound: 3, paas.Unauthenticated: 4, paas.Conflict: 5, paas.Unavailable: 6, paas.Failed: 7} {
		if got := report(&paas.Error{Kind: kind, Msg: "x"}); got != want {
			t.Errorf("exit code of %s = %d, want %d", kind, got, want)
		}
	}
	if got := report(errors.New("x")); got != 1 {
		t.Errorf("exit code of an unknown error = %d, want 1", got)
	}
}

func TestDefaultDomainNeedsNoDNSOfOnesOwn(t *testing.T) {
	addrs := []netip.Addr{netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("203.0.113.24")}
	if got := defaultDomain(addrs); got != "203-0-113-24.sslip.io" {
		t.Errorf("defaultDomain = %q", got)
	}
}

func TestTLSMode(t *testing.T) {
	public, private := []netip.Addr{netip.MustParseAddr("9.9.9.9")}, []netip.Addr{netip.MustParseAddr("10.1.2.3"), netip.MustParseAddr("100.64.1.1"), netip.MustParseAddr("203.0.113.24")}
	for _, tt := range []struct {
		flag, domain string
		addrs        []netip.Addr
		want         paas.TLSMode
	}{
		{"auto", "203-0-113-24.sslip.io", public, paas.TLSACME},
		{"auto", "x.example", private, paas.TLSSelfSigned},
		{"auto", "localhost", public, paas.TLSSelfSigned},
		{"off", "x.example", public, paas.TLSOff},
		{"acme", "x.example", private, paas.TLSACME},
		{"nonsense", "x.example", public, ""},
	} {
		got, err := tlsMode(tt.flag, tt.domain, tt.addrs)
		if got != tt.want || (err != nil) != (tt.want == "") {
			t.Errorf("tlsMode(%q, %q, %v) = %q, %v, want %q", tt.flag, tt.domain, tt.addrs, got, err, tt.want)
		}
	}
}

// The key is never in the directory that one would copy as a backup.
func TestKeyIsOutsideTheData(t *testing.T) {
	for _, data := range []string{defaultData, "/srv/x", "/srv/x/", "rel/dir"} {
		if key := keyPath(data, ""); strings.HasPrefix(key, filepath.Clean(data)+"/") {
			t.Errorf("the key of %s is inside it: %s", data, key)
		}
	}
}

func TestUnits(t *testing.T) {
	dir := t.TempDir()
	if err := writeUnits(dir, []string{"--data", "/var/lib/cloudsania", "--http", ":80", "--https", "10.0.0.1:443", "--edge-user", "daemon"}); err != nil {
		t.Fatal(err)
	}
	socket, err := os.ReadFile(filepath.Join(dir, "cloudsania-edge.socket"))
	if err != nil || !strings.Contains(string(socket), "ListenStream=80\n") || !strings.Contains(string(socket), "ListenStream=10.0.0.1:443\n") {
		t.Errorf("socket unit: %v\n%s", err, socket)
	}
	if err := writeUnits(dir, []string{"--edge-user", "daemon", "--domain", "x\nExecStart=/bin/evil"}); err == nil {
		t.Error("a line break went into a unit")
	}
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed: the units are not verified")
	}
	units, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(units) != 3 {
		t.Fatalf("units: %v %v", units, err)
	}
	if out, err := exec.Command(analyze, append([]string{"verify", "--man=no"}, units...)...).CombinedOutput(); err != nil || strings.Contains(string(out), dir) {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}
