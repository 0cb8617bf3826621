package proxy

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/letsencrypt/challtestsrv"
	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
	acmeproto "github.com/mholt/acmez/v3/acme"

	"github.com/cloudsania/cloudsania/paas"
)

// pebble is a real ACME authority in this process.
type pebble struct {
	srv    *httptest.Server
	roots  *x509.CertPool
	down   atomic.Bool
	orders atomic.Int32
}

const unresolvable = "bad.refusal.example"

// names is the DNS that all authorities ask: every name is here, but for one.
var names = sync.OnceValues(func() (addr string, err error) {
	for k, v := range map[string]string{"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0", "PEBBLE_AUTHZREUSE": "0"} {
		if err := os.Setenv(k, v); err != nil {
			return "", err
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	addr = l.Addr().String()
	l.Close()
	dns, err := challtestsrv.New(challtestsrv.Config{DNSAddrs: []string{addr}, Log: log.New(io.Discard, "", 0)})
	if err != nil {
		return "", err
	}
	dns.SetDefaultDNSIPv6("")
	dns.SetDefaultDNSIPv4("127.0.0.1")
	dns.AddDNSServFailRecord(unresolvable)
	dns.Run()
	return addr, nil
})

// newPebble validates at the rig's listeners.
func newPebble(t *testing.T, r *rig, profiles map[string]ca.Profile) *pebble {
	t.Helper()
	dnsAddr, err := names()
	if err != nil {
		t.Fatal(err)
	}
	quiet := log.New(io.Discard, "", 0)
	p := &pebble{roots: x509.NewCertPool()}
	store := db.NewMemoryStore()
	authority := ca.New(quiet, store, "", "ecdsa", 0, 1, profiles)
	validator := va.New(quiet, r.edge.certs.ports.http, r.edge.certs.ports.https, false, dnsAddr, store)
	front := wfe.New(quiet, store, validator, authority, []string{"pebble.letsencrypt.org"}, false, false, 0, 0)
	handler := front.Handler()
	p.srv = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if p.down.Load() {
			conn, _, _ := http.NewResponseController(w).Hijack()
			conn.Close()
			return
		}
		if strings.HasPrefix(req.URL.Path, "/order-plz") {
			p.orders.Add(1)
		}
		handler.ServeHTTP(w, req)
	}))
	p.srv.Config.ErrorLog = quiet
	t.Cleanup(p.srv.Close)
	p.roots.AddCert(authority.GetRootCert(0).Cert)
	return p
}

func ninetyDays() map[string]ca.Profile {
	return map[string]ca.Profile{"default": {Description: "default", ValidityPeriod: 90 * 86400}}
}

func (p *pebble) settings() paas.TLSSettings {
	return paas.TLSSettings{Mode: paas.TLSACME, CA: p.srv.URL + "/dir",
		CARoots: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.srv.Certificate().Raw}))}
}

func (r *rig) certificate(host string) paas.CertStatus { return r.status().Certificates[host] }

func (r *rig) awaitCertificate(host, state string) paas.CertStatus {
	r.Helper()
	last := paas.CertStatus{}
	defer func() {
		if r.Failed() {
			r.Logf("%s: %+v\n%s", host, last, r.log)
		}
	}()
	eventually(r.T, host+" is "+state, func() bool { last = r.certificate(host); return last.State == state })
	return last
}

func TestACME(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	profiles := ninetyDays()
	profiles[shortlived] = ca.Profile{Description: "six days", ValidityPeriod: 6 * 86400}
	p := newPebble(t, r, profiles)
	a := newApp(t, "app", nil)
	table := routeTo("a.acme.example", a.upstream())
	table.Dashboard = []string{"panel.acme.example", "127.0.0.1"}
	table.TLS = p.settings()
	r.startControl(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "dashboard") })
	r.apply(table)
	for _, host := range []string{"a.acme.example", "panel.acme.example", "127.0.0.1"} {
		cs := r.awaitCertificate(host, certOK)
		if !strings.Contains(cs.Issuer, "Pebble") || cs.Expires < time.Now().Unix() || cs.Error != "" {
			t.Errorf("%s: %+v", host, cs)
		}
		res, err := r.overTLS(p.roots, true).Get("https://" + host + "/")
		if err != nil {
			t.Errorf("%s: %v", host, err)
			continue
		}
		res.Body.Close()
	}
	if cert, err := r.peer(""); err != nil || cert.VerifyHostname("127.0.0.1") != nil || cert.NotAfter.After(time.Now().Add(7*24*time.Hour)) {
		t.Errorf("the address's certificate: %v, %v", cert, err)
	}
	if res := r.do(http.MethodGet, "a.acme.example", "/x", nil, nil); res.StatusCode != http.StatusPermanentRedirect {
		t.Errorf("no redirect once the certificate is there: %d", res.StatusCode)
	}
	orders := p.orders.Load()
	for _, name := range []string{"x.example", "git.git.a.acme.example", "y.panel.acme.example"} {
		if _, err := r.peer(name); err == nil {
			t.Errorf("%s got a certificate", name)
		}
	}
	if n := p.orders.Load(); n != orders {
		t.Errorf("%d orders for unknown hosts", n-orders)
	}
	if err := filepath.Walk(filepath.Join(r.dir, certificatesDir), func(path string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() && info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v", path, info.Mode())
		}
		return err
	}); err != nil {
		t.Error(err)
	}

	// A restart with the authority gone serves from the first handshake on what is on disk.
	r.stop()
	p.down.Store(true)
	again := newRigIn(t, r.dir)
	eventually(t, "it serves", func() bool { _, err := again.peer("a.acme.example"); return err == nil })
	if cert, err := again.peer("a.acme.example"); err != nil || !strings.Contains(cert.Issuer.CommonName, "Pebble") {
		t.Errorf("%v %v", cert, err)
	}

	// A host that leaves the table is not served any more.
	table.Routes[0].Hosts = []string{"b.acme.example"}
	again.gen.Store(9)
	again.apply(table)
	if _, err := again.peer("a.acme.example"); err == nil {
		t.Error("still a certificate for a host that left")
	}
}

// Each challenge alone brings a certificate.
func TestACMEChallenges(t *testing.T) {
	t.Parallel()
	for name, without := range map[string]func(*Options){"http-01": func(o *Options) {}, "tls-alpn-01": func(o *Options) { o.HTTP = "" }} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host := name + ".example" // certmagic keeps challenges by host, for the whole process
			r := newRig(t, without)
			if name == "http-01" {
				r.edge.certs.ports.https = 0 // no authority can reach us there
			}
			p := newPebble(t, r, ninetyDays())
			table := routeTo(host, newApp(t, "app", nil).upstream())
			table.TLS = p.settings()
			table.TLS.Email = "owner@example.org"
			r.apply(table)
			r.awaitCertificate(host, certOK)
		})
	}
}

// While the authority is away clients get the self-signed certificate, plain HTTP answers, and the reason is told. When
// it is back, and the time has come, the certificate is obtained.
func TestACMEAuthorityDown(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	opts, logs := testOptions(t, dir)
	e, err := Listen(opts)
	if err != nil {
		t.Fatal(err)
	}
	var ahead atomic.Int64
	e.certs.now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	r := start(t, e, dir, logs)
	p := newPebble(t, r, ninetyDays())
	p.down.Store(true)
	table := routeTo("a.down.example", newApp(t, "app", nil).upstream())
	table.TLS = p.settings()
	r.apply(table)
	cs := r.awaitCertificate("a.down.example", certFailed)
	if cs.Error == "" {
		t.Error("no reason")
	}
	cert, err := r.peer("a.down.example")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cert.Verify(x509.VerifyOptions{DNSName: "a.down.example", Roots: rootsOf(t, r.status().Authority)}); err != nil {
		t.Error(err)
	}
	if code, _ := r.get("a.down.example", "/"); code != 200 {
		t.Errorf("plain HTTP: %d", code)
	}

	// The wait is remembered over a restart.
	waits, err := openBackoff(filepath.Join(dir, "acme.json"), table.TLS.CA, time.Now)
	if err != nil || waits.get("a.down.example").Count == 0 || !waits.get("a.down.example").Next.After(time.Now()) {
		t.Errorf("%+v, %v", waits.file, err)
	}
	p.down.Store(false)
	r.apply(table)
	time.Sleep(200 * time.Millisecond)
	if p.orders.Load() != 0 {
		t.Error("tried again before its time")
	}
	ahead.Store(int64(time.Hour))
	r.apply(table)
	r.awaitCertificate("a.down.example", certOK)
	eventually(t, "the failures are forgotten", func() bool {
		waits, err := openBackoff(filepath.Join(dir, "acme.json"), table.TLS.CA, time.Now)
		return err == nil && waits.get("a.down.example").Count == 0
	})
}

// What the authority says is what the status says. One host's trouble is not the others'.
func TestACMERefusal(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	p := newPebble(t, r, ninetyDays())
	table := routeTo(unresolvable, newApp(t, "app", nil).upstream())
	table.Routes[0].Hosts = append(table.Routes[0].Hosts, "good.refusal.example")
	table.TLS = p.settings()
	r.apply(table)
	r.awaitCertificate("good.refusal.example", certOK)
	cs := r.awaitCertificate(unresolvable, certFailed)
	if !strings.Contains(cs.Error, unresolvable) {
		t.Errorf("%+v", cs)
	}
	if failed := r.edge.certs.acme.Load().backoff.get(unresolvable); time.Until(failed.Next) < 40*time.Second {
		t.Errorf("the next try is at %v", failed.Next)
	}
	if res := r.do(http.MethodGet, unresolvable, "/", nil, nil); res.StatusCode != 200 {
		t.Errorf("redirected to a certificate that is not there: %d", res.StatusCode)
	}
}

// A certificate that is due when the edge starts is renewed at once, and served meanwhile.
func TestACMERenewal(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	life := 12 * time.Second
	p := newPebble(t, r, map[string]ca.Profile{"default": {Description: "seconds", ValidityPeriod: uint64(life / time.Second)}})
	table := routeTo("a.renewal.example", newApp(t, "app", nil).upstream())
	table.TLS = p.settings()
	r.apply(table)
	first := r.awaitCertificate("a.renewal.example", certOK)
	plain, secure := r.plain(), r.secure()
	r.stop()
	time.Sleep(time.Until(time.Unix(first.Expires, 0)) - life/4)
	again := newRigIn(t, r.dir, func(o *Options) { o.HTTP, o.HTTPS = plain, secure })
	eventually(t, "renewed", func() bool { return again.certificate("a.renewal.example").Expires > first.Expires })
	if cert, err := again.peer("a.renewal.example"); err != nil || cert.NotAfter.Unix() <= first.Expires {
		t.Errorf("%v %v", cert, err)
	}
}

// A public authority is not asked for what it cannot certify, nor for a name that does not lead anywhere.
func TestACMEDoesNotAskInVain(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	never := errors.New("asked")
	now := time.Now()
	a, err := newACME(t.TempDir(), paas.TLSSettings{Mode: paas.TLSACME}, acmePorts{http: 80}, func(context.Context, string) error { asked.Add(1); return never }, func() time.Time { return now }, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer a.close()
	for host, want := range map[string]error{"localhost": errNotPublic, "app.localhost": errNotPublic, "10.0.0.1": errNotPublic, "127.0.0.1": errNotPublic, "host.internal": errNotPublic, "a.example": errUnresolved} {
		if err := a.obtain(context.Background(), host); !errors.Is(err, want) {
			t.Errorf("%s: %v", host, err)
		}
	}
	if asked.Load() != 1 {
		t.Errorf("%d lookups", asked.Load())
	}
	a.backoff.failed("localhost", errNotPublic)
	rt := newRouter(routeTo("localhost"), newInstances())
	a.step(context.Background(), rt)
	if cs := a.status("localhost"); cs.State != certFailed || !strings.Contains(cs.Error, "public") || a.running() != 0 {
		t.Errorf("%+v", cs)
	}
}

func TestBackoffTimes(t *testing.T) {
	refused := acmeproto.Problem{Type: acmeproto.ProblemTypeUnauthorized, Status: 403, Detail: "no such file"}
	limited := acmeproto.Problem{Type: acmeproto.ProblemTypeRateLimited, Status: 429, Detail: "too many"}
	broken := acmeproto.Problem{Type: acmeproto.ProblemTypeServerInternal, Status: 500}
	for _, c := range []struct {
		err      error
		failures int
		want     time.Duration
	}{
		{refused, 1, time.Minute}, {refused, 2, 10 * time.Minute}, {refused, 3, time.Hour}, {refused, 100, 6 * time.Hour},
		{limited, 1, time.Hour}, {broken, 1, 30 * time.Second}, {errors.New("dial"), 3, 2 * time.Minute}, {errUnresolved, 100, 10 * time.Minute},
	} {
		if got := pause(c.err, c.failures); got != c.want {
			t.Errorf("%v, %d: %v, want %v", c.err, c.failures, got, c.want)
		}
	}
	// Let's Encrypt allows five failed validations an hour.
	inHour, at := 1, time.Duration(0)
	for i := 1; at+pause(refused, i) < time.Hour; i++ {
		at += pause(refused, i)
		inHour++
	}
	if inHour > 3 {
		t.Errorf("%d tries in the first hour", inHour)
	}
	if got := explain(refused); got != "no such file" {
		t.Errorf("%q", got)
	}
	if got := explain(errors.New(strings.Repeat("x", 9999))); len(got) > maxErrorLen {
		t.Errorf("%d bytes", len(got))
	}
}

func TestBackoffFileDamaged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "acme.json")
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := openBackoff(path, "", time.Now)
	if err == nil {
		t.Error("nothing was said")
	}
	if got := c.failed("a.example", errUnresolved); got.Count != 1 {
		t.Errorf("%+v", got)
	}
	again, err := openBackoff(path, "", time.Now)
	if err != nil || again.get("a.example").Count != 1 {
		t.Errorf("%+v, %v", again.file, err)
	}
	if other, _ := openBackoff(path, "https://other.example/dir", time.Now); other.get("a.example").Count != 0 {
		t.Error("another authority inherits the failures")
	}
}
