package docker

import (
	"context"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/client"
)

// EnsureVolume makes a named volume unless it is there. One of that name that is not ours is a Conflict.
func (e *Engine) EnsureVolume(ctx context.Context, name string) error {
	if err := checkName("volume", name); err != nil {
		return err
	}
	short, cancel := call(ctx)
	defer cancel()
	r, err := e.client.VolumeCreate(short, client.VolumeCreateOptions{Name: name, Labels: e.labels(kindKept, nil)})
	if err != nil {
		return fail(ctx, err, "create volume %q", name)
	}
	if r.Volume.Labels[labelInstallation] != e.installation {
		return foreign("volume", name)
	}
	return nil
}

// RemoveVolume removes a volume of ours with all that is in it. A missing one is fine; one that is in use, or not ours,
// is a Conflict.
func (e *Engine) RemoveVolume(ctx context.Context, name string) error {
	if err := checkName("volume", name); err != nil {
		return err
	}
	short, cancel := call(ctx)
	defer cancel()
	r, err := e.client.VolumeInspect(short, name, client.VolumeInspectOptions{})
	if cerrdefs.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fail(ctx, err, "look at volume %q", name)
	}
	if r.Volume.Labels[labelInstallation] != e.installation {
		return foreign("volume", name)
	}
	return e.removeVolume(ctx, name)
}

func (e *Engine) removeVolume(ctx context.Context, name string) error {
	short, cancel := call(ctx)
	defer cancel()
	_, err := e.client.VolumeRemove(short, name, client.VolumeRemoveOptions{})
	if cerrdefs.IsNotFound(err) {
		return nil
	}
	return fail(ctx, err, "remove volume %q", name)
}
