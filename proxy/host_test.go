package proxy

import (
	"net/netip"
	"strings"
	"testing"
)

func TestNormalizeHost(t *testing.T) {
	long := strings.Repeat("a", 63)
	for _, c := range []struct{ in, want string }{
		{"example.com", "example.com"},
		{"Example.COM:8443", "example.com"},
		{"example.com.", "example.com"},
		{"example.com.:80", "example.com"},
		{"example.com:", "example.com"},
		{"bücher.example", "xn--bcher-kva.example"},
		{"BÜCHER.example", "xn--bcher-kva.example"},
		{"XN--BCHER-KVA.example", "xn--bcher-kva.example"},
		{"_dmarc.example", "_dmarc.example"},
		{"localhost", "localhost"},
		{"127.0.0.1:80", "127.0.0.1"},
		{"[::1]:443", "::1"},
		{"[2001:DB8:0::1]", "2001:db8::1"},
		{"2001:db8::1", "2001:db8::1"},
		{"::ffff:192.0.2.1", "192.0.2.1"},
		{long + ".example", long + ".example"},
		{"", ""}, {".", ""}, {":80", ""}, {"a..b", ""}, {".a", ""}, {"a b", ""}, {"a/b", ""}, {"a:b", ""}, {"a:123456", ""},
		{"[example.com]", ""}, {"[::1", ""}, {"[::1]x", ""}, {"fe80::1%eth0", ""}, {"[fe80::1%25eth0]:80", ""}, {"a:1:2", ""},
		{"*.example.com", ""}, {"a\x00b", ""}, {"user@example.com", ""}, {"xn--.example", ""}, {"xn--a-ecp.example", ""},
		{"Ab--Cd.example", "ab--cd.example"}, {"app1", "app1"}, {"1.2.3.4.5", "1.2.3.4.5"}, {"fe80::1", "fe80::1"},
		{long + "a.example", ""}, {strings.Repeat("a.", 127) + "aa", ""}, {strings.Repeat("ü", 2000), ""},
	} {
		got, ok := NormalizeHost(c.in)
		if !ok {
			got = ""
		}
		if got != c.want {
			t.Errorf("%q: %q, want %q", c.in, got, c.want)
		}
	}
}

func TestNormalizeHostDoesNotAllocate(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() { NormalizeHost("app.example.com:8443") }); n > 0 {
		t.Errorf("%v allocations for the usual host", n)
	}
}

func FuzzNormalizeHost(f *testing.F) {
	for _, s := range []string{"example.com:80", "[::1]:443", "bücher.example", "xn--bcher-kva.", "a..b", "1.2.3.4", "ẞ.example", "\xff", "xn--0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		host, ok := NormalizeHost(s)
		if !ok {
			return
		}
		if again, ok := NormalizeHost(host); !ok || again != host {
			t.Errorf("%q becomes %q, and that %q, %v", s, host, again, ok)
		}
		if _, err := netip.ParseAddr(host); err != nil && !validHost(host) {
			t.Errorf("%q becomes %q, which is no host", s, host)
		}
		if host != strings.ToLower(host) || strings.ContainsAny(host, "/\\ \x00@[]") {
			t.Errorf("%q becomes %q", s, host)
		}
	})
}
