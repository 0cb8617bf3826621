package proxy

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

// childArg makes the test binary an edge: handovers and inherited sockets need a real second process.
const childArg = "edge-child"

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == childArg {
		os.Exit(childEdge(os.Args[2]))
	}
	os.Exit(m.Run())
}

// childEdge runs an edge in dir until it has drained, or its test's directory is gone.
func childEdge(dir string) int {
	if strings.HasPrefix(filepath.Base(dir), "broken") {
		return 3
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		for ctx.Err() == nil {
			if _, err := os.Stat(dir); err != nil {
				cancel()
			}
			time.Sleep(100 * time.Millisecond)
		}
	}()
	e, err := Listen(Options{Data: dir, StaticRoot: filepath.Join(dir, "static"), Control: filepath.Join(dir, "web.sock"), Version: "child",
		StopGrace: time.Second, Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := e.Run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// rig is a running edge and control's view of it.
type rig struct {
	*testing.T
	edge   *Edge
	client *Client
	dir    string
	gen    atomic.Uint64
	log    *logBuffer
	stop   func()
	ended  chan struct{}
}

func testOptions(t *testing.T, dir string) (Options, *logBuffer) {
	log := &logBuffer{}
	return Options{Data: dir, StaticRoot: filepath.Join(dir, "static"), Control: filepath.Join(dir, "web.sock"), HTTP: "127.0.0.1:0", HTTPS: "127.0.0.1:0",
		Version: "test", StopGrace: 2 * time.Second, Log: slog.New(slog.NewTextHandler(log, nil))}, log
}

func newRig(t *testing.T, change ...func(*Options)) *rig {
	t.Helper()
	return newRigIn(t, t.TempDir(), change...)
}

func newRigIn(t *testing.T, dir string, change ...func(*Options)) *rig {
	t.Helper()
	opts, log := testOptions(t, dir)
	for _, f := range change {
		f(&opts)
	}
	e, err := Listen(opts)
	if err != nil {
		t.Fatal(err)
	}
	return start(t, e, dir, log)
}

func start(t *testing.T, e *Edge, dir string, log *logBuffer) *rig {
	ctx, cancel := context.WithCancel(context.Background())
	r := &rig{T: t, edge: e, client: Dial(dir), dir: dir, log: log, ended: make(chan struct{})}
	r.stop = func() {
		cancel()
		select {
		case <-r.ended:
		case <-time.After(20 * time.Second):
			t.Error("the edge did not stop")
		}
	}
	go func() {
		defer close(r.ended)
		if err := e.Run(ctx); err != nil {
			t.Errorf("edge: %v", err)
		}
	}()
	t.Cleanup(r.stop)
	return r
}

// logBuffer keeps what was logged.
type logBuffer struct {
	text atomic.Pointer[string]
}

func (b *logBuffer) Write(p []byte) (int, error) {
	for {
		old := b.text.Load()
		all := string(p)
		if old != nil {
			all = *old + all
		}
		if b.text.CompareAndSwap(old, &all) {
			return len(p), nil
		}
	}
}

func (b *logBuffer) String() string {
	if s := b.text.Load(); s != nil {
		return *s
	}
	return ""
}

// apply sends a table with the next generation.
func (r *rig) apply(table paas.Table) uint64 {
	r.Helper()
	table.Generation = r.gen.Add(1)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := r.client.Apply(ctx, table); err != nil {
		r.Fatalf("apply: %v", err)
	}
	return table.Generation
}

func (r *rig) status() paas.EdgeStatus {
	r.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	all, err := r.client.Status(ctx)
	if err != nil || len(all) == 0 {
		r.Fatalf("status: %v, %v", all, err)
	}
	return all[0]
}

func (r *rig) plain() string  { return r.edge.http[0].Addr().String() }
func (r *rig) secure() string { return r.edge.https[0].Addr().String() }

// do sends a request for host to the plain listener.
func (r *rig) do(method, host, path string, header http.Header, body io.Reader) *http.Response {
	r.Helper()
	req, err := http.NewRequest(method, "http://"+r.plain()+path, body)
	if err != nil {
		r.Fatal(err)
	}
	req.Host = host
	if header != nil {
		req.Header = header
	}
	res, err := lone.Do(req)
	if err != nil {
		r.Fatalf("%s %s%s: %v", method, host, path, err)
	}
	r.Cleanup(func() { res.Body.Close() })
	return res
}

func (r *rig) get(host, path string) (int, string) {
	r.Helper()
	res := r.do(http.MethodGet, host, path, nil, nil)
	return res.StatusCode, read(r.T, res)
}

// lone is a client that keeps nothing and follows nothing.
var lone = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

func read(t *testing.T, res *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// app is a backend that answers with its name, and the route that leads to it.
type app struct {
	*httptest.Server
	name string
}

func newApp(t *testing.T, name string, handler http.HandlerFunc) *app {
	t.Helper()
	if handler == nil {
		handler = func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			fmt.Fprint(w, name)
		}
	}
	a := &app{httptest.NewServer(handler), name}
	t.Cleanup(a.stop)
	return a
}

// stop ends the app as a container ends: nothing listens, open connections are cut.
func (a *app) stop() {
	a.Listener.Close()
	a.CloseClientConnections()
	go a.Close() // waits for handlers, which may hang on purpose
}

func (a *app) upstream() paas.Upstream {
	return paas.Upstream{Instance: a.name, Addr: netip.MustParseAddrPort(a.Listener.Addr().String())}
}

func routeTo(host string, ups ...paas.Upstream) paas.Table {
	return paas.Table{Routes: []paas.Route{{App: "app_x", Name: "x", Hosts: []string{host}, Upstreams: ups}}}
}

// startControl is control's web.sock.
func (r *rig) startControl(h http.HandlerFunc) *http.Server {
	r.Helper()
	l, err := net.Listen("unix", filepath.Join(r.dir, "web.sock"))
	if err != nil {
		r.Fatal(err)
	}
	srv := &http.Server{Handler: h}
	go srv.Serve(l)
	r.Cleanup(func() { srv.Close() })
	return srv
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("never happened: %s", what)
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if code, body := r.get("a.example", "/"); code != http.StatusServiceUnavailable || !strings.Contains(body, "starting") {
		t.Errorf("before the first table: %d %q", code, body)
	}
	one, two := newApp(t, "one", nil), newApp(t, "two", nil)
	table := routeTo("A.Example.", one.upstream(), two.upstream())
	table.Routes = append(table.Routes, paas.Route{Name: "empty", Hosts: []string{"empty.example"}}, paas.Route{Name: "late", Hosts: []string{"a.example", "not a host"}})
	r.apply(table)
	seen := map[string]int{}
	for range 10 {
		code, body := r.get("a.EXAMPLE:8080", "/")
		if code != http.StatusOK {
			t.Fatalf("%d %q", code, body)
		}
		seen[body]++
	}
	if seen["one"] != 5 || seen["two"] != 5 {
		t.Errorf("not in turn: %v", seen)
	}
	for _, c := range []struct {
		host string
		code int
		text string
	}{
		{"nowhere.example", 404, "There is no site"},
		{"empty.example", 404, "Nothing is deployed here yet"},
		{"sub.a.example", 404, "There is no site"},
	} {
		if code, body := r.get(c.host, "/"); code != c.code || !strings.Contains(body, c.text) {
			t.Errorf("%s: %d %q", c.host, code, body)
		}
	}
	if !strings.Contains(r.log.String(), "not a host") {
		t.Error("a host that is none was not reported")
	}
}

func TestDashboardWhileControlIsAway(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := newApp(t, "app", nil)
	table := routeTo("a.example", a.upstream())
	table.Dashboard = []string{"panel.example", "127.0.0.1"}
	r.apply(table)
	res := r.do(http.MethodGet, "127.0.0.1:8080", "/", http.Header{"Accept": {"text/html"}}, nil)
	body := read(t, res)
	if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" || !strings.Contains(body, "dashboard is restarting") ||
		!strings.Contains(body, `http-equiv="refresh"`) {
		t.Errorf("%d %v %q", res.StatusCode, res.Header, body)
	}
	if res := r.do(http.MethodGet, "panel.example", "/api/v1/apps", http.Header{"Accept": {"application/json"}}, nil); !strings.Contains(read(t, res), `"kind":"unavailable"`) {
		t.Error("an API client gets no JSON")
	}
	if code, _ := r.get("a.example", "/"); code != http.StatusOK {
		t.Errorf("an app suffers: %d", code)
	}
	srv := r.startControl(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s%v%v", r.Host, r.Header["X-Forwarded-For"], r.Header["X-Forwarded-Proto"])
	})
	spoof := http.Header{"X-Forwarded-For": {"6.6.6.6"}, "X-Forwarded-Proto": {"https"}, "Connection": {"X-Forwarded-For, X-Forwarded-Proto"}}
	if body := read(t, r.do(http.MethodGet, "panel.example", "/", spoof, nil)); body != "panel.example[127.0.0.1][http]" {
		t.Errorf("control sees %q", body)
	}
	srv.Close() // kill -9: the next request finds a dead connection
	if code, body := r.get("panel.example", "/"); code != http.StatusServiceUnavailable || !strings.Contains(body, "Apps are not affected") {
		t.Errorf("%d %q", code, body)
	}
}

// The table on disk is what a restarted edge serves from, without control.
func TestTableOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := newApp(t, "app", nil)
	gen := r.apply(routeTo("a.example", a.upstream()))
	r.stop()
	if left, _ := filepath.Glob(filepath.Join(r.dir, "*.sock*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	again := newRigIn(t, r.dir)
	if code, body := again.get("a.example", "/"); code != http.StatusOK || body != "app" {
		t.Errorf("%d %q", code, body)
	}
	if st := again.status(); st.Generation != gen {
		t.Errorf("generation %d, want %d", st.Generation, gen)
	}
}

func TestDamagedTable(t *testing.T) {
	t.Parallel()
	whole := func(t *testing.T) (string, []byte) {
		r := newRig(t)
		r.apply(routeTo("a.example", newApp(t, "app", nil).upstream()))
		r.stop()
		path := filepath.Join(r.dir, "table.json")
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
			t.Errorf("mode %v", info.Mode())
		}
		return r.dir, b
	}
	for name, damage := range map[string]func([]byte) []byte{
		"half":    func(b []byte) []byte { return b[:len(b)/2] },
		"empty":   func([]byte) []byte { return nil },
		"one bit": func(b []byte) []byte { return []byte(strings.Replace(string(b), "a.example", "b.example", 1)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, b := whole(t)
			if err := os.WriteFile(filepath.Join(dir, "table.json"), damage(b), 0o600); err != nil {
				t.Fatal(err)
			}
			r := newRigIn(t, dir)
			if !strings.Contains(r.log.String(), "damaged") {
				t.Error("nothing was said")
			}
			if st := r.status(); st.Generation != 0 {
				t.Errorf("generation %d", st.Generation)
			}
			if code, _ := r.get("a.example", "/"); code != http.StatusServiceUnavailable {
				t.Errorf("%d", code)
			}
			r.gen.Store(7)
			r.apply(routeTo("a.example", newApp(t, "app", nil).upstream()))
			if code, _ := r.get("a.example", "/"); code != http.StatusOK {
				t.Errorf("after the next table: %d", code)
			}
		})
	}
}

// A table that cannot be written down is not acknowledged and not served: after a restart it would be gone.
func TestTableThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.apply(routeTo("a.example", newApp(t, "app", nil).upstream()))
	if err := os.Remove(filepath.Join(r.dir, "table.json")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(r.dir, "table.json"), 0o700); err != nil {
		t.Fatal(err)
	}
	err := r.client.Apply(context.Background(), paas.Table{Generation: 9})
	if err == nil {
		t.Fatal("acknowledged")
	}
	if code, _ := r.get("a.example", "/"); code != http.StatusOK {
		t.Errorf("the table in force was lost: %d", code)
	}
	if st := r.status(); st.Generation != 1 {
		t.Errorf("generation %d", st.Generation)
	}
}

func TestLongPath(t *testing.T) {
	t.Parallel()
	opts, _ := testOptions(t, filepath.Join(t.TempDir(), strings.Repeat("x", 100)))
	if _, err := Listen(opts); !paas.IsKind(err, paas.Invalid) || paas.Public(err).Hint == "" {
		t.Errorf("%v", err)
	}
}

func TestBusyPort(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	opts, _ := testOptions(t, t.TempDir())
	opts.HTTPS = l.Addr().String()
	if _, err := Listen(opts); !paas.IsKind(err, paas.Unavailable) || paas.Public(err).Hint == "" {
		t.Errorf("%v", err)
	}
}

// rawRequest writes text to the plain listener and returns the answer's status line.
func (r *rig) rawRequest(text string) string {
	r.Helper()
	c, err := net.Dial("tcp", r.plain())
	if err != nil {
		r.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(c, text); err != nil {
		r.Fatal(err)
	}
	line, _ := bufio.NewReader(c).ReadString('\n')
	return strings.TrimSpace(line)
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.apply(routeTo("a.example", newApp(t, "app", nil).upstream()))
	many := &strings.Builder{}
	for i := range maxHeaderFields + 1 {
		fmt.Fprintf(many, "H%d: x\r\n", i)
	}
	for name, c := range map[string]struct{ request, want string }{
		"connect":        {"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n", "405"},
		"trace":          {"TRACE / HTTP/1.1\r\nHost: a.example\r\n\r\n", "405"},
		"no host":        {"GET / HTTP/1.0\r\n\r\n", "400"},
		"bad host":       {"GET / HTTP/1.1\r\nHost: a..example\r\n\r\n", "400"},
		"two hosts":      {"GET / HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\n\r\n", "400"},
		"two lengths":    {"POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", "400"},
		"bad encoding":   {"POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "501"},
		"folded":         {"GET / HTTP/1.1\r\nHost: a.example\r\nX : y\r\n\r\n", "400"},
		"long url":       {"GET /" + strings.Repeat("a", maxURLBytes) + " HTTP/1.1\r\nHost: a.example\r\n\r\n", "414"},
		"many fields":    {"GET / HTTP/1.1\r\nHost: a.example\r\n" + many.String() + "\r\n", "431"},
		"large head":     {"GET / HTTP/1.1\r\nHost: a.example\r\nX: " + strings.Repeat("x", maxHeaderBytes+8<<10) + "\r\n\r\n", "431"},
		"absolute form":  {"GET http://a.example/x HTTP/1.1\r\nHost: nowhere\r\n\r\n", "200"},
		"just right":     {"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", "200"},
		"unknown method": {"PROPFIND / HTTP/1.1\r\nHost: a.example\r\n\r\n", "200"}, // WebDAV apps exist
	} {
		if got := r.rawRequest(c.request); !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %s", name, got, c.want)
		}
	}
}

// A connection that never finishes its head is closed; others do not notice.
func TestSlowHead(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.apply(routeTo("a.example", newApp(t, "app", nil).upstream()))
	began := time.Now()
	var conns []net.Conn
	for _, addr := range []string{r.plain(), r.plain(), r.secure()} {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		conns = append(conns, c)
	}
	fmt.Fprint(conns[0], "GET / HTTP/1.1\r\nHost: a.example\r\nX: ")
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(500 * time.Millisecond):
				_, _ = fmt.Fprint(conns[0], "x") // one byte at a time must not prolong it
			}
		}
	}()
	if code, _ := r.get("a.example", "/"); code != http.StatusOK {
		t.Errorf("others wait: %d", code)
	}
	for i, c := range conns {
		_ = c.SetReadDeadline(began.Add(readHeaderTimeout + 8*time.Second))
		if _, err := io.Copy(io.Discard, c); err != nil && os.IsTimeout(err) {
			t.Errorf("connection %d is still open after %v", i, time.Since(began))
		}
	}
	if took := time.Since(began); took < readHeaderTimeout-time.Second {
		t.Errorf("closed after only %v", took)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	g := newGate(2, 5)
	ip := func(s string) netip.Addr {
		return origin(&net.TCPAddr{IP: net.ParseIP(s), Port: 1})
	}
	for i, c := range []struct {
		from string
		want bool
	}{
		{"192.0.2.1", true}, {"192.0.2.1", true}, {"192.0.2.1", false}, {"::ffff:192.0.2.1", false},
		{"2001:db8::1", true}, {"2001:db8::2", true}, {"2001:db8::3", false}, // one /64
		{"127.0.0.1", true}, {"127.0.0.1", false}, {"192.0.2.9", false}, // the fifth, and over
	} {
		if got := g.enter(ip(c.from)); got != c.want {
			t.Errorf("%d: %s: %v", i, c.from, got)
		}
	}
	g.leave(ip("192.0.2.1"))
	if !g.enter(ip("192.0.2.1")) {
		t.Error("a place that was left is not given again")
	}
	for range 2 {
		g.leave(ip("192.0.2.1"))
		g.leave(ip("2001:db8::9"))
	}
	g.leave(ip("::1"))
	if g.count() != 0 || len(g.byIP) != 0 {
		t.Errorf("left over: %d, %v", g.count(), g.byIP)
	}
}

func TestConnectionsInAll(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(o *Options) { o.Conns = 3 })
	r.apply(routeTo("a.example", newApp(t, "app", nil).upstream()))
	var held []net.Conn
	for range 3 {
		c, err := net.Dial("tcp", r.plain())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		held = append(held, c)
	}
	eventually(t, "three connections open", func() bool { return r.edge.gate.count() == 3 })
	c, err := net.Dial("tcp", r.plain())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := c.Read(make([]byte, 1)); err == nil || os.IsTimeout(err) {
		t.Errorf("the fourth was not closed: %v", err)
	}
	held[0].Close()
	eventually(t, "a place free again", func() bool { return r.edge.gate.count() == 2 })
	if code, _ := r.get("a.example", "/"); code != http.StatusOK {
		t.Errorf("%d", code)
	}
}

func mustAddr(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }
