package paas

import "testing"

func TestHostsThatCannotBe(t *testing.T) {
	app := NewID("app")
	for name, c := range map[string]struct {
		host Host
		ok   bool
	}{
		"own":                   {Host{Name: "www.example.com", Kind: HostOwn}, true},
		"delegated":             {Host{Name: "example.com", Kind: HostOwn, Delegated: []Delegation{{"/blog/", app}}}, true},
		"redirect":              {Host{Name: "example.com", Kind: HostRedirect, RedirectTo: "www.example.com"}, true},
		"redirect to itself":    {Host{Name: "example.com", Kind: HostRedirect, RedirectTo: "example.com"}, false},
		"redirect to nowhere":   {Host{Name: "example.com", Kind: HostRedirect}, false},
		"own, yet a redirect":   {Host{Name: "example.com", Kind: HostOwn, RedirectTo: "www.example.com"}, false},
		"redirect to an url":    {Host{Name: "example.com", Kind: HostRedirect, RedirectTo: "https://example.org"}, false},
		"no slash at the end":   {Host{Name: "example.com", Kind: HostOwn, Delegated: []Delegation{{"/blog", app}}}, false},
		"everything given away": {Host{Name: "example.com", Kind: HostOwn, Delegated: []Delegation{{"/", app}}}, false},
		"an address":            {Host{Name: "203.0.113.9", Kind: HostOwn}, false},
		"one label":             {Host{Name: "localhost", Kind: HostOwn}, false},
		"upper case":            {Host{Name: "WWW.example.com", Kind: HostOwn}, false},
	} {
		if err := c.host.Validate(); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	if h := NormalHost(" WWW.Example.COM. "); h != "www.example.com" {
		t.Errorf("%q", h)
	}
}
