package deploy

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

func TestALogHasALimitAlsoAfterARestart(t *testing.T) {
	dir, id := t.TempDir(), paas.NewID("dep")
	if err := os.WriteFile(filepath.Join(dir, id+logSuffix), make([]byte, maxLogBytes-100), 0o600); err != nil {
		t.Fatal(err)
	}
	l := newLogs(dir) // of a process that has written nothing yet
	for range 3 {
		l.line(id, paas.StepBuild, strings.Repeat("x", 1000))
	}
	b, err := os.ReadFile(filepath.Join(dir, id+logSuffix))
	if err != nil || len(b) > maxLogBytes+200 || !strings.Contains(string(b), "is not kept") {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	if l.end(id); len(l.size) != 0 {
		t.Error("the log of a deployment that has ended is kept in mind")
	}
}

func TestColoursStayInTheLog(t *testing.T) {
	l, id := newLogs(t.TempDir()), paas.NewID("dep")
	l.line(id, paas.StepBuild, "\x1b[31mred\x1b[0m\x1b]0;title\x07")
	d := &Deployer{logs: l}
	got, err := d.Log(id)
	if err != nil || len(got) != 1 || got[0].Text != "\x1b[31mred\x1b[0m" && got[0].Text != "\x1b[31mred\x1b[m" {
		t.Errorf("%+v, %v", got, err)
	}
}

// Story: of output without a line break for 64 KiB one byte was lost each time.
func TestLongOutputLosesNothing(t *testing.T) {
	var got strings.Builder
	w := &lineWriter{emit: func(s string) { got.WriteString(s) }}
	var want strings.Builder
	for n := range 40_000 {
		fmt.Fprintf(&want, "%d ", n)
	}
	for part := range strings.SplitSeq(want.String(), "9") {
		if _, err := w.Write([]byte(part + "9")); err != nil {
			t.Fatal(err)
		}
	}
	w.Flush()
	if got.String() != want.String()+"9" {
		t.Errorf("%d of %d bytes", got.Len(), want.Len()+1)
	}
}

// fakeDeployments are of one target, the newest first.
type fakeDeployments []string

func (f fakeDeployments) Deployment(id string) (paas.Deployment, error) {
	for _, known := range f {
		if known == id {
			return paas.Deployment{ID: id, App: "app"}, nil
		}
	}
	return paas.Deployment{}, &paas.Error{Kind: paas.NotFound, Msg: "no such deployment"}
}

func (f fakeDeployments) Deployments(_ paas.Target, limit int) (out []paas.Deployment, err error) {
	for _, id := range f[:min(limit, len(f))] {
		out = append(out, paas.Deployment{ID: id, App: "app"})
	}
	return out, nil
}

func TestOldLogsGo(t *testing.T) {
	l := newLogs(t.TempDir())
	var all fakeDeployments
	for range keptLogs + 2 {
		all = append(all, paas.NewID("dep"))
	}
	unknown, yesterday, long := paas.NewID("dep"), time.Now().Add(-24*time.Hour), time.Now().Add(-keptLogsFor-time.Hour)
	for id, written := range map[string]time.Time{all[0]: long, all[keptLogs-1]: long, all[keptLogs]: yesterday, all[keptLogs+1]: long, unknown: long} {
		l.line(id, paas.StepBuild, "x")
		if err := os.Chtimes(filepath.Join(l.dir, id+logSuffix), written, written); err != nil {
			t.Fatal(err)
		}
	}
	other := filepath.Join(l.dir, "edge"+logSuffix)
	if err := os.WriteFile(other, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(other, long, long); err != nil {
		t.Fatal(err)
	}
	if err := l.retain(all); err != nil {
		t.Fatal(err)
	}
	for name, kept := range map[string]bool{all[0]: true, all[keptLogs-1]: true, all[keptLogs]: true, all[keptLogs+1]: false, unknown: false, "edge": true} {
		if _, err := os.Stat(filepath.Join(l.dir, name+logSuffix)); (err == nil) != kept {
			t.Errorf("log of %s: %v, want kept %v", name, err, kept)
		}
	}
}
