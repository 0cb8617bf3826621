package paas

import (
	"fmt"
	"net"
	"regexp"
	"strings"
	"time"
)

const (
	maxHostBytes   = 253
	maxDelegations = 50
)

var validHost = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// Host is a host name and the one app environment that it belongs to. Names below the base domain are hosts as well, so that no two apps
// ever answer at one.
type Host struct {
	Name        string
	Owner       Target
	Kind        HostKind
	RedirectTo  string       `json:",omitempty"` // host, of a redirect
	Delegated   []Delegation `json:",omitempty"`
	Verified    time.Time    `json:",omitzero"`  // when the name was seen to lead here; zero: not yet
	TLS         TLSMode      `json:",omitempty"` // "" is the installation's
	Certificate string       `json:",omitempty"` // id of one that was uploaded; "": it is obtained
	Created     time.Time
	Life
}

// HostKind is why an app has a host.
type HostKind string

const (
	HostGenerated HostKind = "generated" // below the base domain, made of names
	HostOwn       HostKind = "own"       // a domain that was given to the app
	HostRedirect  HostKind = "redirect"  // sends visitors to another host
)

// Delegation gives the paths below a prefix to another app of the same environment.
type Delegation struct {
	Prefix string // begins and ends with /
	App    string
}

// NormalHost is a host name in the form that it is kept and looked up in.
func NormalHost(h string) string {
	return strings.TrimSuffix(strings.ToLower(strings.TrimSpace(h)), ".")
}

// CheckHost tells whether name, in its normal form, can be a domain of an app.
func CheckHost(name string) error {
	if len(name) > maxHostBytes || !validHost.MatchString(name) || net.ParseIP(name) != nil {
		return Invalidf("domains", "write it like www.example.com; other alphabets in their xn-- form", "%q cannot be a domain", Clip(name, 60))
	}
	return nil
}

// Validate tells whether the host can be kept.
func (h Host) Validate() error {
	if len(h.Delegated) > maxDelegations {
		return Invalidf("domains", "", "a domain can give away at most %d paths", maxDelegations)
	}
	for _, d := range h.Delegated {
		if !strings.HasPrefix(d.Prefix, "/") || !strings.HasSuffix(d.Prefix, "/") || d.Prefix == "/" || !IsID("app", d.App) {
			return Invalidf("domains", "write it like /blog/", "the path %q cannot be given to another app", Clip(d.Prefix, 60))
		}
	}
	if (h.Kind == HostRedirect) != (h.RedirectTo != "") || h.RedirectTo == h.Name && h.Name != "" {
		return Invalidf("domains", "name another host", "%q cannot send visitors to %q", h.Name, h.RedirectTo)
	}
	if h.RedirectTo != "" {
		if err := CheckHost(h.RedirectTo); err != nil {
			return err
		}
	}
	return CheckHost(h.Name)
}

// Taken is the Conflict of a host that another app has.
func (h Host) Taken() error {
	hint := "remove it there first"
	if h.Kind == HostGenerated {
		hint = "it is the address that the app has of itself"
	}
	return &Error{Kind: Conflict, Field: "domains", Msg: fmt.Sprintf("the domain %q belongs to another app", h.Name), Hint: hint}
}
