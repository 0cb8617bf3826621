package docker

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/moby/moby/client"

	"github.com/cloudsania/cloudsania/paas"
)

// RemoveLeftovers removes what work that was killed with us left behind: containers, volumes, networks and temporary
// images of builds, release commands, half-derived images. Only things with this installation's label are touched, and
// images that those name. Call it at start, before the first build. It goes on after a failure and returns all of them.
func (e *Engine) RemoveLeftovers(ctx context.Context) error {
	images := map[string]bool{}
	var errs []error
	for _, kind := range leftovers {
		errs = append(errs, e.removeContainers(ctx, e.ours(kind), images))
	}
	errs = append(errs, e.removeVolumes(ctx, e.ours(kindBuild), images), e.removeNetworks(ctx, e.ours(kindBuild)))
	for ref := range images {
		errs = append(errs, e.RemoveImage(ctx, ref))
	}
	return errors.Join(errs...)
}

// RemoveAll ends and removes every container and network of this installation, and with purge its volumes and images,
// too: the images with its label, also when another installation shares them, unless a container of that uses them. It
// goes on after a failure and returns all of them.
func (e *Engine) RemoveAll(ctx context.Context, purge bool) error {
	all := client.Filters{}.Add("label", labelInstallation+"="+e.installation)
	images := map[string]bool{}
	errs := []error{e.removeContainers(ctx, all, images), e.removeNetworks(ctx, all)}
	if !purge {
		return errors.Join(errs...)
	}
	errs = append(errs, e.removeVolumes(ctx, all, images), e.listImages(ctx, all, images))
	for ref := range images {
		// Another installation may have built on a base image of ours: what runs of it stays.
		if err := e.RemoveImage(ctx, ref); !paas.IsKind(err, paas.Conflict) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// RemovePulled removes the images that came from a registry of ours, by its host and port. What a container still uses
// stays.
func (e *Engine) RemovePulled(ctx context.Context, registry string) error {
	short, cancel := call(ctx)
	defer cancel()
	r, err := e.client.ImageList(short, client.ImageListOptions{})
	if err != nil {
		return fail(ctx, err, "list images")
	}
	var errs []error
	for _, image := range r.Items {
		for _, ref := range append(image.RepoTags, image.RepoDigests...) {
			if !strings.HasPrefix(ref, registry+"/") {
				continue
			}
			if err := e.RemoveImage(ctx, ref); !paas.IsKind(err, paas.Conflict) {
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}

func (e *Engine) removeContainers(ctx context.Context, which client.Filters, images map[string]bool) error {
	short, cancel := call(ctx)
	defer cancel()
	r, err := e.client.ContainerList(short, client.ContainerListOptions{All: true, Filters: which})
	if err != nil {
		return fail(ctx, err, "list containers")
	}
	var errs []error
	for _, c := range r.Items {
		if isPackImage(c.Image) {
			images[c.Image] = true
		}
		e.log.Info("removing a container", "container", c.ID, "kind", c.Labels[labelKind], "app", c.Labels[labelApp], "build", c.Labels[labelBuild])
		errs = append(errs, e.Remove(ctx, c.ID))
	}
	return errors.Join(errs...)
}

func (e *Engine) removeVolumes(ctx context.Context, which client.Filters, images map[string]bool) error {
	short, cancel := call(ctx)
	defer cancel()
	r, err := e.client.VolumeList(short, client.VolumeListOptions{Filters: which})
	if err != nil {
		return fail(ctx, err, "list volumes")
	}
	var errs []error
	for _, v := range r.Items {
		if ref := v.Labels[labelImage]; isPackImage(ref) {
			images[ref] = true
		}
		errs = append(errs, e.removeVolume(ctx, v.Name))
	}
	return errors.Join(errs...)
}

func (e *Engine) removeNetworks(ctx context.Context, which client.Filters) error {
	short, cancel := call(ctx)
	defer cancel()
	r, err := e.client.NetworkList(short, client.NetworkListOptions{Filters: which})
	if err != nil {
		return fail(ctx, err, "list networks")
	}
	var errs []error
	for _, n := range r.Items {
		errs = append(errs, e.removeNetwork(ctx, n.ID, n.Name))
	}
	return errors.Join(errs...)
}

// listImages adds every name of the images, and the id of one that has none.
func (e *Engine) listImages(ctx context.Context, which client.Filters, images map[string]bool) error {
	short, cancel := call(ctx)
	defer cancel()
	r, err := e.client.ImageList(short, client.ImageListOptions{Filters: which})
	if err != nil {
		return fail(ctx, err, "list images")
	}
	for _, i := range r.Items {
		names := slices.DeleteFunc(append(i.RepoTags, i.RepoDigests...), func(n string) bool { return strings.HasPrefix(n, "<none>") })
		if len(names) == 0 {
			names = []string{i.ID}
		}
		for _, n := range names {
			images[n] = true
		}
	}
	return nil
}
