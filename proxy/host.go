package proxy

import (
	"net"
	"net/netip"
	"strings"

	"golang.org/x/net/idna"
)

const maxHostLength = 253 // RFC 1035, 2.3.4

// NormalizeHost makes one spelling of a host as it comes in a Host header, a server name indication or a table: lower
// case, without port and trailing dot, international names as punycode, addresses in their canonical form without
// brackets. False when it is none.
func NormalizeHost(s string) (string, bool) {
	host, ok := cutPort(s)
	if !ok || host == "" || len(host) > 4*maxHostLength {
		return "", false
	}
	if last := host[len(host)-1]; last >= '0' && last <= '9' || strings.Contains(host, ":") { // no top level domain ends in a digit
		if addr, err := netip.ParseAddr(host); err == nil {
			return addr.Unmap().String(), addr.Zone() == ""
		}
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if plainHost(host) {
		return host, validHost(host)
	}
	host, err := idna.Lookup.ToASCII(host)
	return host, err == nil && validHost(host)
}

// cutPort takes ":port" and the brackets of an IPv6 address off.
func cutPort(s string) (string, bool) {
	if rest, ok := strings.CutPrefix(s, "["); ok {
		host, port, ok := strings.Cut(rest, "]")
		if _, err := netip.ParseAddr(host); err != nil || !ok {
			return "", false
		}
		return host, port == "" || validPort(port)
	}
	switch strings.Count(s, ":") {
	case 0:
		return s, true
	case 1:
		host, port, _ := strings.Cut(s, ":")
		return host, validPort(":" + port)
	}
	return s, true // an IPv6 address without brackets, or nonsense that ParseAddr refuses
}

func validPort(s string) bool {
	if len(s) > 6 || s[0] != ':' {
		return false
	}
	for _, c := range s[1:] {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true // "host:" with an empty port is allowed, RFC 3986 3.2.3
}

// plainHost reports whether s is ASCII without punycode and needs no conversion: the usual case.
func plainHost(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return !strings.Contains(s, "xn--")
}

func validHost(s string) bool {
	if s == "" || len(s) > maxHostLength {
		return false
	}
	label := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == '.':
			if label == 0 {
				return false
			}
			label = 0
			continue
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-', c == '_':
			label++
		default:
			return false
		}
		if label > 63 {
			return false
		}
	}
	return label > 0
}

// hostOf is the address part of "address:port", canonical; "" when there is none.
func hostOf(hostport string) string {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		return ""
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return ""
	}
	return addr.Unmap().WithZone("").String()
}
