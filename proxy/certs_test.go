package proxy

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

// overTLS is a client that reaches the rig's secure listener whatever host it asks for.
func (r *rig) overTLS(roots *x509.CertPool, h2 bool) *http.Client {
	tr := &http.Transport{ForceAttemptHTTP2: h2, TLSClientConfig: &tls.Config{RootCAs: roots}, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", r.secure())
	}}
	r.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Timeout: 20 * time.Second, Transport: tr}
}

// peer is the certificate that the edge shows for a name; "" sends none.
func (r *rig) peer(name string) (*x509.Certificate, error) {
	c, err := tls.Dial("tcp", r.secure(), &tls.Config{ServerName: name, InsecureSkipVerify: true})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0], nil
}

func rootsOf(t *testing.T, text string) *x509.CertPool {
	t.Helper()
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(text)) {
		t.Fatalf("no certificate in %q", text)
	}
	return pool
}

func selfSigned(table paas.Table) paas.Table {
	table.TLS.Mode = paas.TLSSelfSigned
	return table
}

func TestSelfSigned(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := newApp(t, "app", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s", r.Header.Get("X-Forwarded-Proto"), r.Host)
	})
	table := routeTo("a.example", a.upstream())
	table.Dashboard = []string{"panel.example", "198.51.100.7"}
	r.startControl(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "dashboard") })
	r.apply(selfSigned(table))
	st := r.status()
	roots := rootsOf(t, st.Authority)
	block, _ := pem.Decode([]byte(st.Authority))
	sum := sha256.Sum256(block.Bytes)
	if got := strings.ToLower(strings.ReplaceAll(st.Fingerprint, ":", "")); got != hex.EncodeToString(sum[:]) {
		t.Errorf("fingerprint %q", st.Fingerprint)
	}
	for _, h2 := range []bool{true, false} {
		for url, want := range map[string]string{"https://a.example/": "https a.example", "https://panel.example/": "dashboard", "https://198.51.100.7/": "dashboard"} {
			res, err := r.overTLS(roots, h2).Get(url)
			if err != nil {
				t.Errorf("%s: %v", url, err)
				continue
			}
			b, _ := io.ReadAll(res.Body)
			res.Body.Close()
			if string(b) != want || (res.ProtoMajor == 2) != h2 {
				t.Errorf("%s: %s %q", url, res.Proto, b)
			}
		}
	}
	if _, err := r.peer("stranger.example"); err == nil {
		t.Error("a certificate for a host that is not in the table")
	}
	if cert, err := r.peer(""); err != nil || cert.VerifyHostname("198.51.100.7") != nil {
		t.Errorf("without a server name: %v %v", cert, err)
	}
	table.Dashboard = append(table.Dashboard, "127.0.0.1")
	r.apply(selfSigned(table))
	if cert, err := r.peer(""); err != nil || cert.VerifyHostname("127.0.0.1") != nil {
		t.Errorf("without a server name, at an address of the table: %v %v", cert, err)
	}
	one, _ := r.peer("a.example")
	two, _ := r.peer("A.EXAMPLE")
	if one == nil || two == nil || !one.Equal(two) || one.NotAfter.Sub(one.NotBefore) > 398*24*time.Hour {
		t.Error("leaf is not kept, or too long for Apple")
	}
	if cs := r.status().Certificates["a.example"]; cs.State != "ok" || cs.Expires != one.NotAfter.Unix() || cs.Issuer == "" {
		t.Errorf("%+v", cs)
	}
	for _, f := range []string{authorityFile, "table.json"} {
		if info, err := os.Stat(filepath.Join(r.dir, f)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", f, info, err)
		}
	}
	r.stop()
	again := newRigIn(t, r.dir)
	if got := again.status().Fingerprint; got != st.Fingerprint {
		t.Error("another authority after a restart")
	}
	if _, err := again.overTLS(roots, true).Get("https://a.example/"); err != nil {
		t.Error(err)
	}
	table.TLS.Mode = paas.TLSOff
	again.gen.Store(5)
	again.apply(table)
	if _, err := again.peer("a.example"); err == nil {
		t.Error("TLS is off and yet answered")
	}
	if code, _ := again.get("a.example", "/"); code != 200 {
		t.Errorf("plain, with TLS off: %d", code)
	}
}

func TestRedirectToHTTPS(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	table := selfSigned(routeTo("a.example", newApp(t, "app", nil).upstream()))
	table.Dashboard = []string{"2001:db8::7"}
	for _, c := range []struct {
		port             int
		host, path, want string
	}{
		{0, "A.example:8080", "/x%2Fy?a=b;c=%zz", "https://a.example/x%2Fy?a=b;c=%zz"},
		{443, "a.example", "//evil.example/", "https://a.example//evil.example/"},
		{8443, "a.example", "/", "https://a.example:8443/"},
		{8443, "[2001:db8::7]", "/", "https://[2001:db8::7]:8443/"},
	} {
		table.TLS.HTTPSPort = c.port
		r.apply(table)
		res := r.do(http.MethodPost, c.host, c.path, nil, strings.NewReader("body"))
		if got := res.Header.Get("Location"); res.StatusCode != http.StatusPermanentRedirect || got != c.want {
			t.Errorf("%s%s: %d %q, want %q", c.host, c.path, res.StatusCode, got, c.want)
		}
	}
	if code, _ := r.get("nowhere.example", "/"); code != 404 {
		t.Errorf("a host that is not ours: %d", code)
	}
	if code, body := r.get("a.example", "/.well-known/acme-challenge/token"); code != 200 || body != "app" {
		t.Errorf("an app that gets its own certificates: %d %q", code, body)
	}
}

func TestAuthorityRotates(t *testing.T) {
	t.Parallel()
	now := time.Now()
	a, err := openAuthority(t.TempDir(), func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	mark, _ := a.describe()
	leaf, err := a.leaf("a.example")
	if err != nil {
		t.Fatal(err)
	}
	now = now.Add(leafLife - leafRotation + time.Minute)
	if again, _ := a.leaf("a.example"); again == leaf {
		t.Error("the leaf was not renewed in time")
	}
	if err := a.rotate(); err != nil {
		t.Fatal(err)
	}
	if same, _ := a.describe(); same != mark {
		t.Error("the authority was renewed for no reason")
	}
	now = now.Add(authorityLife - authorityRotation)
	if err := a.rotate(); err != nil {
		t.Fatal(err)
	}
	fresh, text := a.describe()
	if fresh == mark {
		t.Error("the authority was not renewed in time")
	}
	leaf, err = a.leaf("a.example")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := leaf.Leaf.Verify(x509.VerifyOptions{DNSName: "a.example", Roots: rootsOf(t, text), CurrentTime: now}); err != nil {
		t.Error(err)
	}
	a.keep(map[string]*target{"a.example": {}})
	if kept, _ := a.leaf("a.example"); kept != leaf {
		t.Error("a leaf that is in use was forgotten")
	}
	if a.keep(nil); len(a.leaves) != 0 {
		t.Error("leaves of hosts that are gone stay")
	}
	if err := os.WriteFile(a.path, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openAuthority(filepath.Dir(a.path), time.Now); err == nil {
		t.Error("a damaged authority was silently replaced: the clients that trust it must be told")
	}
}

// With a new table no client's connection is closed, TLS sessions neither.
func TestTLSConnectionsOutliveTables(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := newApp(t, "a", versionOf("a"))
	table := selfSigned(routeTo("a.example", a.upstream()))
	r.apply(table)
	conf := &tls.Config{ServerName: "a.example", RootCAs: rootsOf(t, r.status().Authority), ClientSessionCache: tls.NewLRUClientSessionCache(4), NextProtos: []string{"http/1.1"}}
	get := func(c *tls.Conn) {
		t.Helper()
		fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
		buf := make([]byte, 1024)
		_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
		if n, err := c.Read(buf); err != nil || !strings.HasPrefix(string(buf[:n]), "HTTP/1.1 200") {
			t.Fatalf("%q %v", buf[:n], err)
		}
	}
	first, err := tls.Dial("tcp", r.secure(), conf)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	get(first)
	for range 5 {
		table.Routes[0].Hosts = append(table.Routes[0].Hosts, fmt.Sprintf("n%d.example", len(table.Routes[0].Hosts)))
		r.apply(table)
		get(first)
	}
	second, err := tls.Dial("tcp", r.secure(), conf)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if !second.ConnectionState().DidResume {
		t.Error("the session was not resumed")
	}
	get(second)
}

func TestEventStreamOverHTTP2(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	one, two := newApp(t, "v1", versionOf("v1")), newApp(t, "v2", versionOf("v2"))
	r.apply(selfSigned(routeTo("a.example", one.upstream())))
	client := r.overTLS(rootsOf(t, r.status().Authority), true)
	client.Timeout = 0
	res, err := client.Get("https://a.example/sse")
	if err != nil || res.ProtoMajor != 2 {
		t.Fatal(res, err)
	}
	defer res.Body.Close()
	buf := make([]byte, 512)
	for i := range 5 {
		n, err := res.Body.Read(buf)
		if err != nil || !strings.Contains(string(buf[:n]), "v1") {
			t.Fatalf("%q %v", buf[:n], err)
		}
		if i == 2 {
			r.apply(selfSigned(routeTo("a.example", two.upstream())))
		}
	}
	other, err := client.Get("https://a.example/") // the same connection
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := io.ReadAll(other.Body); string(b) != "v2" {
		t.Errorf("%q", b)
	}
	other.Body.Close()
}
