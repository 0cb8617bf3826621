package git

import (
	"net"
	"net/netip"
)

// notPublic are the ranges that are not routed or have a special meaning (IANA's special-purpose address registries),
// besides those that netip knows: reaching them would reach our own network, or a translator's idea of it.
var notPublic = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),        // this network
	netip.MustParsePrefix("100.64.0.0/10"),    // carrier-grade NAT; 100.100.100.200 is a metadata service
	netip.MustParsePrefix("192.0.0.0/24"),     // protocol assignments; 192.0.0.192 is a metadata service
	netip.MustParsePrefix("192.0.2.0/24"),     // documentation
	netip.MustParsePrefix("192.88.99.0/24"),   // 6to4 relays
	netip.MustParsePrefix("198.18.0.0/15"),    // benchmarks
	netip.MustParsePrefix("198.51.100.0/24"),  // documentation
	netip.MustParsePrefix("203.0.113.0/24"),   // documentation
	netip.MustParsePrefix("240.0.0.0/4"),      // reserved, broadcast
	netip.MustParsePrefix("168.63.129.16/32"), // a metadata service at a public address
	netip.MustParsePrefix("2001::/23"),        // protocol assignments, Teredo among them
	netip.MustParsePrefix("2001:db8::/32"),    // documentation
	netip.MustParsePrefix("2002::/16"),        // 6to4: an IPv4 address inside
	netip.MustParsePrefix("3fff::/20"),        // documentation
}

var globalUnicast6 = netip.MustParsePrefix("2000::/3") // all that IANA has given out; NAT64 and unique local addresses lie outside

// isPublic reports whether a is an address on the public internet and not one of this machine's.
func isPublic(a netip.Addr) bool {
	if a.Zone() != "" {
		return false
	}
	a = a.Unmap() // before any question: netip answers for the mapped form
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.Is6() && !globalUnicast6.Contains(a) {
		return false
	}
	for _, p := range notPublic {
		if p.Contains(a) {
			return false
		}
	}
	return !isOurs(a)
}

func isOurs(a netip.Addr) bool {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return true // refuse, rather than reach this server itself
	}
	for _, own := range addrs {
		if p, err := netip.ParsePrefix(own.String()); err == nil && p.Addr().Unmap() == a {
			return true
		}
	}
	return false
}
