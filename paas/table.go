package paas

import (
	"encoding/json"
	"net/netip"
)

// TableFormat is the newest format of the edge's table: 2 added formats, weights, policies, and releases of upstreams.
const TableFormat = 2

// Table is all that the edge knows: control sends the whole of it, the edge obeys and keeps the last one for when control is away.
//
// Control and edge are updated one after the other, so either may be older: members may be added, and an edge leaves out what it does not
// know; the meaning of one that exists never changes. Format says what the sender knows.
type Table struct {
	Format     int         `json:"format"`
	Generation uint64      `json:"generation"` // grows with each change
	Dashboard  []string    `json:"dashboard"`  // hosts (names or bare addresses) whose requests go to control
	Routes     []Route     `json:"routes"`
	TLS        TLSSettings `json:"tls"`
	Draining   []string    `json:"draining"` // instances that should get nothing new but may still have requests
}

// Route is one app × environment: its hosts and where their requests go.
type Route struct {
	App         string     `json:"app"`
	Environment string     `json:"environment"`
	Name        string     `json:"name"` // for messages
	Hosts       []string   `json:"hosts"`
	Release     int        `json:"release"`
	Upstreams   []Upstream `json:"upstreams"` // empty: the app has no live version; the edge says so
	Policy      Policy     `json:"policy,omitzero"`
}

// Policy is what an edge does with the requests of a route besides passing them on. The zero value: nothing.
type Policy struct {
	RedirectTo  string `json:"redirect_to,omitempty"`  // host that visitors are sent to
	HoldSeconds int    `json:"hold_seconds,omitempty"` // how long a request waits for a copy while the app rests
}

// Upstream is a live instance: an address, or a directory below <data>/static.
type Upstream struct {
	Instance string         `json:"instance"`
	Addr     netip.AddrPort `json:"addr,omitzero"`
	Dir      string         `json:"dir,omitempty"` // build id
	SPA      bool           `json:"spa,omitempty"`
	Release  int            `json:"release,omitempty"` // number
	Weight   int            `json:"weight,omitempty"`  // of the traffic among the route's upstreams; 0 is 1
}

// TLSMode is how visitors' connections are secured.
type TLSMode string

const (
	TLSACME       TLSMode = "acme"
	TLSSelfSigned TLSMode = "self-signed"
	TLSOff        TLSMode = "off"
)

// TLSSettings tell the edge how to get certificates.
type TLSSettings struct {
	Mode      TLSMode `json:"mode"`
	Email     string  `json:"email,omitempty"`
	CA        string  `json:"ca,omitempty"`         // ACME directory; "" is Let's Encrypt
	CARoots   string  `json:"ca_roots,omitempty"`   // PEM of roots to trust for talking to CA, for private CAs
	HTTPSPort int     `json:"https_port,omitempty"` // for redirects, when it is not 443
}

// EdgeStatus is what an edge process reports.
type EdgeStatus struct {
	PID          int                     `json:"pid"`
	Version      string                  `json:"version"`
	Generation   uint64                  `json:"generation"` // persisted
	Draining     bool                    `json:"draining"`   // its listeners went to a successor; it only drains
	Active       map[string]int          `json:"active"`     // instance → requests and streams in progress
	Counters     map[string]EdgeCounters `json:"counters"`   // instance → totals since this process began
	Certificates map[string]CertStatus   `json:"certificates"`
	Fingerprint  string                  `json:"fingerprint,omitempty"` // SHA-256 of the self-signed authority's certificate, hex with colons
	Authority    string                  `json:"authority,omitempty"`   // its PEM
}

// UnmarshalJSON also reads the status of an edge from before "handing" was called "draining": it may still hold streams of yesterday.
func (s *EdgeStatus) UnmarshalJSON(b []byte) error {
	type plain EdgeStatus
	var in struct {
		*plain
		Handing bool `json:"handing"`
	}
	in.plain = (*plain)(s)
	if err := json.Unmarshal(b, &in); err != nil {
		return err
	}
	s.Draining = s.Draining || in.Handing
	return nil
}

// EdgeCounters are totals of one instance.
type EdgeCounters struct {
	Requests int64 `json:"requests"`
	Received int64 `json:"received"` // bytes from visitors
	Sent     int64 `json:"sent"`
	Errors   int64 `json:"errors"` // answers of 500 and above
}

// CertStatus is how a host's certificate stands.
type CertStatus struct {
	State   string `json:"state"` // "ok", "pending", "failed"
	Issuer  string `json:"issuer,omitempty"`
	Expires int64  `json:"expires,omitempty"` // Unix seconds
	Error   string `json:"error,omitempty"`
}
