package paas

import (
	"net/netip"
	"testing"
)

func TestTokenIsBoundToNetworks(t *testing.T) {
	tok := Token{Name: "ci", Kind: TokenService, Networks: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("2001:db8::/32")}}
	if err := tok.Validate(); err != nil {
		t.Fatal(err)
	}
	for addr, ok := range map[string]bool{"203.0.113.9": true, "::ffff:203.0.113.9": true, "2001:db8::1": true, "203.0.114.9": false, "": false, "x": false} {
		if err := tok.CheckAddr(addr); (err == nil) != ok {
			t.Errorf("from %q: %v", addr, err)
		}
	}
	tok.Networks = nil
	if err := tok.CheckAddr(""); err != nil {
		t.Errorf("a token without networks is refused: %v", err)
	}
	for name, bad := range map[string]Token{
		"no name": {Kind: TokenPerson}, "no kind": {Name: "x"}, "a host in a network": {Name: "x", Kind: TokenAgent, Networks: []netip.Prefix{netip.MustParsePrefix("203.0.113.1/24")}},
	} {
		if !IsKind(bad.Validate(), Invalid) {
			t.Errorf("%s is taken", name)
		}
	}
}
