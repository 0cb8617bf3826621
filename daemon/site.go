package daemon

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/cloudsania/cloudsania/paas"
)

// site works out how visitors reach this installation from the flags and the machine's own addresses.
func site(cfg Config) (paas.Site, error) {
	addrs := ownAddresses()
	s := paas.Site{Domain: strings.ToLower(strings.TrimSuffix(cfg.Domain, "."))}
	if s.Domain == "" {
		s.Domain = defaultDomain(addrs)
	}
	var err error
	if s.HTTPPort, err = portOf(cfg.HTTP); err != nil {
		return s, err
	}
	if s.HTTPSPort, err = portOf(cfg.HTTPS); err != nil {
		return s, err
	}
	s.Dashboard = dashboardHosts(s.Domain, addrs)
	s.TLS.Email, s.TLS.CA = cfg.Email, cfg.ACMECA
	s.TLS.HTTPSPort = s.HTTPSPort
	if s.TLS.Mode, err = tlsMode(cfg.TLS, s.Domain, addrs); err != nil {
		return s, err
	}
	if cfg.ACMERoots != "" {
		pem, err := os.ReadFile(cfg.ACMERoots)
		if err != nil {
			return s, &paas.Error{
				Kind: paas.Invalid,
				Msg:  fmt.Sprintf("cannot read %q", cfg.ACMERoots),
				Hint: "--acme-roots names a PEM file",
				Err:  err,
			}
		}
		s.TLS.CARoots = string(pem)
	}
	return s, nil
}

func tlsMode(flag, domain string, addrs []netip.Addr) (paas.TLSMode, error) {
	switch flag {
	case string(paas.TLSACME), string(paas.TLSSelfSigned), string(paas.TLSOff):
		return paas.TLSMode(flag), nil
	case "", "auto":
		for _, a := range addrs {
			if isPublic(a) && domain != "localhost" {
				return paas.TLSACME, nil
			}
		}
		return paas.TLSSelfSigned, nil
	}
	return "", paas.Invalidf("tls", "choose auto, acme, self-signed or off", "%q is not a TLS mode", flag)
}

// defaultDomain needs no DNS of the user's own: sslip.io answers every name with the address that it contains.
func defaultDomain(addrs []netip.Addr) string {
	for _, a := range addrs {
		if a.Is4() {
			return strings.ReplaceAll(a.String(), ".", "-") + ".sslip.io"
		}
	}
	return "localhost"
}

func dashboardHosts(domain string, addrs []netip.Addr) []string {
	hosts := []string{domain}
	for _, a := range addrs {
		hosts = append(hosts, a.String())
	}
	for _, h := range []string{"localhost", "127.0.0.1", "::1"} {
		if h != domain {
			hosts = append(hosts, h)
		}
	}
	return hosts
}

// ownAddresses are the addresses that others may reach this machine at: the one that the default route uses before the
// rest, bridges of containers left out.
func ownAddresses() []netip.Addr {
	var out []netip.Addr
	seen := map[netip.Addr]bool{}
	add := func(a netip.Addr) {
		if a = a.Unmap(); a.IsValid() && !a.IsLoopback() && !a.IsLinkLocalUnicast() && !seen[a] {
			seen[a] = true
			out = append(out, a)
		}
	}
	// TEST-NET-1: connecting a UDP socket sends nothing, it only asks for the route
	if c, err := net.Dial("udp4", "192.0.2.1:9"); err == nil {
		if a, err := netip.ParseAddrPort(c.LocalAddr().String()); err == nil {
			add(a.Addr())
		}
		_ = c.Close()
	}
	ifaces, err := net.Interfaces()
	if err != nil {
		return out
	}
	for _, i := range ifaces {
		if strings.HasPrefix(i.Name, "br-") || strings.HasPrefix(i.Name, "docker") || strings.HasPrefix(i.Name, "veth") {
			continue
		}
		addrs, err := i.Addrs()
		if err != nil {
			continue
		}
		for _, a := range addrs {
			if p, err := netip.ParsePrefix(a.String()); err == nil && (p.Addr().Is4() || isPublic(p.Addr())) {
				add(p.Addr())
			}
		}
	}
	return out
}

// special are prefixes that the internet does not route though they look global: carrier-grade NAT, documentation,
// benchmarks, reserved (RFC 6890).
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"), netip.MustParsePrefix("2001:db8::/32"),
}

func isPublic(a netip.Addr) bool {
	return a.IsGlobalUnicast() && !a.IsPrivate() && !slices.ContainsFunc(special, func(p netip.Prefix) bool { return p.Contains(a) })
}

func portOf(addr string) (int, error) {
	_, p, err := net.SplitHostPort(addr)
	if err == nil {
		var n int
		if n, err = strconv.Atoi(p); err == nil && n > 0 && n < 65536 {
			return n, nil
		}
	}
	return 0, paas.Invalidf("http", "write it like :8080 or 127.0.0.1:8080", "%q is not an address to listen on", addr)
}
