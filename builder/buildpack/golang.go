package buildpack

import (
	"context"
	"path/filepath"

	"github.com/cloudsania/cloudsania/paas"
)

// golang builds a Go module. Modules and compiled packages stay on the cache volume; the programs go into bin/ of the
// source.
func (b *build) golang(ctx context.Context) error {
	dir, _, err := b.needRuntime(paas.RuntimeGo)
	if err != nil {
		return err
	}
	b.path = append(b.path, filepath.Join(dir, "bin"))
	b.env = append(b.env, "GOROOT="+dir, "GOPATH="+b.cached("go"), "GOMODCACHE="+b.cached("go/mod"), "GOCACHE="+b.cached("go/build"),
		"GOTOOLCHAIN=local", "GOTELEMETRY=off")
	b.launch.env("PATH", "prepend", filepath.Join(b.app, "bin")) // a Procfile may name the programs without their directory
	return b.buildCommand(ctx)
}
