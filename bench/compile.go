package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
)

const module = "github.com/cloudsania/cloudsania"

// checkoutRoot is the directory of the module that we are called in.
func checkoutRoot(ctx context.Context) (string, error) {
	out, err := run(command(ctx, "go", "list", "-m", "-f", "{{.Path}} {{.Dir}}"))
	if err != nil {
		return "", err
	}
	path, dir, _ := strings.Cut(strings.TrimSpace(out), " ")
	if path != module || dir == "" {
		return "", errors.New("this is not a checkout of Cloudsania: call it at the root of one")
	}
	return dir, nil
}

// compile builds the program as install.sh does.
func compile(ctx context.Context, root, to string) error {
	if !exists(filepath.Join(root, "builder", "lifecycle", "bin", "lifecycle-linux-"+runtime.GOARCH+".tar.gz")) {
		c := command(ctx, "go", "generate", "./builder/lifecycle")
		c.Dir = root
		if _, err := run(c); err != nil {
			return fmt.Errorf("generate the lifecycle: %w", err)
		}
	}
	c := command(ctx, "go", "build", "-buildvcs=false", "-trimpath", "-ldflags", "-s -w", "-o", to, ".")
	c.Dir, c.Env = root, append(c.Env, "CGO_ENABLED=0")
	_, err := run(c)
	return err
}
