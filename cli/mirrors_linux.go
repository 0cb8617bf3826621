package cli

import (
	"github.com/spf13/pflag"

	"github.com/cloudsania/cloudsania/daemon"
)

// mirrorFlags let every download of the builder come from elsewhere. Checksums are verified wherever it comes from.
func mirrorFlags(f *pflag.FlagSet, cfg *daemon.Config) {
	m := &cfg.Mirrors
	for _, x := range []struct {
		to          *string
		name, usage string
	}{
		{&m.Node, "node", "Node.js releases (\"npm\": take them from the npm registry)"},
		{&m.NPM, "npm", "npm registry; builds use it, too"},
		{&m.PyPI, "pypi", "Python package index; builds use it, too"},
		{&m.GoDL, "go", "Go releases (\"proxy\": take them from the module proxy)"},
		{&m.GoProxy, "goproxy", "Go module proxy; builds use it, too"},
		{&m.Python, "python", "releases of python-build-standalone"},
		{&m.Debian, "debian", "Debian archive of the base image"},
	} {
		f.StringVar(x.to, "mirror-"+x.name, "", "address of another source of: "+x.usage)
	}
}
