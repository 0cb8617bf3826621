package proxy

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"

	"github.com/cloudsania/cloudsania/paas"
)

const (
	certificatesDir   = "certificates"
	shortlived        = "shortlived" // the profile under which Let's Encrypt certifies addresses (six days)
	shortLife         = 10 * 24 * time.Hour
	attemptTimeout    = 3 * time.Minute
	attemptsAtOnce    = 4
	maxDirectoryBytes = 1 << 20
)

// States of paas.CertStatus.
const (
	certOK      = "ok"
	certPending = "pending"
	certFailed  = "failed"
)

// resolver tells whether a name has an address, before the authority is asked and its patience used up.
type resolver func(ctx context.Context, host string) error

// acmePorts are where our listeners are reachable for challenges: an address and 0 when there is none.
type acmePorts struct {
	host        string // "" for any
	http, https int
}

// acme obtains a certificate for each host of the table from an ACME authority: one host, one certificate, one state.
// certmagic orders, stores and renews; when to try again after a failure is decided here, and survives a restart.
type acme struct {
	settings  paas.TLSSettings
	log       *slog.Logger
	resolve   resolver
	now       func() time.Time
	storage   *certmagic.FileStorage
	cache     *certmagic.Cache
	client    *http.Client            // for the directory
	public    bool                    // an authority for everybody, with limits to respect
	names     *certmagic.Config       // serves and renews
	addresses *certmagic.Config       // the same, with the short-lived profile
	issuers   []*certmagic.ACMEIssuer // of both
	backoff   *backoff
	done      chan struct{} // an attempt ended: look again

	wait sync.WaitGroup
	mu   sync.Mutex
	all  map[string]*hostCert
}

// anonymous is an issuer whose account has no e-mail address. certmagic would ask its standard input for one and later
// take "default", the name of the account's directory, for an address that it found.
type anonymous struct{ *certmagic.ACMEIssuer }

func (anonymous) PreCheck(context.Context, []string, bool) error { return nil }

func newACME(
	dir string, settings paas.TLSSettings, ports acmePorts, resolve resolver, now func() time.Time, log *slog.Logger,
) (*acme, error) {
	a := &acme{
		settings: settings,
		log:      log,
		resolve:  resolve,
		now:      now,
		done:     make(chan struct{}, 1),
		all:      map[string]*hostCert{},
		storage:  &certmagic.FileStorage{Path: filepath.Join(dir, certificatesDir)},
		public:   settings.CA == "" || strings.Contains(settings.CA, "letsencrypt.org"),
	}
	var roots *x509.CertPool
	if settings.CARoots != "" {
		roots = x509.NewCertPool()
		if !roots.AppendCertsFromPEM([]byte(settings.CARoots)) {
			return nil, errors.New("the roots given for the certificate authority are not PEM certificates")
		}
	}
	var err error
	if a.backoff, err = openBackoff(filepath.Join(dir, "acme.json"), settings.CA, now); err != nil {
		log.Warn("the waiting times of failed certificates are lost", "err", err)
	}
	a.client = &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{
		Proxy:             http.ProxyFromEnvironment,
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
	}}
	a.cache = certmagic.NewCache(certmagic.CacheOptions{Logger: zap.NewNop(), GetConfigForCert: a.configFor})
	template := certmagic.ACMEIssuer{CA: settings.CA, Email: settings.Email, Agreed: true, TrustedRoots: roots, Logger: zap.NewNop(),
		ListenHost: ports.host, AltHTTPPort: ports.http, AltTLSALPNPort: ports.https,
		DisableHTTPChallenge: ports.http == 0, DisableTLSALPNChallenge: ports.https == 0}
	a.names = a.config(template)
	template.Profile = shortlived
	a.addresses = a.config(template)
	return a, nil
}

// config makes a certmagic configuration with one issuer.
func (a *acme) config(template certmagic.ACMEIssuer) *certmagic.Config {
	cfg := certmagic.New(a.cache, certmagic.Config{Storage: a.storage, Logger: zap.NewNop(), OnEvent: a.renewed,
		OCSP:           certmagic.OCSPConfig{DisableStapling: true}, // Let's Encrypt ended OCSP in 2025
		ShouldEmitFunc: func(event string) bool { return event == "cert_failed" || event == "cert_obtained" },
	})
	issuer := certmagic.NewACMEIssuer(cfg, template)
	a.issuers = append(a.issuers, issuer)
	cfg.Issuers = []certmagic.Issuer{issuer}
	if template.Email == "" {
		cfg.Issuers = []certmagic.Issuer{anonymous{issuer}}
	}
	return cfg
}

// close ends attempts and renewals; certificates are served on from memory.
func (a *acme) close() {
	a.wait.Wait()
	a.cache.Stop()
}

// configFor is asked by certmagic when a certificate is due: an address's short-lived one is renewed as such.
func (a *acme) configFor(cert certmagic.Certificate) (*certmagic.Config, error) {
	if cert.Leaf != nil && len(cert.Leaf.IPAddresses) > 0 && cert.Leaf.NotAfter.Sub(cert.Leaf.NotBefore) < shortLife {
		return a.addresses, nil
	}
	return a.names, nil
}

// load serves the certificates on disk without asking the authority; a renewal that is due happens afterwards.
func (a *acme) load(ctx context.Context, rt *router) {
	for host := range rt.targets {
		a.loadHost(ctx, host)
	}
	a.wait.Go(func() {
		if err := a.cache.RenewManagedCertificates(ctx); err != nil {
			a.log.Warn("certificates could not be looked through for renewal", "err", err)
		}
	})
}

func (a *acme) loadHost(ctx context.Context, host string) bool {
	issuer := a.issuers[0].IssuerKey()
	if !a.storage.Exists(ctx, certmagic.StorageKeys.SiteCert(issuer, host)) {
		return false
	}
	if _, err := a.names.CacheManagedCertificate(ctx, host); err != nil {
		a.log.Warn("a stored certificate cannot be used; a new one is obtained", "host", host, "err", err)
		if err := a.storage.Delete(ctx, certmagic.StorageKeys.CertsSitePrefix(issuer, host)); err != nil {
			a.log.Warn("it cannot be removed either", "host", host, "err", err)
		}
		return false
	}
	a.set(host, hostCert{state: certOK})
	return true
}

// step starts what is due and returns how long nothing will be.
func (a *acme) step(ctx context.Context, rt *router) time.Duration {
	a.forget(rt)
	next := rotateEvery
	running := a.running()
	for _, host := range rt.order() {
		st := a.get(host)
		if st.state == certOK || st.running {
			continue
		}
		if st.state == "" && a.loadHost(ctx, host) {
			continue
		}
		failed := a.backoff.get(host)
		wait := failed.Next.Sub(a.now())
		switch {
		case failed.Never:
			a.set(host, hostCert{state: certFailed, err: failed.Error})
		case wait > 0:
			a.set(host, hostCert{state: certFailed, err: failed.Error})
			next = min(next, wait)
		case running < attemptsAtOnce:
			running++
			a.set(host, hostCert{state: certPending, err: failed.Error, running: true})
			a.wait.Go(func() { a.attempt(ctx, host) })
		default:
			a.set(host, hostCert{state: certPending, err: failed.Error}) // its turn comes when one of the others is done
		}
	}
	return max(next, time.Second)
}

// order is the hosts as they are served: the dashboard first, since it shows what is wrong with the others.
func (rt *router) order() []string {
	hosts := append([]string(nil), rt.dashboard...)
	for host, t := range rt.targets {
		if t.route != nil {
			hosts = append(hosts, host)
		}
	}
	return hosts
}

// attempt is one order for one host.
func (a *acme) attempt(ctx context.Context, host string) {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	err := a.obtain(ctx, host)
	switch {
	case err == nil:
		a.backoff.clear(host)
		a.set(host, hostCert{state: certOK})
		a.log.Info("certificate obtained", "host", host)
	case errors.Is(context.Cause(ctx), context.Canceled):
		a.set(host, hostCert{state: certPending})
	default:
		failed := a.backoff.failed(host, err)
		a.set(host, hostCert{state: certFailed, err: failed.Error})
		a.log.Warn("no certificate; the host has a self-signed one meanwhile", "host", host, "next", failed.Next, "err", err)
	}
	select {
	case a.done <- struct{}{}:
	default:
	}
}

func (a *acme) obtain(ctx context.Context, host string) error {
	ip := net.ParseIP(host)
	if a.public {
		if !certmagic.SubjectQualifiesForPublicCert(host) || (ip != nil && (ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast())) {
			return errNotPublic
		}
		if ip == nil {
			if err := a.resolve(ctx, host); err != nil {
				return fmt.Errorf("%w: %w", errUnresolved, err)
			}
		}
	}
	cfg := a.names
	if ip != nil {
		short, err := a.offersShortlived(ctx)
		if err != nil {
			return err
		}
		if short {
			cfg = a.addresses
		}
	}
	if err := cfg.ObtainCertSync(ctx, host); err != nil {
		return err
	}
	if !a.loadHost(ctx, host) {
		return errors.New("the certificate was obtained but cannot be read back")
	}
	return nil
}

// offersShortlived asks the directory whether the authority knows that profile; one that does not may certify addresses
// all the same.
func (a *acme) offersShortlived(ctx context.Context) (bool, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.directory(), nil)
	if err != nil {
		return false, err
	}
	res, err := a.client.Do(req)
	if err != nil {
		return false, fmt.Errorf("ask the authority: %w", err)
	}
	defer res.Body.Close()
	var dir struct {
		Meta struct {
			Profiles map[string]string `json:"profiles"`
		} `json:"meta"`
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, maxDirectoryBytes)).Decode(&dir); err != nil || res.StatusCode != http.StatusOK {
		return false, fmt.Errorf("the authority's directory at %s cannot be read (%s)", a.directory(), res.Status)
	}
	_, ok := dir.Meta.Profiles[shortlived]
	return ok, nil
}

func (a *acme) directory() string {
	if a.settings.CA == "" {
		return certmagic.LetsEncryptProductionCA
	}
	return a.settings.CA
}

// challenge answers an authority's HTTP-01 question, and reports whether it was one.
func (a *acme) challenge(w http.ResponseWriter, r *http.Request) bool {
	for _, issuer := range a.issuers {
		if issuer.HandleHTTPChallenge(w, r) {
			return true
		}
	}
	return false
}

// certificate is the authority's for host, or nil.
func (a *acme) certificate(hello *tls.ClientHelloInfo, host string) *tls.Certificate {
	if !a.ready(host) {
		return nil
	}
	named := *hello
	named.ServerName = host
	cert, err := a.names.GetCertificate(&named)
	if err != nil {
		return nil
	}
	return cert
}

// renewed hears from certmagic how renewals end. The certificate in use stays good for a while when one fails.
func (a *acme) renewed(_ context.Context, event string, data map[string]any) error {
	renewal, _ := data["renewal"].(bool)
	host, _ := data["identifier"].(string)
	if !renewal || host == "" {
		return nil
	}
	st := hostCert{state: certOK}
	if err, ok := data["error"].(error); ok && event == "cert_failed" {
		st.err = "not renewed yet: " + explain(err)
		a.log.Warn("a certificate was not renewed; it is tried again", "host", host, "err", err)
	}
	a.set(host, st)
	return nil
}
