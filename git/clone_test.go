package git

import (
	"encoding/pem"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

// public serves a world's repositories to everybody, over TLS, as a code forge does: https://…/owner/shop.git.
func (w *world) public(t *testing.T) (address, roots string) {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/owner/", func(rw http.ResponseWriter, r *http.Request) {
		r = r.Clone(r.Context())
		r.URL.Path = "/git/" + strings.TrimPrefix(r.URL.Path, "/owner/")
		r.SetBasicAuth("x", goodToken)
		w.srv.ServeHTTP(rw, r)
	})
	mux.HandleFunc("/private/", func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("WWW-Authenticate", `Basic realm="x"`)
		rw.WriteHeader(http.StatusUnauthorized)
	})
	mux.HandleFunc("/moved/", func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, "/owner/"+strings.TrimPrefix(r.URL.RequestURI(), "/moved/"), http.StatusMovedPermanently)
	})
	mux.HandleFunc("/elsewhere/", func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, "https://169.254.169.254/latest/"+r.URL.RequestURI(), http.StatusFound)
	})
	mux.HandleFunc("/slow/", func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
	})
	srv := httptest.NewTLSServer(mux)
	t.Cleanup(srv.Close)
	roots = filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return srv.URL, roots
}

func TestClone(t *testing.T) {
	w := newWorld(t)
	dir := w.work()
	git(t, dir, "push", "paas", "main:side")
	head := commit(t, dir, "b.txt", "2")
	git(t, dir, "push", "paas", "main")
	address, roots := w.public(t)
	w.start(func(o *Options) { o.AllowPrivate, o.CloneRoots = true, roots })

	out := t.TempDir()
	src, err := w.srv.Clone(t.Context(), address+"/owner/shop.git", "", out)
	if err != nil {
		t.Fatal(err)
	}
	if want := (paas.Source{Kind: paas.SourceExternal, URL: address + "/owner/shop.git", Branch: "main", Commit: head, Message: "change b.txt", Author: "Ada"}); src != want {
		t.Errorf("%+v, want %+v", src, want)
	}
	if b, err := os.ReadFile(filepath.Join(out, "b.txt")); err != nil || string(b) != "2" {
		t.Errorf("%q %v", b, err)
	}
	out = t.TempDir()
	if src, err = w.srv.Clone(t.Context(), address+"/moved/shop.git", "side", out); err != nil || src.Branch != "side" {
		t.Errorf("another branch, through a redirect on the host: %+v %v", src, err)
	}
	if _, err := os.Stat(filepath.Join(out, "b.txt")); err == nil {
		t.Error("the other branch has main's file")
	}
	for _, c := range []struct {
		name, path, branch string
		kind               paas.Kind
		want               string
	}{
		{"private", "/private/x.git", "", paas.Invalid, "there is no public repository"},
		{"not there", "/nothing/x.git", "", paas.Invalid, "there is no repository"},
		{"branch not there", "/owner/shop.git", "nosuch", paas.Invalid, `no branch "nosuch"`},
		{"branch is an option", "/owner/shop.git", "--upload-pack=x", paas.Invalid, "cannot be a branch"},
		{"redirect to another host", "/elsewhere/x.git", "", paas.Invalid, "redirects to another host"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := w.srv.Clone(t.Context(), address+c.path, c.branch, t.TempDir())
			if !paas.IsKind(err, c.kind) || !strings.Contains(paas.Public(err).Msg, c.want) || paas.Public(err).Hint == "" {
				t.Errorf("%v", err)
			}
		})
	}
	if left, err := filepath.Glob(filepath.Join(w.root, prefixClone+"*")); err != nil || len(left) != 0 {
		t.Errorf("left over: %v %v", left, err)
	}
}

func TestCloneOfEmptyRepository(t *testing.T) {
	w := newWorld(t)
	address, roots := w.public(t)
	w.start(func(o *Options) { o.AllowPrivate, o.CloneRoots = true, roots })
	if _, err := w.srv.Clone(t.Context(), address+"/owner/shop.git", "", t.TempDir()); !paas.IsKind(err, paas.Invalid) || !strings.Contains(err.Error(), "is empty") {
		t.Errorf("%v", err)
	}
}

func TestCloneLimits(t *testing.T) {
	w := newWorld(t)
	dir := w.work()
	blob := make([]byte, 3<<20)
	for i := range blob {
		blob[i] = byte(rand.Uint32())
	}
	commit(t, dir, "blob", string(blob))
	git(t, dir, "push", "paas", "main")
	address, roots := w.public(t)
	w.start(func(o *Options) { o.AllowPrivate, o.CloneRoots, o.MaxCloneBytes = true, roots, 1<<20 })
	if _, err := w.srv.Clone(t.Context(), address+"/owner/shop.git", "", t.TempDir()); !paas.IsKind(err, paas.TooLarge) {
		t.Errorf("too large: %v", err)
	}
	w.start(func(o *Options) { o.AllowPrivate, o.CloneRoots, o.CloneTimeout = true, roots, 300*time.Millisecond })
	if _, err := w.srv.Clone(t.Context(), address+"/slow/shop.git", "", t.TempDir()); !paas.IsKind(err, paas.Unavailable) || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("too slow: %v", err)
	}
	w.start(func(o *Options) { o.AllowPrivate = true })
	if _, err := w.srv.Clone(t.Context(), address+"/owner/shop.git", "", t.TempDir()); !paas.IsKind(err, paas.Invalid) || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("authority not known: %v", err)
	}
}

func TestCloneReachesPublicHostsOnly(t *testing.T) {
	w := newWorld(t)
	for _, address := range []string{
		"https://127.0.0.1/a/b", "https://localhost/a/b", "https://[::1]/a/b", "https://10.0.0.1/a/b", "https://192.168.1.1:8443/a/b",
		"https://169.254.169.254/latest/meta-data", "https://[::ffff:169.254.169.254]/a", "https://[fd00:ec2::254]/a", "https://100.100.100.200/a",
		"https://0.0.0.0/a", "https://0/a", "https://2130706433/a", "https://0x7f.1/a", "https://[64:ff9b::a00:1]/a", "https://[2002:a00:1::]/a",
		"http://example.com/a/b", "git://example.com/a", "ssh://git@example.com/a", "git@github.com:a/b.git", "file:///etc", "/etc", "ext::sh -c id",
		"https://user:secret@example.com/a/b", "https://example.com", "https://example.com/a?x=1", "https://example.com/a#x", "https://exa mple.com/a",
		"--upload-pack=id", "https://-x/a", "",
	} {
		_, err := w.srv.Clone(t.Context(), address, "", t.TempDir())
		if !paas.IsKind(err, paas.Invalid) {
			t.Errorf("%s: %v", address, err)
		}
		if err != nil && strings.Contains(paas.Public(err).Msg, "secret") {
			t.Errorf("%s: the message shows the password: %v", address, err)
		}
	}
}

func TestIsPublic(t *testing.T) {
	for address, want := range map[string]bool{
		"8.8.8.8": true, "140.82.121.3": true, "2606:4700::1": true, "::ffff:8.8.8.8": true,
		"127.0.0.1": false, "10.1.2.3": false, "172.16.0.1": false, "192.168.0.1": false, "100.64.0.1": false, "169.254.1.1": false,
		"0.1.2.3": false, "224.0.0.1": false, "255.255.255.255": false, "198.19.0.1": false, "168.63.129.16": false,
		"::": false, "::1": false, "fe80::1": false, "fc00::1": false, "ff02::1": false, "64:ff9b::1": false, "2001:0:1::": false,
		"2002:808:808::": false, "2001:db8::1": false, "::ffff:10.0.0.1": false, "fe80::1%eth0": false, "2606:4700::1%eth0": false,
	} {
		if got := isPublic(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addrs {
		if isPublic(netip.MustParsePrefix(a.String()).Addr()) {
			t.Errorf("our own address %s counts as public", a)
		}
	}
}

// The tunnel opens the way to one host and port and to nothing else.
func TestTunnel(t *testing.T) {
	far := httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { _, _ = rw.Write([]byte("hello")) }))
	defer far.Close()
	way, err := openTunnel(t.Context(), "example.com:443", []netip.AddrPort{netip.MustParseAddrPort(far.Listener.Addr().String())}, 1<<20, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer way.close()
	client := far.Client()
	tr := client.Transport.(*http.Transport)
	tr.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse("http://" + way.addr()) }
	tr.DialContext = nil
	resp, err := client.Get("https://example.com/") // the test certificate is for this name
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	for _, address := range []string{"https://example.com:8443/", "https://other.example.com/", "http://example.com/"} {
		if resp, err := client.Get(address); err == nil {
			resp.Body.Close()
			if resp.StatusCode != http.StatusForbidden {
				t.Errorf("%s was reached: %s", address, resp.Status)
			}
		}
	}
	if way.otherHost() == "" {
		t.Error("asking for another host was not noticed")
	}
}
