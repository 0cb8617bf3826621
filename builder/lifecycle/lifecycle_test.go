package lifecycle

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/cloudsania/cloudsania/paas"
)

// The version that is embedded, the one that is built, and the one in go.mod are the same.
func TestVersion(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Version}}", "github.com/buildpacks/lifecycle").Output()
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(string(out)); got != "v"+Version {
		t.Errorf("go.mod has %s, the constant says %s", got, Version)
	}
	text, err := os.ReadFile("lifecycle.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"cmd.Version=" + Version + " ", "-version " + Version + " "} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the generate step lacks %q", want)
		}
	}
}

func TestAPIs(t *testing.T) {
	var doc map[string]struct{ Supported []string }
	if err := json.Unmarshal([]byte(APIs()), &doc); err != nil {
		t.Fatal(err)
	}
	if len(doc["buildpack"].Supported) == 0 || len(doc["platform"].Supported) == 0 {
		t.Errorf("%s", APIs())
	}
}

// A checkout in which nothing was generated still builds, and says what is missing.
func TestMissing(t *testing.T) {
	if p := paas.Public(missing(os.ErrNotExist)); p.Kind != paas.Unavailable || p.Msg != "this binary was built without the lifecycle" || !strings.Contains(p.Hint, "go generate") {
		t.Errorf("%+v", p)
	}
	if Available() == nil {
		t.Skip("the lifecycle is embedded here")
	}
	if Digest() != "" || WriteImage(io.Discard, 1000) == nil {
		t.Error("something can be made of nothing")
	}
}

func TestWriteImage(t *testing.T) {
	if err := Available(); err != nil {
		t.Skip(err, "run go generate")
	}
	var first, second bytes.Buffer
	if err := WriteImage(&first, 1000); err != nil {
		t.Fatal(err)
	}
	if err := WriteImage(&second, 1000); err != nil || !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Errorf("two images differ (%v)", err)
	}
	have := map[string]*tar.Header{}
	for tr := tar.NewReader(&first); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		have[h.Name] = h
	}
	for name, mode := range map[string]int64{"cnb/lifecycle/lifecycle": 0o755, "cnb/lifecycle/launcher": 0o755, "cnb/lifecycle.toml": 0o644, "tmp/": 0o1777, "layers/": 0o777, "etc/passwd": 0o644} {
		if h := have[name]; h == nil || h.Mode != mode {
			t.Errorf("%s: %+v", name, h)
		}
	}
	for _, phase := range []string{"analyzer", "detector", "restorer", "builder", "exporter", "creator"} {
		if h := have["cnb/lifecycle/"+phase]; h == nil || h.Linkname != "lifecycle" {
			t.Errorf("%s: %+v", phase, h)
		}
	}
}
