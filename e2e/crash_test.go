package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func readFixture(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "apps", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// kill -9 of control while 200 visitors a second come: they do not notice, at once and while control is away for a minute.
func TestVisitorsSurviveControl(t *testing.T) {
	w := newWorld(filepath.Join(programs.dir, "survive"))
	if err := w.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.remove)
	w.create(t, "steady")
	w.clone(t, "node", "steady").push(t)
	listener := w.listen(t, "steady")
	before := w.show(t, "steady")

	visitors := w.visit("steady", 200)
	w.kill()
	time.Sleep(2 * time.Second)
	if err := w.start(); err != nil {
		t.Fatal(err)
	}
	if after := w.show(t, "steady"); after.ID != before.ID || after.Live == nil || after.Live.Number != before.Live.Number {
		t.Errorf("control came back with %+v, had %+v", after, before)
	}
	w.kill()
	time.Sleep(time.Minute)
	if res, err := w.request("localhost", "/"); err != nil || res.StatusCode != 503 {
		t.Errorf("the dashboard while control is away: %v %v, want a friendly 503", res, err)
	}
	if err := w.start(); err != nil {
		t.Fatal(err)
	}
	visitors.end(t, 8000)
	listener.whole(t)
	listener.conn.Close()
}

// kill -9 in the middle of a deploy, at moments spread over its steps: the old version serves throughout, the deployment is taken up
// again or marked, and nothing is left over.
func TestDeploySurvivesKill(t *testing.T) {
	w := newWorld(filepath.Join(programs.dir, "kill"))
	if err := w.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.remove)
	w.create(t, "phoenix")
	r := w.clone(t, "node", "phoenix")
	r.push(t)
	visitors := w.visit("phoenix", 50)
	for n, after := range []time.Duration{300 * time.Millisecond, 900 * time.Millisecond, 1500 * time.Millisecond, 2200 * time.Millisecond, 3 * time.Second, 4 * time.Second} {
		r.write(t, "index.js", strings.ReplaceAll(readFixture(t, "node/index.js"), "line one", fmt.Sprintf("life %d", n)))
		r.commit(t, fmt.Sprintf("life %d", n))
		pushed := make(chan struct{})
		go func() { _, _ = r.try("push", "--force", "cloudsania", "main"); close(pushed) }()
		time.Sleep(after)
		w.kill()
		<-pushed
		if err := w.start(); err != nil {
			t.Fatal(err)
		}
		eventually(t, 2*time.Minute, "every deployment has ended", func() bool {
			for _, d := range w.show(t, "phoenix").Deployments {
				if d.Status == "queued" || d.Status == "running" {
					return false
				}
			}
			return true
		})
		newest := w.show(t, "phoenix").Deployments[0]
		t.Logf("killed after %s: the newest deployment is %s", after, newest.Status)
		if newest.Status == "failed" {
			t.Errorf("killed after %s, the deployment failed: %+v", after, newest.Failure)
		}
	}
	r.commit(t, "at last")
	r.git(t, "push", "--force", "cloudsania", "main")
	visitors.end(t, 500)
	nothingLeft(t, w)
}

// An update under load: the new control starts a new edge, the old one passes its ports on and ends when its streams have.
func TestUpdateLosesNothing(t *testing.T) {
	w := newWorld(filepath.Join(programs.dir, "update"))
	if err := w.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.remove)
	w.create(t, "steady")
	w.clone(t, "node", "steady").push(t)
	listener := w.listen(t, "steady")
	visitors := w.visit("steady", 100)
	w.stop()
	next := filepath.Join(programs.dir, "next")
	if err := compile(next, "1", "-race", "-ldflags", "-X main.version=next"); err != nil {
		t.Fatal(err)
	}
	old := programs.cloudsania
	programs.cloudsania = next
	t.Cleanup(func() { programs.cloudsania = old })
	if err := w.start(); err != nil {
		t.Fatal(err)
	}
	var sys struct {
		Edges []struct {
			Version  string
			Draining bool
			Active   int
		}
	}
	eventually(t, 30*time.Second, "a new edge serves and the old one drains", func() bool {
		w.read(t, &sys, "doctor")
		return len(sys.Edges) == 2 && sys.Edges[0].Version == "next" && sys.Edges[1].Draining && sys.Edges[1].Active > 0
	})
	visitors.end(t, 500)
	listener.whole(t)
	listener.conn.Close()
	eventually(t, 30*time.Second, "the old edge ends", func() bool {
		w.read(t, &sys, "doctor")
		return len(sys.Edges) == 1 && sys.Edges[0].Version == "next"
	})
}

// nothingLeft fails when Docker has containers of this installation beside the live one, or scratch directories remain.
func nothingLeft(t *testing.T, w *world) {
	t.Helper()
	var sys struct{ Installation string }
	w.read(t, &sys, "doctor")
	eventually(t, 30*time.Second, "one container is left", func() bool {
		out, err := exec.Command("docker", "ps", "-aq", "--filter", "label=cloudsania.installation="+sys.Installation).Output()
		return err == nil && len(strings.Fields(string(out))) == 1
	})
	left, err := os.ReadDir(filepath.Join(w.data, "builds"))
	if err != nil || len(left) != 0 {
		t.Errorf("scratch directories are left: %v %v", left, err)
	}
	if out := w.cli(t, "events", "verify"); !strings.Contains(out, "unbroken") {
		t.Errorf("events verify: %s", out)
	}
}
