package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/moby/moby/client"
)

// ownImages tells by their names which images can only be of one installation: those of its registry, which has a port to itself, and
// its builders, which are named after that registry. Bases may be shared with other installations.
type ownImages struct {
	registry string // "127.0.0.1:34567/"
	builders []string
}

// imagesOf reads what an installation notes of the images that it makes; ok is false when it has made none.
func imagesOf(data string) (own ownImages, ok bool) {
	b, err := os.ReadFile(filepath.Join(data, "builder", "made.json"))
	if err != nil {
		return own, false
	}
	var made struct{ Images []string }
	if err := json.Unmarshal(b, &made); err != nil {
		return own, false
	}
	for _, name := range made.Images {
		if host, _, of := strings.Cut(name, "/run/debian:"); of {
			own.registry = host + "/"
		}
		if strings.HasPrefix(name, "cloudsania/builder:") {
			own.builders = append(own.builders, name)
		}
	}
	return own, own.registry != ""
}

func (o ownImages) has(name string) bool {
	for _, b := range o.builders {
		if name == b {
			return true
		}
	}
	return strings.HasPrefix(name, o.registry)
}

// sweep removes what of them is left after the installation was removed, and returns how many names that were.
func (o ownImages) sweep(ctx context.Context) (removed int, err error) {
	err = withDocker(ctx, func(ctx context.Context, c *client.Client) error {
		list, err := c.ImageList(ctx, client.ImageListOptions{})
		if err != nil {
			return err
		}
		var errs []error
		for _, i := range list.Items {
			for _, name := range append(i.RepoTags, i.RepoDigests...) {
				if !o.has(name) {
					continue
				}
				removed++
				if _, err := c.ImageRemove(ctx, name, client.ImageRemoveOptions{}); err != nil && !strings.Contains(err.Error(), "No such image") { // went with its other name
					errs = append(errs, fmt.Errorf("remove image %s: %w", name, err))
				}
			}
		}
		return errors.Join(errs...)
	})
	return removed, err
}
