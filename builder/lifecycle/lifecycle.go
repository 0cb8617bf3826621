// Package lifecycle carries the Cloud Native Buildpacks lifecycle and launcher, built from our own go.mod, inside the
// binary.
//
// A binary that was built without `go generate` has none; it works, but cannot build apps, and Available says so.
package lifecycle

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"runtime"

	"github.com/cloudsania/cloudsania/paas"
)

// The version number stands three times here and once in go.mod; a test compares them.
//
//go:generate env CGO_ENABLED=0 GOOS=linux go build -trimpath -buildvcs=false "-ldflags=-s -w -buildid= -X github.com/buildpacks/lifecycle/cmd.Version=0.21.0 -X github.com/buildpacks/lifecycle/cmd.SCMRepository=github.com/buildpacks/lifecycle" -o bin/ github.com/buildpacks/lifecycle/cmd/lifecycle github.com/buildpacks/lifecycle/cmd/launcher
//go:generate env GOARCH= GOOS= go run ./pack -arch $GOARCH -version 0.21.0 -dir bin

// Version of the embedded lifecycle.
const Version = "0.21.0"

//go:embed bin
var bin embed.FS

const archive = "bin/lifecycle-linux-" + runtime.GOARCH + ".tar.gz"

// Available returns nil when the lifecycle for this machine's architecture is embedded.
func Available() error {
	f, err := bin.Open(archive)
	if err != nil {
		return missing(err)
	}
	return f.Close()
}

// Archive is the lifecycle as pack reads it: a gzip-compressed tar with lifecycle.toml and the directory lifecycle.
func Archive() ([]byte, error) {
	b, err := bin.ReadFile(archive)
	if err != nil {
		return nil, missing(err)
	}
	return b, nil
}

func missing(err error) error {
	return &paas.Error{Kind: paas.Unavailable, Msg: "this binary was built without the lifecycle",
		Hint: "run go generate ./... and build again", Err: err}
}

// Digest identifies the archive; "" when there is none.
func Digest() string {
	b, err := Archive()
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// WriteImage writes the root file system of the image that runs the lifecycle's own phases: made from nothing, so
// that what holds credentials contains no shell and no library. uid is the user of the build.
func WriteImage(w io.Writer, uid int) error {
	packed, err := Archive()
	if err != nil {
		return err
	}
	zr, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return fmt.Errorf("read the lifecycle's archive: %w", err)
	}
	tw := tar.NewWriter(w)
	if err := writeSkeleton(tw, uid); err != nil {
		return fmt.Errorf("write the lifecycle's image: %w", err)
	}
	for tr := tar.NewReader(zr); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("read the lifecycle's archive: %w", err)
		}
		h.Name = "cnb/" + h.Name
		if err := tw.WriteHeader(h); err != nil {
			return fmt.Errorf("write the lifecycle's image: %w", err)
		}
		if _, err := io.Copy(tw, tr); err != nil {
			return fmt.Errorf("write the lifecycle's image: %w", err)
		}
	}
	return tw.Close()
}
