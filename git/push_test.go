package git

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

func TestPushCloneFetch(t *testing.T) {
	w := newWorld(t)
	dir := w.work()
	first := git(t, dir, "rev-parse", "HEAD")

	out := git(t, dir, "push", "paas", "main")
	contains(t, out, "remote: -----> building change index.html", "remote: v1 is live: https://shop.example.com", "[new branch]")
	if got := w.dep.sources(); len(got) != 1 || got[0] != (paas.Source{Kind: paas.SourceGit, Commit: first, Branch: "main", Message: "change index.html", Author: "Ada"}) {
		t.Errorf("deployed %+v", got)
	}
	contains(t, w.remoteRefs(), first+"\tHEAD", first+"\trefs/heads/main")
	lacks(t, w.remoteRefs(), "refs/cloudsania")

	clone := t.TempDir()
	git(t, clone, "clone", "-q", w.url(), "c")
	clone += "/c"
	if got := git(t, clone, "rev-parse", "HEAD"); got != first {
		t.Errorf("clone is at %s, want %s", got, first)
	}
	second := commit(t, dir, "b/two.txt", "2")
	git(t, dir, "push", "paas", "main")
	contains(t, git(t, dir, "push", "paas", "main"), "Everything up-to-date")
	git(t, clone, "pull", "-q")
	if got := git(t, clone, "rev-parse", "HEAD"); got != second {
		t.Errorf("pull is at %s, want %s", got, second)
	}
	w.clean()
}

func TestShallow(t *testing.T) {
	w := newWorld(t)
	dir := w.work()
	commit(t, dir, "b.txt", "2")
	git(t, dir, "push", "paas", "main")
	for _, version := range []string{"0", "1", "2"} {
		d := t.TempDir()
		git(t, d, "-c", "protocol.version="+version, "clone", "-q", "--depth=1", w.url(), "c")
		d += "/c"
		if got := git(t, d, "rev-list", "--count", "HEAD"); got != "1" {
			t.Errorf("protocol %s: a shallow clone has %s commits", version, got)
		}
		commit(t, d, "v"+version, version)
		contains(t, git(t, d, "-c", "protocol.version="+version, "push", "origin", "main:side"+version), "[new branch]")
		git(t, d, "-c", "protocol.version="+version, "fetch", "-q", "--unshallow")
		if got := git(t, d, "rev-list", "--count", "HEAD"); got != "3" {
			t.Errorf("protocol %s: after --unshallow there are %s commits", version, got)
		}
	}

	// A CI job that checked out one commit pushes to a remote that has none of the others.
	other := newWorld(t)
	d := t.TempDir()
	git(t, d, "clone", "-q", "--depth=1", w.url(), "c")
	out := gitFails(t, d+"/c", "push", other.url(), "main")
	contains(t, out, "remote: error: the push comes from a shallow clone", "git fetch --unshallow", "[remote rejected]")
	if len(other.refs()) != 0 {
		t.Errorf("refused, but stored %v", other.refs())
	}
	other.clean()
}

func TestBranchesAndTags(t *testing.T) {
	w := newWorld(t)
	dir := w.work()
	git(t, dir, "push", "paas", "main")
	git(t, dir, "checkout", "-q", "-b", "feature/a")
	side := commit(t, dir, "a.txt", "a")
	git(t, dir, "tag", "-a", "v1", "-m", "one")
	git(t, dir, "tag", "light")

	out := git(t, dir, "push", "paas", "feature/a", "--tags")
	contains(t, out, "remote: feature/a is stored; only main goes live. to deploy it: git push REMOTE feature/a:main")
	contains(t, w.remoteRefs(), side+"\trefs/heads/feature/a", side+"\trefs/tags/light", side+"\trefs/tags/v1^{}")
	if n := len(w.dep.sources()); n != 1 {
		t.Errorf("%d deployments, want only that of main", n)
	}

	contains(t, git(t, dir, "push", "paas", ":feature/a", ":v1"), "[deleted]")
	lacks(t, w.remoteRefs(), "feature/a", "v1")

	out = gitFails(t, dir, "push", "paas", ":main")
	contains(t, out, "main is the branch that is live and cannot be deleted")
	contains(t, w.remoteRefs(), "refs/heads/main")

	contains(t, git(t, dir, "push", "paas", "feature/a:main"), "is live")
	if got := w.dep.sources(); got[len(got)-1].Commit != side {
		t.Errorf("deployed %+v, want %s", got, side)
	}
	w.clean()
}

func TestForce(t *testing.T) {
	w := newWorld(t)
	dir := w.work()
	commit(t, dir, "b.txt", "2")
	git(t, dir, "push", "paas", "main")
	git(t, dir, "reset", "-q", "--hard", "HEAD~1")
	other := commit(t, dir, "c.txt", "3")
	contains(t, gitFails(t, dir, "push", "paas", "main"), "rejected")
	contains(t, git(t, dir, "push", "--force", "paas", "main"), "forced update", "is live")
	if got := w.refs()["refs/heads/main"].String(); got != other {
		t.Errorf("main is %s, want %s", got, other)
	}
}

func TestAtomic(t *testing.T) {
	w := newWorld(t)
	dir := w.work()
	git(t, dir, "push", "paas", "main")
	before := w.remoteRefs()
	commit(t, dir, "b.txt", "2")
	blob := git(t, dir, "rev-parse", "HEAD:b.txt")

	out := gitFails(t, dir, "push", "--atomic", "paas", "main", "main:other", blob+":refs/tags/blob")
	contains(t, out, "only commits can be tagged, and this is a blob", "refused because another part of the atomic push was")
	if after := w.remoteRefs(); after != before {
		t.Errorf("an atomic push was stored in part:\n%s", after)
	}
	if n := len(w.dep.sources()); n != 1 {
		t.Errorf("%d deployments", n)
	}
	contains(t, gitFails(t, dir, "push", "paas", "main", "main:other", blob+":refs/tags/blob"), "only commits can be tagged", "main -> other", "is live")
	contains(t, w.remoteRefs(), "refs/heads/other")
	lacks(t, w.remoteRefs(), "blob")
	w.clean()
}

func TestPushOptions(t *testing.T) {
	w := newWorld(t)
	dir := w.work()
	out := git(t, dir, "push", "-o", "skip-deploy", "-o", "colour=red", "paas", "main")
	contains(t, out, "main is stored, and not deployed", `the push option "colour=red" is not known`)
	if n := len(w.dep.sources()); n != 0 {
		t.Errorf("%d deployments", n)
	}
}

func TestDeployBranch(t *testing.T) {
	w := newWorld(t)
	dir := w.work()
	git(t, dir, "push", "paas", "main:master")
	if got := w.dep.sources(); len(got) != 1 || got[0].Branch != "master" {
		t.Fatalf("without main, master goes live; deployed %+v", got)
	}
	contains(t, git(t, dir, "ls-remote", "--symref", w.url()), "ref: refs/heads/master\tHEAD")
	contains(t, gitFails(t, dir, "push", "paas", ":master"), "cannot be deleted")

	contains(t, git(t, dir, "push", "paas", "main"), "is live") // now main is
	contains(t, git(t, dir, "ls-remote", "--symref", w.url()), "ref: refs/heads/main\tHEAD")
	contains(t, git(t, dir, "push", "paas", ":master"), "[deleted]")

	w.gate.set(func() { w.gate.apps["shop"] = App{ID: w.app, Name: "shop", Branch: "release"} })
	commit(t, dir, "b.txt", "2")
	contains(t, git(t, dir, "push", "paas", "main"), "only release goes live")
	contains(t, git(t, dir, "push", "paas", "main:release"), "is live")
	contains(t, git(t, dir, "ls-remote", "--symref", w.url()), "ref: refs/heads/release\tHEAD")
}

func TestNotCommits(t *testing.T) {
	w := newWorld(t)
	dir := w.work()
	git(t, dir, "push", "paas", "main")
	before := w.remoteRefs()
	blob, tree := git(t, dir, "rev-parse", "HEAD:index.html"), git(t, dir, "rev-parse", "HEAD^{tree}")
	git(t, dir, "tag", "-a", "note", "-m", "n")
	git(t, dir, "tag", "-a", "ofblob", "-m", "n", blob)
	for _, c := range []struct{ name, spec, want string }{
		{"blob as a branch", blob + ":refs/heads/x", "a branch holds commits, and this is a blob"},
		{"blob as the deploy branch", "+" + blob + ":refs/heads/main", "a branch holds commits"},
		{"tree as a branch", tree + ":refs/heads/x", "a branch holds commits, and this is a tree"},
		{"annotated tag as a branch", "refs/tags/note:refs/heads/x", "a branch holds commits, and this is a tag"},
		{"tree as a tag", tree + ":refs/tags/x", "only commits can be tagged, and this is a tree"},
		{"tag of a blob", "refs/tags/ofblob:refs/tags/ofblob", "only commits can be tagged, and this is a blob"},
		{"notes", "main:refs/notes/commits", "only branches and tags are kept here"},
		{"our own names", "main:refs/cloudsania/failed/x", "only branches and tags are kept here"},
		{"a branch named HEAD", "main:refs/heads/HEAD", "the name is not a valid one"},
		{"a name with a direction mark", "main:refs/heads/a\u202eb", "characters that are not allowed"},
		{"below a branch", "main:refs/heads/main/x", "refs/heads/main is in use, so nothing can be below it"},
	} {
		t.Run(c.name, func(t *testing.T) { contains(t, gitFails(t, dir, "push", "paas", c.spec), c.want) })
	}
	if after := w.remoteRefs(); after != before {
		t.Errorf("references changed:\n%s", after)
	}
	git(t, dir, "push", "paas", "main:refs/heads/dir/x")
	contains(t, gitFails(t, dir, "push", "paas", "main:refs/heads/dir"), "a name below this one is in use")
	git(t, dir, "push", "paas", ":refs/heads/dir/x", "main:refs/heads/dir")
	w.clean()
}

func TestCredentials(t *testing.T) {
	w := newWorld(t)
	dir := w.work()
	base := strings.Replace(w.url(), "git:"+goodToken+"@", "", 1)
	withToken := func(token, name string) string {
		return strings.Replace(strings.Replace(base, "http://", "http://x:"+token+"@", 1), "shop", name, 1)
	}
	contains(t, gitFails(t, dir, "push", withToken("wrong", "shop"), "main"), "remote: error: the token is not valid", "remote: hint:  make a new one", "Authentication failed")
	contains(t, gitFails(t, dir, "push", base, "main"), "could not read Username")
	contains(t, gitFails(t, dir, "push", withToken(goodToken, "nosuch"), "main"), `there is no app named "nosuch"`, "cloudsania apps create nosuch")
	contains(t, gitFails(t, dir, "push", withToken(goodToken, "Not_A-Name"), "main"), `"Not_A-Name" cannot be a name`, `for instance "not-a-name"`)
	contains(t, gitFails(t, dir, "fetch", withToken(goodToken, "a/b/c"), "main"), "/git/PROJECT/APP.git")
	contains(t, git(t, dir, "push", withToken(goodToken, "acme/shop"), "main"), "is live")

	w.gate.set(func() { w.gate.create = true })
	contains(t, git(t, dir, "push", withToken(goodToken, "fresh"), "main"), "is live")
	contains(t, git(t, dir, "push", strings.TrimSuffix(withToken(goodToken, "second"), ".git"), "main"), "is live")
}

// Asking for a listing makes no app; the push does.
func TestAppMadeByPush(t *testing.T) {
	w := newWorld(t)
	w.gate.set(func() { w.gate.create, w.gate.late = true, true })
	dir := w.work()
	fresh := strings.Replace(w.url(), "shop", "fresh", 1)
	gitFails(t, dir, "fetch", fresh)
	mustGet(t, w, "/git/fresh.git/info/refs?service=git-receive-pack")
	if left, err := os.ReadDir(w.root); err != nil || len(left) != 0 {
		t.Errorf("made by asking: %v %v", left, err)
	}
	contains(t, git(t, dir, "push", fresh, "main"), "is live")
	git(t, t.TempDir(), "clone", "-q", fresh, "c")
}

func TestFailedDeployCanBePushedAgain(t *testing.T) {
	w := newWorld(t)
	dir := w.work()
	w.dep.set(func() {
		w.dep.outcome = func(paas.Source) (paas.Status, *paas.Failure) {
			return paas.StatusFailed, &paas.Failure{Kind: paas.Failed, Message: "no recognisable language", Hint: "add a package.json"}
		}
	})
	out := gitFails(t, dir, "push", "paas", "main")
	contains(t, out, "remote: error: no recognisable language", "remote: hint:  add a package.json", "remote: what was live before is untouched",
		"[remote rejected] main -> main (deploy failed: no recognisable language)", "main is back where it was")
	if got := w.remoteRefs(); got != "" {
		t.Errorf("the branch of a first failed deployment is still there:\n%s", got)
	}

	w.dep.set(func() { w.dep.outcome = nil })
	contains(t, git(t, dir, "push", "paas", "main"), "v1 is live")
	first := git(t, dir, "rev-parse", "HEAD")

	w.dep.set(func() {
		w.dep.outcome = func(paas.Source) (paas.Status, *paas.Failure) { return paas.StatusFailed, nil }
	})
	second := commit(t, dir, "b.txt", "2")
	git(t, dir, "branch", "side")
	contains(t, gitFails(t, dir, "push", "paas", "main", "side"), "[new branch]", "deploy failed")
	if got := w.refs(); got["refs/heads/main"].String() != first || got["refs/heads/side"].String() != second {
		t.Errorf("main should be back and side stored: %v", got)
	}
	if n := w.refs().notes(); len(n) != 0 {
		t.Errorf("notes are left: %v", n)
	}
	kept := 0
	for name, h := range w.refs() {
		if strings.HasPrefix(name, failedRefs) && h.String() == second {
			kept++
		}
	}
	if kept != 1 {
		t.Errorf("the failed commit is kept %d times", kept)
	}
	w.clean()

	// What the server has of failed pushes is not sent again.
	listing := string(mustGet(t, w, "/git/shop.git/info/refs?service=git-receive-pack"))
	contains(t, listing, second+" .have")

	w.dep.set(func() { w.dep.outcome = nil })
	w.dep.set(func() {
		w.dep.refuse = &paas.Error{Kind: paas.Unavailable, Msg: "the database is read-only", Hint: "free some space"}
	})
	contains(t, gitFails(t, dir, "push", "paas", "main"), "the database is read-only", "free some space", "deploy not started")
	w.dep.set(func() { w.dep.refuse = nil })
	contains(t, git(t, dir, "push", "paas", "main"), "v2 is live")
}

func TestFailedCommitsAreLetGo(t *testing.T) {
	w := newWorld(t)
	dir := w.work()
	all := refs{}
	for range maxFailed + 5 {
		n := note{id: paas.NewID("dep"), branch: "main", new: hash(git(t, dir, "rev-parse", "HEAD"))}
		for _, c := range n.keep(all) {
			if c.new.IsZero() {
				delete(all, c.name)
			} else {
				all[c.name] = c.new
			}
		}
	}
	if len(all) != maxFailed {
		t.Errorf("%d failed commits are kept, want %d", len(all), maxFailed)
	}
}

// The second push of two waits in line, the third takes its place, the first fails: everybody is told the truth, and
// the branch never goes back to a commit that was not live.
func TestSuperseded(t *testing.T) {
	w := newWorld(t)
	dir := w.work()
	git(t, dir, "push", "paas", "main")
	live := git(t, dir, "rev-parse", "HEAD")

	type result struct {
		out string
		err error
	}
	push := func(n int) (string, chan result) {
		h := commit(t, dir, "n.txt", fmt.Sprint(n))
		before := 0
		w.dep.set(func() { w.dep.hold[h], before = make(chan struct{}), len(w.dep.order) })
		done := make(chan result, 1)
		go func() {
			b, err := gitCommand(dir, "push", "paas", h+":main").CombinedOutput()
			done <- result{string(b), err}
		}()
		eventually(t, "queued", func() bool { return len(w.dep.sources()) > before })
		return h, done
	}
	w.dep.set(func() {
		w.dep.outcome = func(paas.Source) (paas.Status, *paas.Failure) {
			return paas.StatusFailed, &paas.Failure{Message: "it broke"}
		}
	})
	a, doneA := push(1)
	_, doneB := push(2)
	c, doneC := push(3)
	if got := w.refs()["refs/heads/main"].String(); got != c {
		t.Errorf("main is %s, want the newest, %s", got, c)
	}
	r := <-doneB
	contains(t, r.out, "a newer deployment took this one's place", "superseded")
	close(w.dep.hold[a])
	r = <-doneA
	contains(t, r.out, "it broke")
	lacks(t, r.out, "is back where it was")
	if got := w.refs()["refs/heads/main"].String(); got != c {
		t.Errorf("the first one's failure moved main to %s", got)
	}
	close(w.dep.hold[c])
	r = <-doneC
	contains(t, r.out, "it broke", "is back where it was")
	if r.err == nil {
		t.Error("the push of a failed deployment ended with 0")
	}
	if got := w.refs()["refs/heads/main"].String(); got != live {
		t.Errorf("main is %s, want the last live one, %s", got, live)
	}
	if n := w.refs().notes(); len(n) != 0 {
		t.Errorf("notes are left: %v", n)
	}
}

func TestConcurrentPushes(t *testing.T) {
	w := newWorld(t)
	dir := w.work()
	git(t, dir, "push", "paas", "main")
	const n = 12
	var specs []string
	for i := range n {
		h := commit(t, dir, "n.txt", fmt.Sprint(i))
		specs = append(specs, fmt.Sprintf("%s:refs/heads/b%d", h, i%3))
	}
	done := make(chan string, n)
	for i, spec := range specs {
		go func() {
			out, err := gitCommand(dir, "push", "paas", "+"+spec, fmt.Sprintf("+%s:refs/tags/t%d", strings.SplitN(spec, ":", 2)[0], i)).CombinedOutput()
			if err != nil {
				done <- string(out)
				return
			}
			done <- ""
		}()
	}
	for range n {
		if out := <-done; out != "" { // the only way to lose is against another one's move, which the loser is told
			contains(t, out, "the remote has changed meanwhile")
			contains(t, out, "new tag") // its other command went through
		}
	}
	all := w.refs()
	for i := range n {
		if want := strings.SplitN(specs[i], ":", 2)[0]; all[fmt.Sprintf("refs/tags/t%d", i)].String() != want {
			t.Errorf("tag t%d is %v, want %s", i, all[fmt.Sprintf("refs/tags/t%d", i)], want)
		}
	}
	git(t, t.TempDir(), "clone", "-q", w.url(), "c")
	w.clean()
}

// A terminal that is closed stops the output, not the deployment nor its consequences.
func TestClientLeavesWhileDeploying(t *testing.T) {
	w := newWorld(t)
	dir := w.work()
	head := git(t, dir, "rev-parse", "HEAD")
	w.dep.set(func() { w.dep.hold[head] = make(chan struct{}) })
	w.dep.set(func() {
		w.dep.outcome = func(paas.Source) (paas.Status, *paas.Failure) { return paas.StatusFailed, nil }
	})
	c := gitCommand(dir, "push", "paas", "main")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "queued", func() bool { return len(w.dep.sources()) == 1 })
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	time.Sleep(50 * time.Millisecond)
	if w.refs()["refs/heads/main"].IsZero() {
		t.Error("the branch moved before the deployment ended")
	}
	close(w.dep.hold[head])
	eventually(t, "the branch goes back", func() bool { return w.refs()["refs/heads/main"].IsZero() })
	eventually(t, "the request ends", func() bool { return len(w.leftovers()) == 0 })
}

func TestLooseReferencesAreFolded(t *testing.T) {
	w := newWorld(t)
	dir := w.work()
	git(t, dir, "push", "paas", "main")
	bare := filepath.Join(w.root, w.app+".git")
	git(t, "", "--git-dir="+bare, "update-ref", "refs/heads/byhand", "refs/heads/main")
	second := commit(t, dir, "b.txt", "2")
	git(t, dir, "push", "paas", "main", "main:byhand")
	if got := git(t, "", "--git-dir="+bare, "rev-parse", "byhand"); got != second {
		t.Errorf("a reference made by hand hides the pushed one: %s", got)
	}
	if left, err := (&repo{bare}).loose(); err != nil || len(left) != 0 {
		t.Errorf("loose: %v %v", left, err)
	}
	contains(t, git(t, "", "--git-dir="+bare, "fsck", "--strict"), "")
}

func TestRemove(t *testing.T) {
	w := newWorld(t)
	git(t, w.work(), "push", "paas", "main")
	for range 2 {
		if err := w.srv.Remove(w.app); err != nil {
			t.Fatal(err)
		}
	}
	left, err := os.ReadDir(w.root)
	if err != nil || len(left) != 0 {
		t.Errorf("left: %v %v", left, err)
	}
	if err := w.srv.Remove("../x"); err == nil {
		t.Error("removed a path")
	}
}
