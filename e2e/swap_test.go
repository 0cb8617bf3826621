package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Twenty deploys while 200 visitors a second come and 20 listen to streams: nobody notices.
func TestDeploysLoseNothing(t *testing.T) {
	w := shared
	w.create(t, "swap")
	r := w.clone(t, "node", "swap")
	r.push(t)
	var streams []*stream
	for range 20 {
		streams = append(streams, w.listen(t, "swap"))
	}
	visitors := w.visit("swap", 200)
	for n := range 20 {
		r.write(t, "index.js", strings.ReplaceAll(readFixture(t, "node/index.js"), "line one", fmt.Sprintf("deploy %d", n)))
		r.commit(t, fmt.Sprintf("deploy %d", n))
		r.push(t)
		w.wantPage(t, "swap", "/", fmt.Sprintf("deploy %d", n))
	}
	visitors.end(t, 2000)
	for _, s := range streams {
		s.whole(t)
		s.conn.Close()
	}
	if n := w.show(t, "swap").Live.Number; n != 21 {
		t.Errorf("v%d is live, want v21", n)
	}
}

// A rollback makes a new version of an old build with the configuration that it had, without building.
func TestRollback(t *testing.T) {
	t.Parallel()
	w := shared
	w.create(t, "back")
	w.cli(t, "env", "back", "set", "GREETING=first")
	r := w.clone(t, "node", "back")
	r.push(t)
	w.wantPage(t, "back", "/env", "first")
	w.cli(t, "env", "back", "set", "GREETING=second")
	w.wantPage(t, "back", "/env", "second")
	w.cli(t, "rollback", "back")
	w.wantPage(t, "back", "/env", "first")
	if n := w.show(t, "back").Live.Number; n != 3 {
		t.Errorf("v%d is live, want v3: a rollback is a release of its own", n)
	}
	w.cli(t, "rollback", "back", "2")
	w.wantPage(t, "back", "/env", "second")
	if out, errs, code := w.try("rollback", "back", "99"); code == 0 || !strings.Contains(errs, "error:") {
		t.Errorf("rollback to a version that never was: exit %d, %s%s", code, out, errs)
	}
}

// Many pushes at once: one runs, the newest waiting one wins, the others are told.
func TestConcurrentPushesQueue(t *testing.T) {
	t.Parallel()
	w := shared
	w.create(t, "queue")
	r := w.clone(t, "node", "queue")
	r.push(t)
	done := make(chan string, 4)
	for n := range 4 {
		time.Sleep(300 * time.Millisecond)
		c := w.empty(t, "queue")
		c.git(t, "pull", "-q", "cloudsania", "main")
		c.write(t, "index.js", strings.ReplaceAll(readFixture(t, "node/index.js"), "line one", fmt.Sprintf("push %d", n)))
		c.commit(t, fmt.Sprintf("push %d", n))
		go func() {
			out, _ := c.try("push", "--force", "cloudsania", "main")
			done <- out
		}()
	}
	for range 4 {
		<-done
	}
	a := w.show(t, "queue")
	if len(a.Deployments) < 2 || a.Live == nil {
		t.Fatalf("after the pushes: %+v", a)
	}
	for _, d := range a.Deployments {
		if d.Status != "succeeded" && d.Status != "superseded" {
			t.Errorf("deployment %s ended as %s at %s: %+v", d.ID, d.Status, d.Step, d.Failure)
		}
	}
	if newest := a.Deployments[0]; newest.Status != "succeeded" || newest.Number != a.Live.Number {
		t.Errorf("the newest push is %s as v%d, live is v%d", newest.Status, newest.Number, a.Live.Number)
	}
}
