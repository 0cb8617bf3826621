package daemon

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestUnits(t *testing.T) {
	dir := t.TempDir()
	u := Units{Data: DefaultData, HTTP: ":80", HTTPS: "10.0.0.1:443", EdgeUser: "daemon"}
	u.Flags = []string{"--data", u.Data, "--http", u.HTTP, "--https", u.HTTPS, "--edge-user", u.EdgeUser}
	if err := u.Write(dir); err != nil {
		t.Fatal(err)
	}
	socket, err := os.ReadFile(filepath.Join(dir, "cloudsania-edge.socket"))
	if err != nil || !strings.Contains(string(socket), "ListenStream=80\n") || !strings.Contains(string(socket), "ListenStream=10.0.0.1:443\n") {
		t.Errorf("socket unit: %v\n%s", err, socket)
	}
	evil := u
	evil.Flags = append(slices.Clone(u.Flags), "--domain", "x\nExecStart=/bin/evil")
	if err := evil.Write(dir); err == nil {
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
