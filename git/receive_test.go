package git

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-git/go-git/v5/plumbing/format/pktline"

	"github.com/cloudsania/cloudsania/paas"
)

const zeros = "0000000000000000000000000000000000000000"

// pushBody is what a client sends to push commit to ref, which is at old.
func pushBody(t *testing.T, dir, ref, old, commit, caps string) []byte {
	t.Helper()
	c := gitCommand(dir, "pack-objects", "--stdout", "--revs", "-q")
	c.Stdin = strings.NewReader(commit + "\n")
	pack, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	return append(pkt(fmt.Sprintf("%s %s %s\x00%s", old, commit, ref, caps), ""), pack...)
}

const allCaps = " report-status side-band-64k object-format=sha1 agent=git/test"

// post sends a push's body and returns the status and the answer's lines: side-band ones begin with their number.
func (w *world) post(body io.Reader, change ...func(*http.Request)) (int, []string) {
	w.t.Helper()
	r, err := http.NewRequest(http.MethodPost, w.http.URL+"/git/shop.git/git-receive-pack", body)
	if err != nil {
		w.t.Fatal(err)
	}
	r.SetBasicAuth("x", goodToken)
	r.Header.Set("Content-Type", "application/x-git-receive-pack-request")
	for _, f := range change {
		f(r)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, []string{err.Error()}
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		b, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, []string{string(b)}
	}
	var lines []string
	s := pktline.NewScanner(resp.Body)
	for s.Scan() {
		line := string(s.Bytes())
		if len(line) > 0 && line[0] < 4 {
			line = fmt.Sprint(line[0]) + line[1:]
		}
		lines = append(lines, line)
	}
	if s.Err() != nil {
		lines = append(lines, s.Err().Error())
	}
	return resp.StatusCode, lines
}

// A connection that breaks anywhere, even after the last byte of the pack, changes nothing.
func TestInterruptedAtEveryByte(t *testing.T) {
	w := newWorld(t)
	dir := w.work()
	head := git(t, dir, "rev-parse", "HEAD")
	body := pushBody(t, dir, "refs/heads/main", zeros, head, allCaps)
	send := func(n int, header, end string) {
		c, err := net.Dial("tcp", w.http.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		r, _ := http.NewRequest(http.MethodPost, "http://x/git/shop.git/git-receive-pack", nil)
		r.SetBasicAuth("x", goodToken)
		fmt.Fprintf(c, "POST /git/shop.git/git-receive-pack HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\nContent-Type: application/x-git-receive-pack-request\r\n%s\r\n\r\n",
			r.Header.Get("Authorization"), header)
		_, _ = c.Write(body[:n])
		_, _ = io.WriteString(c, end)
	}
	step := 1
	if testing.Short() {
		step = 7
	}
	for n := 0; n < len(body); n += step {
		send(n, fmt.Sprintf("Content-Length: %d", len(body)), "")
	}
	send(len(body), fmt.Sprintf("Content-Length: %d", len(body)+1), "")
	send(len(body), fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x", len(body)), "")     // no CRLF
	send(len(body), fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x", len(body)), "\r\n") // no last chunk
	eventually(t, "all were served", func() bool { return w.served.Load() >= int64(len(body)/step) })
	eventually(t, "all are over", func() bool { return w.busy.Load() == 0 })
	if got := w.refs(); len(got) != 0 {
		t.Errorf("references changed: %v", got)
	}
	if packs := (&repo{filepath.Join(w.root, w.app+".git")}).packs(); packs != 0 {
		t.Errorf("%d packs were stored", packs)
	}
	if n := len(w.dep.sources()); n != 0 {
		t.Errorf("%d deployments", n)
	}
	if status, lines := w.post(bytes.NewReader(body)); status != http.StatusOK || !strings.Contains(strings.Join(lines, "\n"), "ok refs/heads/main") {
		t.Errorf("the whole push: %d %q", status, lines)
	}
	w.clean()
}

// The same with the real client, whose connections are cut after so many bytes.
func TestInterruptedClient(t *testing.T) {
	w := newWorld(t)
	dir := w.work()
	blob := make([]byte, 300<<10)
	for i := range blob {
		blob[i] = byte(rand.Uint32())
	}
	commit(t, dir, "blob", string(blob))
	for _, after := range []int64{0, 200, 700, 1500, 5000, 50_000, 200_000, 300_000} {
		through := cut(t, w.http.Listener.Addr().String(), after)
		gitFails(t, dir, "push", strings.Replace(w.url(), w.http.Listener.Addr().String(), through, 1), "main")
	}
	eventually(t, "all are over", func() bool { return w.busy.Load() == 0 })
	if got := w.remoteRefs(); got != "" {
		t.Errorf("references changed: %s", got)
	}
	contains(t, git(t, dir, "push", "paas", "main"), "is live")
	w.clean()
}

// cut is a proxy that breaks each connection after so many bytes from the client.
func cut(t *testing.T, to string, after int64) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				far, err := net.Dial("tcp", to)
				if err != nil {
					return
				}
				defer far.Close()
				go func() { _, _ = io.Copy(c, far) }()
				_, _ = io.CopyN(far, c, after)
			}()
		}
	}()
	return ln.Addr().String()
}

func TestBadPacks(t *testing.T) {
	w := newWorld(t)
	dir := w.work()
	head := git(t, dir, "rev-parse", "HEAD")
	good := pushBody(t, dir, "refs/heads/main", zeros, head, allCaps)
	flip := bytes.Clone(good)
	flip[len(flip)-30] ^= 0xff
	noPack := pkt(fmt.Sprintf("%s %s refs/heads/main\x00%s", zeros, head, allCaps), "")
	unknown := strings.Repeat("ab", 20)
	for _, c := range []struct {
		name string
		body []byte
		want string
	}{
		{"a flipped bit", flip, "the pack is damaged"},
		{"no pack", noPack, "the pack is damaged"},
		{"not a pack", append(bytes.Clone(noPack), "PACK rubbish that goes on"...), "the pack is damaged"},
		{"a hash that was not sent", append(pkt(fmt.Sprintf("%s %s refs/heads/main\x00%s", zeros, unknown, allCaps), ""), good[bytes.Index(good, []byte("PACK")):]...), "its object was not sent"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, lines := w.post(bytes.NewReader(c.body))
			out := strings.Join(lines, "\n")
			contains(t, out, "ng refs/heads/main", c.want)
			if status != http.StatusOK {
				t.Errorf("status %d", status)
			}
		})
	}
	if len(w.refs()) != 0 {
		t.Errorf("references changed: %v", w.refs())
	}
	w.clean()
}

// A commit whose tree is not in the pack, nor on the server.
func TestMissingObjects(t *testing.T) {
	w := newWorld(t)
	dir := w.work()
	head := git(t, dir, "rev-parse", "HEAD")
	c := gitCommand(dir, "pack-objects", "--stdout", "-q")
	c.Stdin = strings.NewReader(head + "\n") // without --revs: this object alone
	pack, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	_, lines := w.post(bytes.NewReader(append(pkt(fmt.Sprintf("%s %s refs/heads/main\x00%s", zeros, head, allCaps), ""), pack...)))
	contains(t, strings.Join(lines, "\n"), "ng refs/heads/main")
	if len(w.refs()) != 0 {
		t.Errorf("references changed: %v", w.refs())
	}
	w.clean()
}

// A commit that the repository holds without all it leads to, such as after damage to the disk, is not pushed by naming
// it.
func TestDisconnectedObjects(t *testing.T) {
	w := newWorld(t)
	git(t, w.work(), "push", "paas", "main")
	bare := "--git-dir=" + filepath.Join(w.root, w.app+".git")
	missing := hash(strings.Repeat("ab", 20))
	c := gitCommand("", bare, "hash-object", "-t", "tree", "-w", "--literally", "--stdin")
	c.Stdin = bytes.NewReader(append([]byte("100644 gone\x00"), missing[:]...))
	tree, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	com := git(t, "", bare, "commit-tree", "-m", "x", strings.TrimSpace(string(tree)))
	empty := []byte("PACK\x00\x00\x00\x02\x00\x00\x00\x00")
	sum := sha1.Sum(empty)
	body := append(pkt(fmt.Sprintf("%s %s refs/heads/x\x00%s", zeros, com, allCaps), ""), append(empty, sum[:]...)...)
	_, lines := w.post(bytes.NewReader(body))
	contains(t, strings.Join(lines, "\n"), "the push lacks objects that its commits need", "ng refs/heads/x")
	if _, ok := w.refs()["refs/heads/x"]; ok {
		t.Error("it was stored")
	}
}

// The whole pack has come, but the request has no end, for longer than anybody waits for a program's input.
func TestInterruptedAfterThePack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := w.work()
	body := pushBody(t, dir, "refs/heads/main", zeros, git(t, dir, "rev-parse", "HEAD"), allCaps)
	r, wr := io.Pipe()
	go func() {
		_, _ = wr.Write(body)
		time.Sleep(4 * time.Second)
		_ = wr.CloseWithError(errors.New("cut"))
	}()
	w.post(r)
	eventually(t, "it is over", func() bool { return w.busy.Load() == 0 })
	if len(w.refs()) != 0 || len(w.dep.sources()) != 0 {
		t.Errorf("references changed: %v", w.refs())
	}
	w.clean()
}

// Trees that would be dangerous to check out somewhere.
func TestMaliciousTrees(t *testing.T) {
	w := newWorld(t)
	dir := w.work()
	blob := git(t, dir, "hash-object", "-w", "index.html")
	modules := t.TempDir() + "/m"
	if err := os.WriteFile(modules, []byte("[submodule \"x\"]\n\tpath = x\n\turl = -u./payload\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	evil := git(t, dir, "hash-object", "-w", modules)
	for _, c := range []struct{ name, entry string }{
		{"a .git directory", "100644 blob " + blob + "\t.git"},
		{"its name on a Mac", "100644 blob " + blob + "\t.GIT"},
		{"a step up", "100644 blob " + blob + "\t.."},
		{"a submodule address that is an option", "100644 blob " + evil + "\t.gitmodules"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tree := gitCommand(dir, "hash-object", "-t", "tree", "-w", "--literally", "--stdin")
			mode, rest, _ := strings.Cut(c.entry, " ")
			h, name, _ := strings.Cut(strings.TrimPrefix(rest, "blob "), "\t")
			raw := hash(h)
			tree.Stdin = bytes.NewReader(append([]byte(mode+" "+name+"\x00"), raw[:]...))
			out, err := tree.Output()
			if err != nil {
				t.Fatal(err)
			}
			com := git(t, dir, "commit-tree", "-m", "x", strings.TrimSpace(string(out)))
			contains(t, gitFails(t, dir, "push", "paas", com+":refs/heads/main"), "remote: error: the object", "is broken")
		})
	}
	if len(w.refs()) != 0 {
		t.Errorf("references changed: %v", w.refs())
	}
	w.clean()
}

func TestTooLarge(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.MaxPackBytes = 1 << 20 })
	dir := w.work()
	blob := make([]byte, 12<<20)
	for i := range blob {
		blob[i] = byte(rand.Uint32())
	}
	commit(t, dir, "blob", string(blob))
	out := gitFails(t, dir, "push", "paas", "main")
	contains(t, out, "remote: error: the push is larger than 1 MB", "remote: hint:  do not commit dependencies")
	w.clean()
	if len(w.refs()) != 0 {
		t.Errorf("references changed: %v", w.refs())
	}
}

// Killed from outside, as by the kernel for want of memory.
func TestKilledIndexPack(t *testing.T) {
	w := newWorld(t)
	dir := w.work()
	body := pushBody(t, dir, "refs/heads/main", zeros, git(t, dir, "rev-parse", "HEAD"), allCaps)
	r, wr := io.Pipe()
	go func() {
		_, _ = wr.Write(body[:len(body)-20])
		pid := 0
		for end := time.Now().Add(5 * time.Second); pid == 0 && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
			pid = find(w.root, "index-pack")
		}
		if pid != 0 {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		time.Sleep(50 * time.Millisecond)
		_, _ = wr.Write(body[len(body)-20:])
		_ = wr.Close()
	}()
	_, lines := w.post(r)
	contains(t, strings.Join(lines, "\n"), "the push was stopped on the server", "ng refs/heads/main")
	if len(w.refs()) != 0 {
		t.Errorf("references changed: %v", w.refs())
	}
	w.clean()
	if status, lines := w.post(bytes.NewReader(body)); status != http.StatusOK {
		t.Errorf("the next push: %d %q", status, lines)
	}
}

// find is the process id of a run of git in root, or 0.
func find(root, word string) int {
	all, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range all {
		b, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(b, []byte(root)) || !bytes.Contains(b, []byte(word)) {
			continue
		}
		pid := 0
		if _, err := fmt.Sscanf(path, "/proc/%d/cmdline", &pid); err == nil && pid != os.Getpid() {
			return pid
		}
	}
	return 0
}

func TestStalledPush(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Stall = 200 * time.Millisecond })
	dir := w.work()
	body := pushBody(t, dir, "refs/heads/main", zeros, git(t, dir, "rev-parse", "HEAD"), allCaps)
	r, wr := io.Pipe()
	defer wr.Close()
	go func() { _, _ = wr.Write(body[:len(body)-20]) }()
	began := time.Now()
	w.post(r)
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("a stalled push was held for %v", took)
	}
	eventually(t, "quarantine is removed", func() bool {
		left, err := filepath.Glob(filepath.Join(w.root, "*", "objects", prefixIncoming+"*"))
		return err == nil && len(left) == 0
	})
}

// Lines of a deployment travel at once, and while it says nothing something else does.
func TestLiveLinesAndKeepAlive(t *testing.T) {
	w := newWorld(t)
	dir := w.work()
	head := git(t, dir, "rev-parse", "HEAD")
	hold := make(chan struct{})
	w.dep.set(func() { w.dep.hold[head] = hold })
	r, err := http.NewRequest(http.MethodPost, w.http.URL+"/git/shop.git/git-receive-pack", bytes.NewReader(pushBody(t, dir, "refs/heads/main", zeros, head, allCaps)))
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth("x", goodToken)
	r.Header.Set("Content-Type", "application/x-git-receive-pack-request")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	building, alive := false, 0
	s := pktline.NewScanner(resp.Body)
	for (!building || alive < 3) && s.Scan() { // the deployment is held until all of them have come
		building = building || strings.Contains(string(s.Bytes()), "building")
		if string(s.Bytes()) == "\x01" {
			alive++
		}
	}
	close(hold)
	rest, err := io.ReadAll(resp.Body)
	if !building || alive < 3 || err != nil || !strings.Contains(string(rest), "ok refs/heads/main") {
		t.Errorf("building %v, %d signs of life, %v, then %q", building, alive, err, rest)
	}
}

func TestOldClients(t *testing.T) {
	w := newWorld(t)
	dir := w.work()
	head := git(t, dir, "rev-parse", "HEAD")
	status, lines := w.post(bytes.NewReader(pushBody(t, dir, "refs/heads/main", zeros, head, " report-status")))
	if got := strings.Join(lines, ""); status != http.StatusOK || got != "unpack ok\nok refs/heads/main\n" {
		t.Errorf("without side-band: %d %q", status, lines)
	}
	if status, lines := w.post(bytes.NewReader(pkt(""))); status != http.StatusOK || len(lines) != 0 {
		t.Errorf("a request that only tries the credentials: %d %q", status, lines)
	}
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write(pushBody(t, dir, "refs/heads/zipped", zeros, head, allCaps))
	_ = z.Close()
	half := zipped.Len() - 5
	status, lines = w.post(bytes.NewReader(zipped.Bytes()[:half]), func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") })
	if strings.Contains(strings.Join(lines, ""), "ok refs/heads/zipped") {
		t.Errorf("gzip without its end: %d %q", status, lines)
	}
	status, lines = w.post(&zipped, func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") })
	if !strings.Contains(strings.Join(lines, ""), "ok refs/heads/zipped") {
		t.Errorf("gzip: %d %q", status, lines)
	}
}

func TestRequestsThatAreNotGits(t *testing.T) {
	w := newWorld(t)
	dir := w.work()
	git(t, dir, "push", "paas", "main")
	before := w.remoteRefs()
	body := pushBody(t, dir, "refs/heads/x", zeros, git(t, dir, "rev-parse", "HEAD"), allCaps)
	for _, c := range []struct {
		name, method, path, contentType string
		want                            int
	}{
		{"push with the other service's type", "POST", "/git/shop.git/git-receive-pack", "application/x-git-upload-pack-request", 415},
		{"push as a form", "POST", "/git/shop.git/git-receive-pack", "application/x-www-form-urlencoded", 415},
		{"push without a type", "POST", "/git/shop.git/git-receive-pack", "", 415},
		{"push that names the reader's service", "POST", "/git/shop.git/git-receive-pack?service=git-upload-pack", "application/x-git-receive-pack-request", 400},
		{"fetch with the other service's type", "POST", "/git/shop.git/git-upload-pack", "application/x-git-receive-pack-request", 415},
		{"push by GET", "GET", "/git/shop.git/git-receive-pack", "", 405},
		{"listing by POST", "POST", "/git/shop.git/info/refs?service=git-upload-pack", "", 405},
		{"listing without service", "GET", "/git/shop.git/info/refs", "", 403},
		{"listing of an odd service", "GET", "/git/shop.git/info/refs?service=git-upload-archive", "", 400},
		{"listing of two services", "GET", "/git/shop.git/info/refs?service=git-upload-pack&service=git-receive-pack", "", 400},
		{"objects as files", "GET", "/git/shop.git/objects/info/packs", "", 404},
		{"HEAD as a file", "GET", "/git/shop.git/HEAD", "", 404},
		{"an escape where none is needed", "GET", "/git/shop%2Egit/info/refs?service=git-upload-pack", "", 404},
		{"escape from the directory", "GET", "/git/../../etc.git/info/refs?service=git-upload-pack", "", 404},
		{"an escaped slash", "GET", "/git/acme%2fshop.git/info/refs?service=git-upload-pack", "", 404},
		{"no name", "GET", "/git/.git/info/refs?service=git-upload-pack", "", 400},
		{"LFS", "POST", "/git/shop.git/info/lfs/objects/batch", "application/vnd.git-lfs+json", 501},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := http.NewRequest(c.method, w.http.URL+c.path, bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			r.SetBasicAuth("x", goodToken)
			if c.contentType != "" {
				r.Header.Set("Content-Type", c.contentType)
			}
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			b, _ := io.ReadAll(resp.Body)
			if resp.StatusCode != c.want || len(b) == 0 {
				t.Errorf("%d %q, want %d with a message", resp.StatusCode, b, c.want)
			}
		})
	}
	if after := w.remoteRefs(); after != before {
		t.Errorf("references changed:\n%s", after)
	}
	resp, err := http.Get(w.http.URL + "/git/shop.git/info/refs?service=git-upload-pack")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized || !strings.HasPrefix(resp.Header.Get("WWW-Authenticate"), "Basic ") {
		t.Errorf("without credentials: %s %v", resp.Status, resp.Header)
	}
}

// The gate is asked about writing exactly when something is pushed.
func TestGateIsAskedPerService(t *testing.T) {
	w := newWorld(t)
	dir := w.work()
	git(t, dir, "push", "paas", "main")
	w.gate.set(func() {
		for _, write := range w.gate.writes {
			if !write {
				t.Error("a push was judged as a fetch")
			}
		}
		w.gate.writes = nil
	})
	git(t, dir, "fetch", "paas")
	w.gate.set(func() {
		for _, write := range w.gate.writes {
			if write {
				t.Error("a fetch was judged as a push")
			}
		}
		if len(w.gate.writes) == 0 {
			t.Error("a fetch was not judged")
		}
	})
}

// What a killed process leaves is settled by the next one: notes of deployments by how those ended, pushes without one
// by going back.
func TestRestart(t *testing.T) {
	w := newWorld(t)
	dir := w.work()
	git(t, dir, "push", "paas", "main")
	live := hash(git(t, dir, "rev-parse", "HEAD"))
	second := hash(commit(t, dir, "b.txt", "2"))
	git(t, dir, "push", "paas", "main:keep") // so that the commit is there
	r := &repo{filepath.Join(w.root, w.app+".git")}

	for _, c := range []struct {
		name   string
		status paas.Status
		want   string
	}{
		{"the deployment failed meanwhile", paas.StatusFailed, live.String()},
		{"the deployment went live meanwhile", paas.Succeeded, second.String()},
		{"the push never got a deployment", "", live.String()},
		{"the deployment is not known", paas.Queued, live.String()},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := note{id: paas.NewID("dep"), branch: "main", old: live, new: second}
			switch c.status {
			case "":
				n.id = paas.NewID("psh")
			case paas.Queued:
			default:
				w.dep.set(func() { w.dep.deps[n.id] = &paas.Deployment{ID: n.id, Status: c.status} })
			}
			at := w.refs()["refs/heads/main"]
			if err := r.update(append(n.add(), change{"refs/heads/main", at, second})); err != nil {
				t.Fatal(err)
			}
			for _, left := range []string{"objects/incoming-x/pack", "objects/incoming-y"} {
				if err := os.MkdirAll(filepath.Join(r.dir, left), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.WriteFile(filepath.Join(r.dir, "packed-refs.lock"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			w.start()
			w.clean()
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- w.srv.Run(ctx) }()
			eventually(t, "settled", func() bool { return len(w.refs().notes()) == 0 })
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
			if got := w.refs()["refs/heads/main"].String(); got != c.want {
				t.Errorf("main is %s, want %s", got, c.want)
			}
		})
	}
}

// When Cloudsania stops, a client that waits for a deployment is told so; the note stays for the next process.
func TestShutdownWhileDeploying(t *testing.T) {
	w := newWorld(t)
	dir := w.work()
	head := git(t, dir, "rev-parse", "HEAD")
	w.dep.set(func() { w.dep.hold[head] = make(chan struct{}) })
	ctx, cancel := context.WithCancel(t.Context())
	go func() { _ = w.srv.Run(ctx) }()
	done := make(chan string, 1)
	go func() {
		out, _ := gitCommand(dir, "push", "paas", "main").CombinedOutput()
		done <- string(out)
	}()
	eventually(t, "queued", func() bool { return len(w.dep.sources()) == 1 })
	cancel()
	contains(t, <-done, "Cloudsania is restarting", "[remote rejected]")
	if len(w.refs().notes()) != 1 {
		t.Errorf("notes: %v", w.refs().notes())
	}
}

func TestRepack(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { _ = w.srv.Run(ctx) }()
	dir := w.work()
	for i := range maxPacks + 2 {
		h := commit(t, dir, "n.txt", fmt.Sprint(i))
		old := zeros
		if i > 0 {
			old = git(t, dir, "rev-parse", "HEAD~1")
		}
		if status, lines := w.post(bytes.NewReader(pushBody(t, dir, "refs/heads/side", old, h, allCaps))); !strings.Contains(strings.Join(lines, ""), "ok refs/heads/side") {
			t.Fatalf("push %d: %d %q", i, status, lines)
		}
	}
	r := &repo{filepath.Join(w.root, w.app+".git")}
	eventually(t, "few packs", func() bool { return r.packs() < maxPacks/2 })
	git(t, t.TempDir(), "clone", "-q", "--branch=side", w.url(), "c")
}

// Memory stays flat however large a push or clone is: what we hold is one buffer per connection.
func TestLargePushMemory(t *testing.T) {
	w := newWorld(t)
	dir := t.TempDir()
	git(t, dir, "init", "-q")
	const size = 60 << 20
	f, err := os.Create(filepath.Join(dir, "blob"))
	if err != nil {
		t.Fatal(err)
	}
	out := bufio.NewWriter(f)
	src := rand.NewChaCha8([32]byte{1})
	if _, err := io.CopyN(out, src, size); err != nil {
		t.Fatal(err)
	}
	if err := out.Flush(); err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	git(t, dir, "-c", "core.compression=0", "add", "-A")
	git(t, dir, "-c", "core.compression=0", "commit", "-q", "-m", "large")

	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0o200); err != nil { // begin a new peak, proc(5)
		t.Fatal(err)
	}
	before := peak(t)
	contains(t, git(t, dir, "push", w.url(), "HEAD:main"), "is live")
	git(t, t.TempDir(), "clone", "-q", "--bare", w.url(), "c")
	if grown := peak(t) - before; grown > 40<<20 {
		t.Errorf("memory grew by %d MB for a push and clone of %d MB", grown>>20, size>>20)
	} else {
		t.Logf("memory grew by %d MB", grown>>20)
	}
}

// peak is this process's largest resident set so far.
func peak(t *testing.T) int64 {
	t.Helper()
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(b), "VmHWM:")
	var kb int64
	if _, err := fmt.Sscan(rest, &kb); !ok || err != nil {
		t.Fatal("no VmHWM")
	}
	return kb << 10
}
