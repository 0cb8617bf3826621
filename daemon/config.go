package daemon

import (
	"github.com/cloudsania/cloudsania/builder"
	"github.com/cloudsania/cloudsania/builder/lifecycle"
)

// DefaultData is the data directory of an installation that names no other.
const DefaultData = "/var/lib/cloudsania"

// Config says what an installation is: where its files are, how it is reached and where its downloads come from.
type Config struct {
	Version             string // of this build: an edge of another one is replaced
	Data, Key           string // directory, and the file of the sealing key; "" for the default of that directory
	HTTP, HTTPS         string // addresses that the edge listens on
	Domain, TLS, Email  string
	ACMECA, ACMERoots   string // another certificate authority: its directory, and a PEM file of roots
	Edge, EdgeUser      string // "auto" or "external"; the unprivileged user that the edge is started as
	ClaimFile           string
	AllowPrivateSources bool
	Mirrors             builder.Mirrors
	BuildMemoryMB       int
	Buildpack, BaseTree string
}

// edge is the part of the configuration that an edge is started with.
func (c Config) edge() EdgeConfig {
	return EdgeConfig{Version: c.Version, Data: c.Data, HTTP: c.HTTP, HTTPS: c.HTTPS}
}

// CanBuild tells, by an error, when this program was compiled without the parts that builds need.
func CanBuild() error { return lifecycle.Available() }
