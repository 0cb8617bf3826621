package docker_test

import (
	"context"
	"testing"

	"github.com/cloudsania/cloudsania/docker/dockertest"
)

// Images that came from a registry of ours go with it, and no others.
func TestRemovePulled(t *testing.T) {
	e := dockertest.Engine(t)
	image := dockertest.Image(t, e)
	ctx := t.Context()
	const ours, other = "127.0.0.1:1/apps/app_x:bld_y", "127.0.0.1:11/apps/app_x:bld_y"
	for _, ref := range []string{ours, other} {
		if err := e.TagImage(ctx, image, ref); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = e.RemoveImage(context.WithoutCancel(ctx), ref) })
	}
	if err := e.RemovePulled(ctx, "127.0.0.1:1"); err != nil {
		t.Fatal(err)
	}
	for ref, want := range map[string]bool{ours: false, other: true} {
		if there, err := e.ImageExists(ctx, ref); err != nil || there != want {
			t.Errorf("%s is there: %v %v", ref, there, err)
		}
	}
}
