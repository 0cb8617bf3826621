package contract

import (
	"fmt"
	"strings"
)

// Mounts are what a build container sees of the server: absolute paths, but for Cache, which is a volume's name.
type Mounts struct {
	Plan      string // file of WritePlan
	Variables string // directory with a file per variable
	Runtimes  string
	Cache     string
	CA        string // "" when the container's own authorities do
}

// Binds are the mounts in the form that Docker takes. Paths with a colon cannot be mounted.
func (m Mounts) Binds() ([]string, error) {
	var binds []string
	for _, b := range []struct{ from, to, mode string }{
		{m.Plan, planFile, "ro"},
		{m.Variables, variableDir, "ro"},
		{m.Runtimes, RuntimesDir, "ro"},
		{m.Cache, CacheDir, "rw"},
		{m.CA, CAFile, "ro"},
	} {
		if strings.Contains(b.from, ":") {
			return nil, fmt.Errorf("a colon in a path that a build must see: %s", b.from)
		}
		if b.from != "" {
			binds = append(binds, b.from+":"+b.to+":"+b.mode)
		}
	}
	return binds, nil
}
