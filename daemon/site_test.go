package daemon

import (
	"net/netip"
	"testing"

	"github.com/cloudsania/cloudsania/paas"
)

func TestDefaultDomainNeedsNoDNSOfOnesOwn(t *testing.T) {
	addrs := []netip.Addr{netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("203.0.113.24")}
	if got := defaultDomain(addrs); got != "203-0-113-24.sslip.io" {
		t.Errorf("defaultDomain = %q", got)
	}
}

func TestTLSMode(t *testing.T) {
	public, private := []netip.Addr{netip.MustParseAddr("9.9.9.9")}, []netip.Addr{netip.MustParseAddr("10.1.2.3"), netip.MustParseAddr("100.64.1.1"), netip.MustParseAddr("203.0.113.24")}
	for _, tt := range []struct {
		flag, domain string
		addrs        []netip.Addr
		want         paas.TLSMode
	}{
		{"auto", "203-0-113-24.sslip.io", public, paas.TLSACME},
		{"auto", "x.example", private, paas.TLSSelfSigned},
		{"auto", "localhost", public, paas.TLSSelfSigned},
		{"off", "x.example", public, paas.TLSOff},
		{"acme", "x.example", private, paas.TLSACME},
		{"nonsense", "x.example", public, ""},
	} {
		got, err := tlsMode(tt.flag, tt.domain, tt.addrs)
		if got != tt.want || (err != nil) != (tt.want == "") {
			t.Errorf("tlsMode(%q, %q, %v) = %q, %v, want %q", tt.flag, tt.domain, tt.addrs, got, err, tt.want)
		}
	}
}
