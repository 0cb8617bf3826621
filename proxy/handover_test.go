package proxy

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

func self(t *testing.T) string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return exe
}

// handOver starts a successor; it is ended with the test.
func (r *rig) handOver() paas.EdgeStatus {
	r.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := r.client.Handover(ctx, self(r.T), []string{childArg, r.dir}); err != nil {
		r.Fatalf("handover: %v", err)
	}
	st := r.status()
	if st.PID == os.Getpid() || st.Draining || st.Version != "child" {
		r.Fatalf("the successor does not serve: %+v", st)
	}
	r.Cleanup(func() {
		_ = syscall.Kill(st.PID, syscall.SIGKILL)
		eventually(r.T, "the successor is gone", func() bool { return syscall.Kill(st.PID, 0) != nil })
	})
	return st
}

// An upgrade of the edge under load: keep-alive clients, plain and TLS, new ones, an event stream and a socket. Nobody
// notices.
func TestHandoverUnderLoad(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := newApp(t, "v1", versionOf("v1"))
	table := routeTo("a.example", a.upstream())
	r.apply(table)
	plain := r.plain()
	stream, sock := r.openEvents("a.example"), r.openSocket("a.example")
	load := startLoad(t, 4, plain, "a.example", nil)
	fresh := startLoad(t, 2, plain, "a.example", func(req *http.Request) { req.Close = true })
	time.Sleep(100 * time.Millisecond)

	// While the successor starts, tables go on changing.
	ctx, cancel := context.WithCancel(context.Background())
	applied := make(chan uint64, 1)
	go func() {
		var gen uint64 = 1
		for ctx.Err() == nil {
			gen++
			table := table
			table.Generation = gen
			if err := r.client.Apply(context.Background(), table); err != nil {
				t.Errorf("apply %d: %v", gen, err)
			}
			time.Sleep(5 * time.Millisecond)
		}
		applied <- gen
	}()
	st := r.handOver()
	time.Sleep(100 * time.Millisecond)
	cancel()
	gen := <-applied
	if now := r.status(); now.PID != st.PID || now.Generation != gen {
		t.Errorf("the successor has generation %d, want %d", now.Generation, gen)
	}
	time.Sleep(300 * time.Millisecond)
	load.stop()
	fresh.stop()
	load.check(20)
	fresh.check(10)

	all, err := r.client.Status(context.Background())
	if err != nil || len(all) != 2 || !all[1].Draining || all[1].Active["v1"] != 2 {
		t.Fatalf("%+v, %v", all, err)
	}
	for range 20 {
		if line := stream.next(); !strings.HasPrefix(line, "data: v1 ") {
			t.Fatalf("the stream said %q", line)
		}
	}
	if got := sock.say("still there?"); got != "v1 still there?" {
		t.Errorf("the socket said %q", got)
	}
	// A table goes to both, and streams of the old process still count.
	b := newApp(t, "v2", versionOf("v2"))
	table = routeTo("a.example", b.upstream())
	table.Generation, table.Draining = gen+1, []string{"v1"}
	if err := r.client.Apply(context.Background(), table); err != nil {
		t.Fatal(err)
	}
	// The file is the successor's: what reaches only the old process stays in its memory.
	table.Generation = gen + 2
	only, err := json.Marshal(table)
	if err != nil {
		t.Fatal(err)
	}
	if err := ask(context.Background(), r.edge.socket, http.MethodPut, "/table", only, nil); err != nil {
		t.Error(err)
	}
	var onDisk paas.Table
	if err := readSealed(r.edge.tablePath(), &onDisk); err != nil || onDisk.Generation != gen+1 {
		t.Errorf("generation %d on disk, %v", onDisk.Generation, err)
	}
	table.Generation = gen + 1
	if err := r.client.Apply(context.Background(), table); err != nil {
		t.Fatal(err)
	}
	for _, st := range must(r.client.Status(context.Background())) {
		if st.Generation != gen+1 {
			t.Errorf("%d has generation %d", st.PID, st.Generation)
		}
	}
	stream.res.Body.Close()
	sock.Close()
	select {
	case <-r.ended:
	case <-time.After(15 * time.Second):
		t.Fatal("the old process does not end when nothing is left")
	}
	if all := must(r.client.Status(context.Background())); len(all) != 1 || all[0].PID != st.PID {
		t.Errorf("%+v", all)
	}
	if code, body := r.get("a.example", "/"); code != 200 || body != "v2" {
		t.Errorf("%d %q", code, body)
	}
}

// A table that came after the successor had read the file, and before it could be spoken to, reaches it before it
// accepts.
func TestHandoverPassesTheTableOn(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.apply(routeTo("a.example", newApp(t, "v1", nil).upstream()))
	r.edge.changes <- struct{}{} // as a change that takes long
	done := make(chan error, 1)
	go func() { done <- r.client.Handover(context.Background(), self(t), []string{childArg, r.dir}) }()
	eventually(t, "the successor answers", func() bool {
		all, err := r.client.Status(context.Background())
		return err == nil && len(all) == 2 && all[0].Generation == 1 && all[1].Generation == 1
	})
	table := routeTo("a.example", newApp(t, "v2", nil).upstream())
	table.Generation = 2
	r.edge.force(table)
	<-r.edge.changes
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	st := r.status()
	t.Cleanup(func() { _ = syscall.Kill(st.PID, syscall.SIGKILL) })
	if code, body := r.get("a.example", "/"); st.PID == os.Getpid() || st.Generation != 2 || code != 200 || body != "v2" {
		t.Errorf("%+v: %d %q", st, code, body)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Clients with TLS meet the same authority before and after, HTTP/2 connections move over automatically.
func TestHandoverTLS(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.apply(selfSigned(routeTo("a.example", newApp(t, "v1", nil).upstream())))
	roots := rootsOf(t, r.status().Authority)
	client := r.overTLS(roots, true)
	get := func() error {
		res, err := client.Get("https://a.example/")
		if err != nil {
			return err
		}
		defer res.Body.Close()
		if b, err := io.ReadAll(res.Body); err != nil || string(b) != "v1" || res.ProtoMajor != 2 {
			return fmt.Errorf("%s %q %v", res.Proto, b, err)
		}
		return nil
	}
	failures := make(chan error, 1000)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan int)
	go func() {
		n := 0
		for ; ctx.Err() == nil; n++ {
			if err := get(); err != nil {
				failures <- err
			}
		}
		done <- n
	}()
	r.handOver()
	time.Sleep(300 * time.Millisecond)
	cancel()
	n := <-done
	select {
	case err := <-failures:
		t.Errorf("a request of %d failed: %v", n, err)
	default:
	}
	select {
	case <-r.ended:
	case <-time.After(15 * time.Second):
		t.Error("an HTTP/2 connection keeps the old process")
	}
}

// A program that does not start, one that ends at once and one that is no edge: the old edge serves on, and can hand
// over later.
func TestHandoverToABrokenProgram(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.apply(routeTo("a.example", newApp(t, "v1", nil).upstream()))
	load := startLoad(t, 2, r.plain(), "a.example", nil)
	for name, args := range map[string][]string{"/nonexistent/program": nil, self(t): {childArg, filepath.Join(r.dir, "broken")}, "/bin/true": nil} {
		err := r.client.Handover(context.Background(), name, args)
		if !paas.IsKind(err, paas.Failed) || !strings.Contains(paas.Public(err).Hint, "goes on serving") {
			t.Errorf("%s: %v", name, err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
	defer cancel()
	if err := r.client.Handover(ctx, "/bin/sleep", []string{"60"}); err == nil {
		t.Error("handed over to sleep")
	}
	if st := r.status(); st.Draining || st.PID != os.Getpid() {
		t.Errorf("%+v", st)
	}
	eventually(t, "the handover is given up", func() bool { return len(r.edge.handovers) == 0 })
	r.handOver()
	time.Sleep(100 * time.Millisecond)
	load.stop()
	load.check(20)
}

// The predecessor dies before its signal: the successor begins without.
func TestSuccessorOfADeadEdge(t *testing.T) {
	t.Parallel()
	dir, plain, child := inheriting(t, true)
	eventually(t, "its socket", func() bool { _, err := Dial(dir).Status(context.Background()); return err == nil })
	if err := Dial(dir).Apply(context.Background(), tableFor(t)); err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", plain) // no process accepts yet, but the socket queues
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
	_ = c.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
	if n, _ := c.Read(make([]byte, 1)); n != 0 {
		t.Error("it accepted before the word")
	}
	child.word.Close()
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	buf := make([]byte, 12)
	if _, err := io.ReadFull(c, buf); err != nil || string(buf) != "HTTP/1.1 200" {
		t.Errorf("%q %v", buf, err)
	}
}

func tableFor(t *testing.T) paas.Table {
	table := routeTo("a.example", newApp(t, "v1", nil).upstream())
	table.Generation = 1
	return table
}

// systemd's socket unit: no addresses of our own, default names, LISTEN_PID set to the child's.
func TestInheritedSockets(t *testing.T) {
	t.Parallel()
	dir, plain, _ := inheriting(t, false)
	eventually(t, "its socket", func() bool { _, err := Dial(dir).Status(context.Background()); return err == nil })
	if err := Dial(dir).Apply(context.Background(), tableFor(t)); err != nil {
		t.Fatal(err)
	}
	req, _ := http.NewRequest(http.MethodGet, "http://"+plain, nil)
	req.Host = "a.example"
	res, err := lone.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if body := read(t, res); body != "v1" {
		t.Errorf("%q", body)
	}
}

type childProcess struct {
	*exec.Cmd
	word *os.File
}

// inheriting starts a child edge with two listeners, and the pipe of a predecessor when asked.
func inheriting(t *testing.T, withWord bool) (dir, plain string, child childProcess) {
	t.Helper()
	dir = t.TempDir()
	var files []*os.File
	for i := range 2 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		f, err := dup(l.(*net.TCPListener), "x")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		files = append(files, f)
		if i == 0 {
			plain = l.Addr().String()
		}
	}
	names := "cloudsania-edge.socket:cloudsania-edge.socket"
	if withWord {
		start, word, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer start.Close()
		files, names, child.word = append(files, start), "http:https:go", word
	}
	child.Cmd = exec.Command(self(t), childArg, dir)
	child.Env = append(os.Environ(), fmt.Sprintf("LISTEN_FDS=%d", len(files)), "LISTEN_FDNAMES="+names)
	child.ExtraFiles = files
	var errs bytes.Buffer
	child.Stderr = &errs
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = child.Process.Kill()
		_ = child.Wait()
		if t.Failed() {
			t.Log(errs.String())
		}
	})
	return dir, plain, child
}

func TestInheritedSocketsAreChecked(t *testing.T) {
	for name, env := range map[string]map[string]string{
		"for another process": {"LISTEN_FDS": "1", "LISTEN_PID": "1"},
		"none":                {"LISTEN_FDS": "0"},
		"nonsense":            {"LISTEN_FDS": "many"},
		"too many":            {"LISTEN_FDS": "100000"},
	} {
		for k, v := range env {
			t.Setenv(k, v)
		}
		in, err := takeInherited()
		if wrong := name == "nonsense" || name == "too many"; (err != nil) != wrong || len(in.http)+len(in.https) > 0 {
			t.Errorf("%s: %+v, %v", name, in, err)
		}
		if os.Getenv("LISTEN_FDS") != "" {
			t.Errorf("%s: LISTEN_FDS is left for children", name)
		}
	}
}

func TestNotify(t *testing.T) {
	name := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	t.Setenv("NOTIFY_SOCKET", name)
	notify(42)
	buf := make([]byte, 100)
	_ = l.SetReadDeadline(time.Now().Add(5 * time.Second))
	if n, err := l.Read(buf); err != nil || string(buf[:n]) != "MAINPID=42\nREADY=1" {
		t.Errorf("%q %v", buf[:n], err)
	}
}

func TestClientWithoutEdges(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	// A process that was killed leaves its socket.
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "4242.sock"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	c := Dial(dir)
	if _, err := c.Status(context.Background()); !paas.IsKind(err, paas.Unavailable) {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "4242.sock")); err == nil {
		t.Error("the dead one's socket is still there")
	}
	if err := c.Apply(context.Background(), paas.Table{Generation: 1}); !paas.IsKind(err, paas.Unavailable) {
		t.Errorf("%v", err)
	}
	if err := c.Handover(context.Background(), "/bin/true", nil); !paas.IsKind(err, paas.Unavailable) {
		t.Errorf("%v", err)
	}
}

// One edge that lives but does not answer makes the whole status worthless: what is on its instances is unknown.
func TestClientHangingEdge(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	l, err := net.Listen("unix", filepath.Join(r.dir, "1.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	if _, err := r.client.Status(ctx); err == nil {
		t.Error("status")
	}
	ctx, cancel = context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	if err := r.client.Apply(ctx, paas.Table{Generation: 1}); err == nil {
		t.Error("apply")
	}
	if _, err := os.Stat(filepath.Join(r.dir, "1.sock")); err != nil {
		t.Error("a living edge's socket was removed")
	}
}

// Tables that overtake each other never put an older one in force.
func TestClientKeepsOrder(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, gen := range []uint64{5, 3, 5, 6} {
		if err := r.client.Apply(context.Background(), paas.Table{Generation: gen}); err != nil {
			t.Fatal(err)
		}
	}
	if st := r.status(); st.Generation != 6 {
		t.Errorf("%d", st.Generation)
	}
	if err := r.client.Apply(context.Background(), paas.Table{Generation: 2}); err != nil {
		t.Error(err)
	}
	if st := r.status(); st.Generation != 6 {
		t.Errorf("an older one came into force: %d", st.Generation)
	}
	// Another control, from an older backup, is obeyed.
	if err := Dial(r.dir).Apply(context.Background(), paas.Table{Generation: 2}); err != nil {
		t.Error(err)
	}
	if st := r.status(); st.Generation != 2 {
		t.Errorf("%d", st.Generation)
	}
}

func TestControlSocketRefusals(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if info, err := os.Stat(r.edge.socket); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	for path, body := range map[string]string{"/table": "{", "/handover": "{}"} {
		method := map[string]string{"/table": http.MethodPut, "/handover": http.MethodPost}[path]
		if err := ask(context.Background(), r.edge.socket, method, path, []byte(body), nil); !paas.IsKind(err, paas.Invalid) {
			t.Errorf("%s: %v", path, err)
		}
	}
	big, _ := json.Marshal(strings.Repeat("x", maxTableBytes))
	if err := ask(context.Background(), r.edge.socket, http.MethodPut, "/table", big, nil); err == nil {
		t.Error("an endless table was taken")
	}
	if st := r.status(); st.Generation != 0 {
		t.Errorf("%d", st.Generation)
	}
}
