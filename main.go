// Cloudsania is a private PaaS in one program: `serve` is control, `edge` the data plane, the other commands talk to control. Called
// as bin/detect or bin/build it is the buildpack inside the builder image.
package main

import (
	"os"

	"github.com/cloudsania/cloudsania/cli"
)

// version is the release's number and source the state of the checkout it was built from; the linker sets them.
var (
	version = "dev"
	source  = ""
)

func main() {
	if isBuildpack(os.Args[0]) {
		os.Exit(buildpackMain(os.Args[0]))
	}
	os.Exit(cli.Main(cli.Build{Version: version, Source: source}))
}
