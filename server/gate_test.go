package server_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/cloudsania/cloudsania/control"
	"github.com/cloudsania/cloudsania/server"
	"github.com/cloudsania/cloudsania/server/servertest"

	"golang.org/x/sys/unix"

	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/paas"
)

// What another site can make a browser send changes nothing, on any route that changes something.
func TestCrossSiteRequestsAreRefused(t *testing.T) {
	r := servertest.New(t)
	r.Claim()
	w := newWalker(r)
	a := r.App("shop")
	dep := r.Deployment(a)
	cookie, basic, token := r.Session(), r.Token(paas.Path{}), r.Token(paas.Path{})
	as := map[string]func(*http.Request){
		"session": func(q *http.Request) { q.AddCookie(&http.Cookie{Name: "__Host-cs", Value: cookie}) },
		"Basic":   func(q *http.Request) { q.SetBasicAuth("x", basic) },
		"nobody":  func(*http.Request) {},
	}
	shapes := map[string]map[string]string{
		"cross-site fetch":              {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
		"an app on a sibling host":      {"Sec-Fetch-Site": "same-site", "Origin": "https://evil.cloud.test"},
		"form of an old browser":        {"Sec-Fetch-Site": "", "Origin": "https://evil.example", "Content-Type": "application/x-www-form-urlencoded"},
		"sandboxed frame":               {"Sec-Fetch-Site": "", "Origin": "null"},
		"text/plain that reads as JSON": {"Sec-Fetch-Site": "cross-site", "Content-Type": "text/plain"},
	}
	routesSeen := 0
	for _, rt := range r.Server.Table() {
		if !rt.Mutates() || rt.Claiming {
			continue
		}
		routesSeen++
		path := strings.NewReplacer(":app", a.ID, ":deployment", dep.ID, ":token", "tok_x", ":session", "x", "*", "shop.git/git-receive-pack").Replace(rt.Path)
		for who, set := range as {
			for name, shape := range shapes {
				got := w.send(rt, path, caller{set: func(q *http.Request) {
					set(q)
					for k, v := range shape {
						q.Header.Set(k, v)
						if v == "" {
							q.Header.Del(k)
						}
					}
				}})
				if got.Code != http.StatusForbidden {
					t.Errorf("%s %s, %s, as %s: %d %s", rt.Method, rt.Path, name, who, got.Code, got.Body)
				}
			}
		}
		silent := func(q *http.Request) { as["session"](q); q.Header.Del("Sec-Fetch-Site") }
		if got := w.send(rt, path, caller{set: silent}); got.Code != http.StatusForbidden {
			t.Errorf("%s %s with a session from nowhere: %d", rt.Method, rt.Path, got.Code)
		}
		api := func(q *http.Request) { bearer(token)(q); q.Header.Set("Sec-Fetch-Site", "cross-site") }
		if got := w.send(rt, path, caller{set: api}); got.Code == http.StatusForbidden && strings.Contains(got.Body.String(), "another site") {
			t.Errorf("%s %s with a Bearer token is taken for forged", rt.Method, rt.Path)
		}
	}
	if routesSeen < 15 {
		t.Errorf("only %d routes change something", routesSeen)
	}
}

func TestHeaders(t *testing.T) {
	r := servertest.Claimed(t)
	for _, path := range []string{"/api/v1/health", "/api/v1/apps", "/nothing"} {
		got := r.Do(servertest.Ask{Path: path})
		for name, want := range map[string]string{
			"Content-Security-Policy":      server.ContentPolicy,
			"X-Content-Type-Options":       "nosniff",
			"Referrer-Policy":              "same-origin",
			"Cross-Origin-Opener-Policy":   "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin",
			"Strict-Transport-Security":    "max-age=31536000",
			"Cache-Control":                "no-store",
		} {
			if got.Header.Get(name) != want {
				t.Errorf("%s: %s is %q", path, name, got.Header.Get(name))
			}
		}
		if len(got.Header.Get("X-Request-Id")) != 16 || got.Header.Get("Access-Control-Allow-Origin") != "" || got.Header.Get("Server") != "" {
			t.Errorf("%s: %v", path, got.Header)
		}
	}
	if got := r.Do(servertest.Ask{Path: "/api/v1/health", Plain: true}); got.Header.Get("Strict-Transport-Security") != "" {
		t.Error("HSTS without TLS")
	}
	if got := r.Do(servertest.Ask{Path: "/api/v1/health", Local: true, Header: map[string]string{"X-Forwarded-Proto": "https"}}); got.Header.Get("Strict-Transport-Security") != "" {
		t.Error("a local caller's word about TLS is believed")
	}
}

func TestTokensInAddressesAreRefused(t *testing.T) {
	r := servertest.Claimed(t)
	token := r.Token(paas.Path{})
	for _, path := range []string{"/api/v1/apps?token=" + token, "/api/v1/apps?x=" + token, "/api/v1/health?access_token=abc"} {
		r.Refused(http.StatusBadRequest, servertest.Ask{Path: path, Token: token})
	}
	if strings.Contains(r.Logs.String(), token) {
		t.Error("the token is in the log")
	}
}

func TestBadBodies(t *testing.T) {
	r := servertest.Claimed(t)
	post := func(body, kind string) servertest.Ask {
		return servertest.Ask{Method: "POST", Path: "/api/v1/apps", Local: true, Raw: strings.NewReader(body), Header: map[string]string{"Content-Type": kind}}
	}
	tests := []struct {
		name, body, kind string
		status           int
		field            string
	}{
		{"unknown member", `{"name":"a","nmae":"b"}`, "application/json", 400, "nmae"},
		{"wrong type", `{"name":7}`, "application/json", 400, "name"},
		{"cut off", `{"name":`, "application/json", 400, ""},
		{"two values", `{"name":"a"} {}`, "application/json", 400, ""},
		{"not JSON", `name=a`, "application/json", 400, ""},
		{"empty", ` `, "application/json", 400, ""},
		{"deep", strings.Repeat("[", 100_000), "application/json", 400, ""},
		{"a form", `name=a`, "application/x-www-form-urlencoded", 400, ""},
		{"text", `{"name":"a"}`, "text/plain", 400, ""},
		{"no type", `{"name":"a"}`, "", 400, ""},
		{"too large", `{"name":"` + strings.Repeat("a", server.MaxAppBody) + `"}`, "application/json", 413, ""},
		{"a bad name", `{"name":"A b"}`, "application/json", 400, "name"},
		{"with parameters", `{"name":"fine"}`, "application/json; charset=utf-8", 201, ""},
	}
	for _, tt := range tests {
		got := r.Do(post(tt.body, tt.kind))
		if got.Status != tt.status || tt.field != "" && !strings.Contains(got.Body, fmt.Sprintf(`"field":%q`, tt.field)) {
			t.Errorf("%s: %d %s", tt.name, got.Status, got.Body)
		}
	}
	// a body whose length nobody said is cut at the limit too
	a := servertest.Ask{Method: "POST", Path: "/api/v1/login", Raw: endless{}, Header: map[string]string{"Content-Type": "application/json"}}
	r.Refused(http.StatusRequestEntityTooLarge, a)
}

// endless is a body without end, and without a length.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func TestPanicsAreAnsweredAndLogged(t *testing.T) {
	r := servertest.Claimed(t)
	table := []server.Route{{Method: "GET", Path: "/api/v1/boom", Action: "health.read", Resource: server.NoResource, Handle: func(*server.Call) error { panic("kaboom") }}}
	stop, err := r.Server.ServeAt(filepath.Join(r.Dir, "boom.sock"), table)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	c := servertest.SocketClient(filepath.Join(r.Dir, "boom.sock"))
	resp, err := c.Get("http://control/api/v1/boom")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != 500 || !strings.Contains(r.Logs.String(), "kaboom") || !strings.Contains(r.Logs.String(), resp.Header.Get("X-Request-Id")) {
		t.Errorf("%d, log %s", resp.StatusCode, r.Logs)
	}
}

func TestInternalErrorsShowNothing(t *testing.T) {
	r := servertest.Claimed(t)
	a := r.App("shop")
	r.Deploys.Print(fmt.Errorf("dial /var/run/docker.sock: secret path"))
	e := r.Refused(500, servertest.Ask{Path: "/api/v1/apps/" + a.ID + "/logs", Local: true})
	if strings.Contains(e.Message+e.Hint, "docker.sock") || !strings.Contains(r.Logs.String(), "docker.sock") || !strings.Contains(r.Logs.String(), e.RequestID) {
		t.Errorf("%+v\n%s", e, r.Logs)
	}
}

// statusAs asks a socket who we are as another user. Linux has user ids per thread: this one is not given back.
func statusAs(t *testing.T, uid int, path string) int {
	t.Helper()
	type result struct {
		status int
		err    error
	}
	done := make(chan result, 1)
	go func() {
		runtime.LockOSThread()
		if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, ^uintptr(0), uintptr(uid), ^uintptr(0)); errno != 0 {
			done <- result{err: errno}
			return
		}
		c, err := net.Dial("unix", path)
		if err != nil {
			done <- result{err: err}
			return
		}
		defer c.Close()
		fmt.Fprint(c, "GET /api/v1/users/me HTTP/1.1\r\nHost: x\r\n\r\n")
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			done <- result{err: err}
			return
		}
		done <- result{status: resp.StatusCode}
	}()
	got := <-done
	if got.err != nil {
		t.Fatalf("as %d: %v", uid, got.err)
	}
	return got.status
}

// control.sock makes root and our own user the administrator; web.sock makes nobody that, and only the edge may speak for visitors.
func TestSocketsKnowTheirPeers(t *testing.T) {
	r := servertest.Claimed(t, func(_ *control.Options, o *server.Options) { o.EdgeUID = 1 })
	ctl, web := filepath.Join(r.Dir, "control.sock"), filepath.Join(r.Dir, "web.sock")
	if st, err := os.Stat(ctl); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("control.sock: %v %v", st.Mode(), err)
	}
	var me api.Me
	r.Want(200, servertest.Ask{Path: "/api/v1/users/me", Local: true}, &me)
	if me.Kind != "root" {
		t.Errorf("%+v", me)
	}
	r.Refused(http.StatusUnauthorized, servertest.Ask{Path: "/api/v1/users/me"}) // we are root here too
	if os.Geteuid() != 0 {
		t.Skip("asking as other users needs root")
	}
	for _, p := range []string{r.Dir, ctl} { // so that the kernel, not the file mode, tells them apart
		if err := os.Chmod(p, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		uid  int
		path string
		want int
	}{{65534, ctl, 403}, {1, ctl, 403}, {65534, web, 403}, {1, web, 401}, {0, ctl, 200}} {
		if got := statusAs(t, tt.uid, tt.path); got != tt.want {
			t.Errorf("uid %d at %s: %d, want %d", tt.uid, filepath.Base(tt.path), got, tt.want)
		}
	}
}
