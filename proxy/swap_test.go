package proxy

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

// load is clients with keep-alive connections who send GET and POST as fast as they get answers, and repeat nothing.
type load struct {
	*testing.T
	cancel   context.CancelFunc
	done     sync.WaitGroup
	ok       atomic.Int64
	mu       sync.Mutex
	failures []string
	served   map[string]int
}

func startLoad(t *testing.T, clients int, addr, host string, each func(*http.Request)) *load {
	ctx, cancel := context.WithCancel(context.Background())
	l := &load{T: t, cancel: cancel, served: map[string]int{}}
	for i := range clients {
		l.done.Go(func() { l.visit(ctx, addr, host, i%2 == 1 && each == nil, each) })
	}
	t.Cleanup(l.stop)
	return l
}

func (l *load) visit(ctx context.Context, addr, host string, post bool, each func(*http.Request)) {
	client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 1}}
	defer client.CloseIdleConnections()
	for ctx.Err() == nil {
		req, _ := http.NewRequest(http.MethodGet, "http://"+addr+"/", nil)
		if post && host != "s.example" {
			// Without GetBody the client cannot repeat it.
			req, _ = http.NewRequest(http.MethodPost, "http://"+addr+"/", io.NopCloser(strings.NewReader(strings.Repeat("x", 3000))))
		}
		req.Host = host
		if each != nil {
			each(req)
		}
		res, err := client.Do(req)
		if err != nil {
			l.fail(req.Method + ": " + err.Error())
			continue
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != http.StatusOK {
			l.fail(fmt.Sprintf("%s: %d %v %q", req.Method, res.StatusCode, err, body))
			continue
		}
		l.ok.Add(1)
		l.mu.Lock()
		l.served[string(body)]++
		l.mu.Unlock()
	}
}

func (l *load) fail(s string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failures = append(l.failures, s)
}

func (l *load) stop() {
	l.cancel()
	l.done.Wait()
}

func (l *load) check(atLeast int64) {
	l.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.failures) > 0 {
		l.Errorf("%d of %d requests failed, the first: %s", len(l.failures), l.ok.Load(), l.failures[0])
	}
	if l.ok.Load() < atLeast {
		l.Errorf("only %d requests were made", l.ok.Load())
	}
}

// versionOf answers with its name; /sse streams it until the client leaves, /echo upgrades and echoes.
func versionOf(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/sse":
			w.Header().Set("Content-Type", "text/event-stream")
			for i := 0; ; i++ {
				if _, err := fmt.Fprintf(w, "data: %s %d\n\n", name, i); err != nil {
					return
				}
				w.(http.Flusher).Flush()
				select {
				case <-r.Context().Done():
					return
				case <-time.After(10 * time.Millisecond):
				}
			}
		case "/echo":
			echo(w, name)
		default:
			_, _ = io.Copy(io.Discard, r.Body)
			fmt.Fprint(w, name)
		}
	}
}

func echo(w http.ResponseWriter, name string) {
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	fmt.Fprintf(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	_ = rw.Flush()
	for {
		line, err := rw.ReadString('\n')
		if err != nil {
			return
		}
		fmt.Fprintf(rw, "%s %s", name, line)
		_ = rw.Flush()
	}
}

// events is an open event stream.
type events struct {
	res   *http.Response
	lines *bufio.Scanner
}

func (r *rig) openEvents(host string) *events {
	r.Helper()
	res := r.do(http.MethodGet, host, "/sse", nil, nil)
	return &events{res, bufio.NewScanner(res.Body)}
}

func (e *events) next() string {
	for e.lines.Scan() {
		if e.lines.Text() != "" {
			return e.lines.Text()
		}
	}
	return ""
}

// socket is an upgraded connection.
type socket struct {
	net.Conn
	r *bufio.Reader
}

func (r *rig) openSocket(host string) *socket {
	r.Helper()
	c, err := net.Dial("tcp", r.plain())
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { c.Close() })
	fmt.Fprintf(c, "GET /echo HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", host)
	s := &socket{c, bufio.NewReader(c)}
	res, err := http.ReadResponse(s.r, nil)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols || res.Header.Get("Upgrade") != "websocket" {
		r.Fatalf("upgrade: %v %v", res, err)
	}
	return s
}

func (s *socket) say(text string) string {
	_ = s.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := fmt.Fprintln(s, text); err != nil {
		return err.Error()
	}
	line, err := s.r.ReadString('\n')
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(line)
}

// 20 swaps under load. Old instances are stopped as control stops them: as soon as the edge says that nobody is on
// them.
func TestSwapsUnderLoad(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	live := newApp(t, "v0", versionOf("v0"))
	r.apply(routeTo("a.example", live.upstream()))
	stream, sock := r.openEvents("a.example"), r.openSocket("a.example")
	first := live
	load := startLoad(t, 6, r.plain(), "a.example", nil)
	for i := range 20 {
		time.Sleep(25 * time.Millisecond)
		old := live
		live = newApp(t, fmt.Sprintf("v%d", i+1), versionOf(fmt.Sprintf("v%d", i+1)))
		table := routeTo("a.example", live.upstream())
		table.Draining = []string{old.name, first.name}
		r.apply(table)
		if old != first {
			eventually(t, old.name+" is free", func() bool { return r.status().Active[old.name] == 0 })
			old.stop()
		}
	}
	load.stop()
	load.check(100)
	if len(load.served) < 20 {
		t.Errorf("served by %d versions only", len(load.served))
	}
	for range 50 {
		if line := stream.next(); !strings.HasPrefix(line, "data: v0 ") {
			t.Fatalf("the stream said %q", line)
		}
	}
	if got := sock.say("hello"); got != "v0 hello" {
		t.Errorf("the socket said %q", got)
	}
	if n := r.status().Active["v0"]; n != 2 {
		t.Errorf("%d on the first version, want the stream and the socket", n)
	}
	stream.res.Body.Close()
	sock.Close()
	eventually(t, "the first version is free", func() bool { return r.status().Active["v0"] == 0 })
	if c := r.status().Counters["v0"]; c.Requests < 2 || c.Sent == 0 || c.Received == 0 {
		t.Errorf("%+v", c)
	}
	r.apply(routeTo("a.example", live.upstream()))
	if _, still := r.status().Active["v0"]; still {
		t.Error("an instance that no table names is not forgotten")
	}
}

// The instance dies before the table changes: requests wait a moment for the next table instead of failing, bodies
// included.
func TestRefusedDialResolvesAgain(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "a body"} {
		t.Run("body "+body, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			dead := newApp(t, "dead", nil)
			dead.stop()
			r.apply(routeTo("a.example", dead.upstream()))
			alive := newApp(t, "alive", func(w http.ResponseWriter, r *http.Request) {
				b, _ := io.ReadAll(r.Body)
				fmt.Fprintf(w, "alive %s", b)
			})
			go func() {
				time.Sleep(300 * time.Millisecond)
				table := routeTo("a.example", alive.upstream())
				table.Generation = 2
				_ = r.client.Apply(context.Background(), table)
			}()
			res := r.do(http.MethodPost, "a.example", "/", nil, io.NopCloser(strings.NewReader(body)))
			if got := read(t, res); res.StatusCode != 200 || got != "alive "+body {
				t.Errorf("%d %q", res.StatusCode, got)
			}
			if n := r.status().Active["dead"]; n != 0 {
				t.Errorf("%d claims left on the dead one", n)
			}
		})
	}
}

func TestDeadUpstreams(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	dead, alive := newApp(t, "dead", nil), newApp(t, "alive", nil)
	dead.stop()
	r.apply(routeTo("a.example", dead.upstream(), alive.upstream()))
	for range 6 {
		if code, body := r.get("a.example", "/"); code != 200 || body != "alive" {
			t.Errorf("%d %q", code, body)
		}
	}
	r.apply(routeTo("a.example", dead.upstream()))
	res := r.do(http.MethodGet, "a.example", "/", http.Header{"Accept": {"text/html"}}, nil)
	if body := read(t, res); res.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, "does not answer") || res.Header.Get("Retry-After") == "" {
		t.Errorf("%d %q", res.StatusCode, body)
	}
	if c := r.status().Counters["dead"]; c.Errors != 1 {
		t.Errorf("%+v", c)
	}
	go func() {
		time.Sleep(200 * time.Millisecond)
		table := routeTo("a.example", r.site(map[string]string{"index.html": "files"}, false))
		table.Generation = 100
		_ = r.client.Apply(context.Background(), table)
	}()
	if code, body := r.get("a.example", "/"); code != 200 || body != "files" {
		t.Errorf("an app that became files meanwhile: %d %q", code, body)
	}
	r.gen.Store(100)
	r.apply(routeTo("a.example", dead.upstream()))
	go func() {
		time.Sleep(200 * time.Millisecond)
		table := routeTo("a.example")
		table.Generation = 102
		_ = r.client.Apply(context.Background(), table)
	}()
	if code, body := r.get("a.example", "/"); code != 404 || !strings.Contains(body, "Nothing is deployed") {
		t.Errorf("an app that was taken away meanwhile: %d %q", code, body)
	}
}

// An app that closes the connection without an answer: a GET goes out once more, a POST does not, since it may have
// been carried out.
func TestBrokenAnswers(t *testing.T) {
	t.Parallel()
	var gets, posts atomic.Int32
	flaky := newApp(t, "flaky", func(w http.ResponseWriter, r *http.Request) {
		n := &gets
		if r.Method == http.MethodPost {
			n = &posts
		}
		if n.Add(1)%2 == 1 || r.URL.Path == "/never" {
			conn, _, _ := http.NewResponseController(w).Hijack()
			conn.Close()
			return
		}
		fmt.Fprint(w, "second try")
	})
	r := newRig(t)
	r.apply(routeTo("a.example", flaky.upstream()))
	if code, body := r.get("a.example", "/"); code != 200 || body != "second try" {
		t.Errorf("GET: %d %q", code, body)
	}
	if res := r.do(http.MethodPost, "a.example", "/", nil, strings.NewReader("x")); res.StatusCode != http.StatusBadGateway {
		t.Errorf("POST: %d", res.StatusCode)
	}
	if gets.Load() != 2 || posts.Load() != 1 {
		t.Errorf("the app saw %d GET and %d POST", gets.Load(), posts.Load())
	}
	if code, _ := r.get("a.example", "/never"); code != http.StatusBadGateway || gets.Load() != 4 {
		t.Errorf("GET that never works: %d after %d tries", code, gets.Load()-2)
	}
	if c := r.status().Counters["flaky"]; c.Errors != 2 || c.Requests != 3 {
		t.Errorf("%+v", c)
	}
}

// The claim: a reader that sees zero after a swap can stop the instance, whatever races.
func TestClaimIsFinal(t *testing.T) {
	t.Parallel()
	e := &Edge{instances: newInstances()}
	tables := [2]*router{}
	for i := range tables {
		tables[i] = newRouter(routeTo("a.example", paas.Upstream{Instance: fmt.Sprint("ins", i), Addr: mustAddr("127.0.0.1:1")}), e.instances)
	}
	ins := [2]*instance{e.instances.get("ins0"), e.instances.get("ins1")}
	var stopped [2]atomic.Bool
	e.router.Store(tables[0])
	stopped[1].Store(true)
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	for range 8 {
		wg.Go(func() {
			for ctx.Err() == nil {
				up, ok := e.claim("a.example", nil)
				if !ok {
					t.Error("no claim")
					return
				}
				if up.in == ins[0] && stopped[0].Load() || up.in == ins[1] && stopped[1].Load() {
					t.Error("a request on an instance that was free to stop")
				}
				up.in.release()
			}
		})
	}
	for i := range 100_000 {
		next, old := (i+1)%2, i%2
		stopped[next].Store(false)
		e.router.Store(tables[next])
		for ins[old].active.Load() > 0 {
		}
		stopped[old].Store(true)
	}
	cancel()
	wg.Wait()
}

func TestStreamsFlowAtOnce(t *testing.T) {
	t.Parallel()
	gate := make(chan struct{})
	a := newApp(t, "a", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow-known-length" {
			w.Header().Set("Content-Length", "6")
		} else {
			w.Header().Set("Content-Type", "text/event-stream")
		}
		fmt.Fprint(w, "one")
		w.(http.Flusher).Flush()
		<-gate
		fmt.Fprint(w, "two")
	})
	r := newRig(t)
	r.apply(routeTo("a.example", a.upstream()))
	for _, path := range []string{"/sse", "/slow-known-length"} {
		began := time.Now()
		res := r.do(http.MethodGet, "a.example", path, nil, nil)
		first := make([]byte, 3)
		if _, err := io.ReadFull(res.Body, first); err != nil || string(first) != "one" || time.Since(began) > 2*time.Second {
			t.Errorf("%s: %q after %v, %v", path, first, time.Since(began), err)
		}
		gate <- struct{}{}
		if rest := read(t, res); rest != "two" {
			t.Errorf("%s: %q", path, rest)
		}
	}
}

func TestClientThatLeavesEndsTheRequest(t *testing.T) {
	t.Parallel()
	left := make(chan struct{})
	a := newApp(t, "a", func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		close(left)
	})
	r := newRig(t)
	r.apply(routeTo("a.example", a.upstream()))
	res := r.do(http.MethodGet, "a.example", "/", nil, nil)
	res.Body.Close()
	select {
	case <-left:
	case <-time.After(5 * time.Second):
		t.Error("the app never heard of it")
	}
	eventually(t, "the claim is released", func() bool { return r.status().Active["a"] == 0 })
}

func TestBodiesBothWays(t *testing.T) {
	t.Parallel()
	a := newApp(t, "a", func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex()
		_, _ = io.Copy(w, r.Body)
	})
	r := newRig(t)
	r.apply(routeTo("a.example", a.upstream()))
	big := bytes.Repeat([]byte("0123456789abcdef"), 1<<20)                           // 16 MiB
	keeping := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{}} // the server treats bodies otherwise on connections that end
	defer keeping.CloseIdleConnections()
	for name, header := range map[string]http.Header{"length": {}, "chunked": {}, "expect": {"Expect": {"100-continue"}}} {
		var body io.Reader = bytes.NewReader(big)
		if name == "chunked" {
			body = io.NopCloser(body)
		}
		req, err := http.NewRequest(http.MethodPost, "http://"+r.plain()+"/", body)
		if err != nil {
			t.Fatal(err)
		}
		req.Host, req.Header = "a.example", header
		res, err := keeping.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || !bytes.Equal(got, big) {
			t.Errorf("%s: %d bytes came back, %v", name, len(got), err)
		}
	}
	if c := r.status().Counters["a"]; c.Received < int64(3*len(big)) || c.Sent < int64(3*len(big)) || c.Requests != 3 {
		t.Errorf("%+v", c)
	}
}

// Expect: 100-continue reaches the app, and its refusal the client, before a byte of the body is sent.
func TestExpectContinueRefused(t *testing.T) {
	t.Parallel()
	a := newApp(t, "a", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusRequestEntityTooLarge) })
	r := newRig(t)
	r.apply(routeTo("a.example", a.upstream()))
	if got := r.rawRequest("POST / HTTP/1.1\r\nHost: a.example\r\nExpect: 100-continue\r\nContent-Length: 1000000\r\n\r\n"); !strings.Contains(got, "413") {
		t.Errorf("%q", got)
	}
}

func TestHeadersThatOnlyWeSet(t *testing.T) {
	t.Parallel()
	a := newApp(t, "a", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, r.Method, r.URL.RequestURI(), r.Host)
		for k, v := range r.Header {
			fmt.Fprintln(w, k, v)
		}
	})
	r := newRig(t)
	r.apply(routeTo("a.example", a.upstream()))
	spoof := http.Header{"Connection": {"X-Forwarded-For, X-Real-Ip, X-Forwarded-Proto, X-Kept"}, "Upgrade": {"h2c"}, "Http2-Settings": {"AAMAAABkAAQAAP__"}}
	for _, k := range []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Prefix", "X-Forwarded-Ssl", "Forwarded", "X-Real-Ip", "x_real_ip", "X_FORWARDED_FOR",
		"X-Forwarded_Proto", "X-Webauth-User", "X-Original-Url", "X-Rewrite-Url", "X-Client-Ip", "Proxy", "x_webauth-user"} {
		spoof[k] = []string{"6.6.6.6"}
	}
	spoof["X-Custom"], spoof["Priority"] = []string{"kept"}, []string{"u=1"}
	body := read(t, r.do(http.MethodGet, "a.example:99", "/p%2Fq//r?a=1;b=%zz&c", spoof, nil))
	if strings.Contains(body, "6.6.6.6") || strings.Contains(strings.ToLower(body), "h2c") {
		t.Errorf("the app was lied to:\n%s", body)
	}
	for _, want := range []string{"GET /p%2Fq//r?a=1;b=%zz&c a.example:99", "X-Forwarded-For [127.0.0.1]", "X-Real-Ip [127.0.0.1]", "X-Forwarded-Proto [http]", "X-Forwarded-Host [a.example:99]",
		"X-Custom [kept]", "Priority [u=1]"} {
		if !strings.Contains(body, want+"\n") {
			t.Errorf("missing %q in\n%s", want, body)
		}
	}
}

// An app that answers with an upgrade that was not asked for fails.
func TestUpgradeNotAskedFor(t *testing.T) {
	t.Parallel()
	a := newApp(t, "a", func(w http.ResponseWriter, _ *http.Request) { echo(w, "a") })
	r := newRig(t)
	r.apply(routeTo("a.example", a.upstream()))
	if code, _ := r.get("a.example", "/"); code != http.StatusBadGateway {
		t.Errorf("%d", code)
	}
}

func TestStopLetsRequestsEnd(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	began := make(chan struct{})
	a := newApp(t, "a", func(w http.ResponseWriter, r *http.Request) {
		close(began)
		time.Sleep(500 * time.Millisecond)
		fmt.Fprint(w, "late")
	})
	r.apply(routeTo("a.example", a.upstream()))
	got := make(chan string, 1)
	go func() {
		_, body := r.get("a.example", "/")
		got <- body
	}()
	<-began
	r.stop()
	if body := <-got; body != "late" {
		t.Errorf("%q", body)
	}
}

func BenchmarkProxy(b *testing.B) {
	t := &testing.T{}
	dir := b.TempDir()
	opts, _ := testOptions(t, dir)
	e, err := Listen(opts)
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { _ = e.Run(ctx) }()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat("x", 1024)) }))
	defer srv.Close()
	table := routeTo("a.example", paas.Upstream{Instance: "i", Addr: mustAddr(srv.Listener.Addr().String())})
	table.Generation = 1
	if err := Dial(dir).Apply(ctx, table); err != nil {
		b.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			req, _ := http.NewRequest(http.MethodGet, "http://"+e.http[0].Addr().String()+"/", nil)
			req.Host = "a.example"
			res, err := client.Do(req)
			if err != nil {
				b.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, res.Body)
			res.Body.Close()
		}
	})
}
