package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mholt/acmez/v3"

	"github.com/cloudsania/cloudsania/paas"
)

var (
	errNoTLS    = errors.New("tls is off")
	errNotOurs  = errors.New("no such host here")
	rotateEvery = 24 * time.Hour
)

// certs choose the certificate of each handshake. There is one tls.Config for the life of the listeners, so that a new
// table or certificate loses no session tickets.
type certs struct {
	dir       string
	log       *slog.Logger
	table     func() *router
	ports     acmePorts
	resolve   resolver
	now       func() time.Time
	wake      chan struct{}
	loaded    chan struct{} // closed by Run once what is on disk is being served
	authority atomic.Pointer[authority]
	acme      atomic.Pointer[acme] // nil unless that is the mode
}

func newCerts(dir string, ports acmePorts, table func() *router, log *slog.Logger) *certs {
	return &certs{dir: dir, ports: ports, table: table, log: log, now: time.Now, wake: make(chan struct{}, 1), loaded: make(chan struct{}),
		resolve: func(ctx context.Context, host string) error {
			_, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
			return err
		}}
}

// prepare makes what settings need before a table with them is in force, so that no handshake has to wait for a disk.
func (c *certs) prepare(settings paas.TLSSettings) error {
	if !secured(settings.Mode) || c.authority.Load() != nil {
		return nil
	}
	a, err := openAuthority(c.dir, c.now)
	if err != nil {
		return fmt.Errorf("open the self-signed authority: %w", err)
	}
	c.authority.Store(a)
	return nil
}

func secured(m paas.TLSMode) bool { return m == paas.TLSACME || m == paas.TLSSelfSigned }

// changed is told of each new table.
func (c *certs) changed(rt *router) {
	if a := c.authority.Load(); a != nil {
		a.keep(rt.targets)
	}
	select {
	case c.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// Run obtains and renews until ctx ends; what was obtained is served on.
func (c *certs) Run(ctx context.Context) {
	daily := time.NewTicker(rotateEvery)
	defer daily.Stop()
	loaded := sync.OnceFunc(func() { close(c.loaded) })
	for ctx.Err() == nil {
		settings := c.table().table.TLS
		if settings.Mode == paas.TLSACME {
			c.runACME(ctx, settings, loaded)
			continue
		}
		c.acme.Store(nil)
		loaded()
		select {
		case <-ctx.Done():
		case <-c.wake:
		case <-daily.C:
			c.rotate()
		}
	}
}

// runACME serves one set of settings until the table has another.
func (c *certs) runACME(ctx context.Context, settings paas.TLSSettings, loaded func()) {
	a, err := newACME(c.dir, settings, c.ports, c.resolve, c.now, c.log)
	if err != nil {
		c.log.Error("certificates cannot be obtained; hosts get self-signed ones", "err", err)
		loaded()
		select {
		case <-ctx.Done():
		case <-c.wake:
		}
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	defer func() { cancel(); a.close() }()
	a.load(ctx, c.table())
	c.acme.Store(a)
	loaded()
	for {
		rt := c.table()
		if rt.table.TLS != settings {
			return
		}
		timer := time.NewTimer(a.step(ctx, rt))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-c.wake:
		case <-a.done:
		case <-timer.C:
			c.rotate()
		}
		timer.Stop()
	}
}

func (c *certs) rotate() {
	a := c.authority.Load()
	if a == nil {
		return
	}
	if err := a.rotate(); err != nil {
		c.log.Warn("the self-signed authority could not be renewed", "err", err)
	}
}

// config is what the listeners use. The minimum is TLS 1.2; curves (with the post-quantum exchange) and ciphers are the
// library's.
func (c *certs) config() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"h2", "http/1.1", acmez.ACMETLS1Protocol},
		GetCertificate: c.certificate,
	}
}

// certificate answers a handshake: the host must be in the table; the authority's certificate, if it came, goes before
// our own.
func (c *certs) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	rt := c.table()
	if !secured(rt.table.TLS.Mode) {
		return nil, errNoTLS
	}
	a := c.acme.Load()
	if len(hello.SupportedProtos) == 1 && hello.SupportedProtos[0] == acmez.ACMETLS1Protocol {
		if a == nil {
			return nil, errNotOurs
		}
		return a.names.GetCertificate(hello)
	}
	host, ok := rt.serverName(hello)
	if !ok {
		return nil, errNotOurs
	}
	if a != nil {
		if cert := a.certificate(hello, host); cert != nil {
			return cert, nil
		}
	}
	own := c.authority.Load()
	if own == nil {
		return nil, errNotOurs
	}
	return own.leaf(host)
}

// serverName is the host that a handshake is for. Browsers send none for an address: then it is the address they
// reached, or, behind a router that translates addresses, the dashboard's.
func (rt *router) serverName(hello *tls.ClientHelloInfo) (string, bool) {
	if hello.ServerName != "" {
		host, ok := NormalizeHost(hello.ServerName)
		return host, ok && rt.targets[host] != nil
	}
	if hello.Conn != nil {
		if local := hostOf(hello.Conn.LocalAddr().String()); rt.targets[local] != nil {
			return local, true
		}
	}
	for _, host := range rt.dashboard {
		if net.ParseIP(host) != nil {
			return host, true
		}
	}
	if len(rt.dashboard) > 0 {
		return rt.dashboard[0], true
	}
	return "", false
}

// ready reports whether requests for host should be redirected to HTTPS: its proper certificate is there.
func (c *certs) ready(rt *router, host string) bool {
	switch rt.table.TLS.Mode {
	case paas.TLSSelfSigned:
		return c.authority.Load() != nil
	case paas.TLSACME:
		a := c.acme.Load()
		return a != nil && a.ready(host)
	}
	return false
}

// report fills in the certificates' part of a status.
func (c *certs) report(rt *router, st *paas.EdgeStatus) {
	st.Certificates = map[string]paas.CertStatus{}
	if !secured(rt.table.TLS.Mode) {
		return
	}
	own := c.authority.Load()
	if own == nil {
		return
	}
	st.Fingerprint, st.Authority = own.describe()
	a := c.acme.Load()
	for host := range rt.targets {
		switch {
		case rt.table.TLS.Mode == paas.TLSSelfSigned:
			issuer, ends := own.ends(host)
			cs := paas.CertStatus{State: certOK, Issuer: issuer}
			if !ends.IsZero() {
				cs.Expires = ends.Unix()
			}
			st.Certificates[host] = cs
		case a != nil:
			st.Certificates[host] = a.status(host)
		default:
			st.Certificates[host] = paas.CertStatus{State: certPending}
		}
	}
}
