package proxy

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/cloudsania/cloudsania/disk"
)

const (
	authorityFile     = "authority.pem" // certificate and key
	authorityLife     = 10 * 365 * 24 * time.Hour
	authorityRotation = 365 * 24 * time.Hour // a new one is made this long before the end
	leafLife          = 90 * 24 * time.Hour
	leafRotation      = 30 * 24 * time.Hour
	clockSkew         = time.Hour
)

// authority signs certificates for the table's hosts where no public authority does (yet). Who trusts it trusts this
// installation.
type authority struct {
	path string
	now  func() time.Time

	mu     sync.Mutex
	cert   *x509.Certificate
	key    *ecdsa.PrivateKey
	leaves map[string]*tls.Certificate
}

// openAuthority reads the authority of dir, or makes one.
func openAuthority(dir string, now func() time.Time) (*authority, error) {
	a := &authority{path: filepath.Join(dir, authorityFile), now: now, leaves: map[string]*tls.Certificate{}}
	b, err := os.ReadFile(a.path)
	switch {
	case err == nil:
		if a.cert, a.key, err = parseAuthority(b); err != nil {
			return nil, fmt.Errorf("read %s: %w", a.path, err)
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	return a, a.rotate()
}

func parseAuthority(b []byte) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	pair, err := tls.X509KeyPair(b, b)
	if err != nil {
		return nil, nil, err
	}
	key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok || !pair.Leaf.IsCA {
		return nil, nil, errors.New("not the certificate and key of an authority")
	}
	return pair.Leaf, key, nil
}

// rotate makes a new authority when there is none or its end is near. It writes a file and so is never called in a
// handshake.
func (a *authority) rotate() error {
	a.mu.Lock()
	current := a.cert
	a.mu.Unlock()
	if current != nil && a.now().Before(current.NotAfter.Add(-authorityRotation)) {
		return nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	host, _ := os.Hostname() // only a name for people
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: strings.TrimSpace("Cloudsania authority " + host)},
		NotBefore: a.now().Add(-clockSkew), NotAfter: a.now().Add(authorityLife),
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, BasicConstraintsValid: true, IsCA: true, MaxPathLenZero: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	file := append(certPEM(der), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})...)
	if err := disk.WriteFile(a.path, file); err != nil {
		return fmt.Errorf("write %s: %w", a.path, err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.cert, a.key, a.leaves = cert, key, map[string]*tls.Certificate{}
	return nil
}

// leaf is a certificate for host, made on first use and again before it ends. It lives in memory only.
func (a *authority) leaf(host string) (*tls.Certificate, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if have := a.leaves[host]; have != nil && a.now().Before(have.Leaf.NotAfter.Add(-leafRotation)) {
		return have, nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{Organization: []string{"Cloudsania"}},
		NotBefore: a.now().Add(-clockSkew), NotAfter: earlier(a.now().Add(leafLife), a.cert.NotAfter),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true,
	}
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{host}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	made := &tls.Certificate{Certificate: [][]byte{der, a.cert.Raw}, PrivateKey: key, Leaf: leaf}
	a.leaves[host] = made
	return made, nil
}

// keep forgets the leaves of hosts that are gone.
func (a *authority) keep(hosts map[string]*target) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for host := range a.leaves {
		if hosts[host] == nil {
			delete(a.leaves, host)
		}
	}
}

// describe is the fingerprint, as browsers show it, and the certificate in PEM.
func (a *authority) describe() (fingerprint, certificate string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	sum := sha256.Sum256(a.cert.Raw)
	parts := make([]string, len(sum))
	for i, b := range sum {
		parts[i] = fmt.Sprintf("%02X", b)
	}
	return strings.Join(parts, ":"), string(certPEM(a.cert.Raw))
}

// ends is when the leaf that host gets ends; zero when none was made yet.
func (a *authority) ends(host string) (issuer string, at time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if have := a.leaves[host]; have != nil {
		at = have.Leaf.NotAfter
	}
	return a.cert.Subject.CommonName, at
}

func certPEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func serial() *big.Int {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		panic(err) // crypto/rand does not fail
	}
	return n
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
