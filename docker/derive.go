package docker

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/cloudsania/cloudsania/paas"
)

// DeriveImage makes ref of the image from by running argv in it as root on the host's network, and keeping what that
// changed. It is for commands of ours (installing packages), never for a user's. mounts are host:container:ro and are
// not part of the image. The image gets from's configuration, with cfg's fields on top; argv and the surroundings leave
// no trace in it. out gets the output.
func (e *Engine) DeriveImage(ctx context.Context, ref, from string, argv []string, cfg paas.ImageConfig, mounts []string, out io.Writer) error {
	base, err := e.image(ctx, from)
	if err != nil {
		return err
	}
	id, err := e.createWork(ctx, &container.Config{Image: from, User: "0:0", Entrypoint: argv},
		&container.HostConfig{
			Binds:       mounts,
			NetworkMode: "host",
			Init:        new(true),
			SecurityOpt: []string{"no-new-privileges"},
			LogConfig:   container.LogConfig{Type: "none"},
		})
	if err != nil {
		return err
	}
	defer e.discard(ctx, id)
	code, err := e.finish(ctx, id, out)
	if err != nil {
		return err
	}
	if code != 0 {
		return &paas.Error{Kind: paas.Failed, Msg: fmt.Sprintf("preparing the image %q failed: %q ended with status %d", ref, strings.Join(argv, " "), code),
			Hint: "the log above has the cause"}
	}
	return e.replace(ctx, ref, func() error {
		_, err := e.client.ContainerCommit(ctx, id, client.ContainerCommitOptions{Reference: ref, Config: e.derived(base, cfg)})
		return fail(ctx, err, "keep image %q", ref)
	})
}

// derived spells the new image's configuration out: what is left empty the engine would take from the container.
func (e *Engine) derived(base client.ImageInspectResult, cfg paas.ImageConfig) *container.Config {
	c := &container.Config{Entrypoint: []string{}, Labels: map[string]string{}}
	if base.Config != nil {
		c.Env, c.User, c.WorkingDir, c.Cmd = slices.Clone(base.Config.Env), base.Config.User, base.Config.WorkingDir, base.Config.Cmd
		if len(base.Config.Entrypoint) > 0 {
			c.Entrypoint = base.Config.Entrypoint
		}
		maps.Copy(c.Labels, base.Config.Labels)
	}
	for _, kv := range cfg.Env {
		name, _, _ := strings.Cut(kv, "=")
		c.Env = slices.DeleteFunc(c.Env, func(old string) bool { return strings.HasPrefix(old, name+"=") })
		c.Env = append(c.Env, kv)
	}
	if cfg.User != "" {
		c.User = cfg.User
	}
	if cfg.Dir != "" {
		c.WorkingDir = cfg.Dir
	}
	maps.Copy(c.Labels, cfg.Labels)
	maps.Copy(c.Labels, e.containerLabels(kindKept, nil)) // all that the container has
	return c
}

// createWork creates one of our own short-lived containers; RemoveLeftovers finds it after a crash.
func (e *Engine) createWork(ctx context.Context, cfg *container.Config, host *container.HostConfig) (string, error) {
	cfg.Labels = e.containerLabels(kindWork, nil)
	short, cancel := call(ctx)
	defer cancel()
	r, err := e.client.ContainerCreate(short, client.ContainerCreateOptions{Name: "cs-" + paas.NewID("wrk"), Config: cfg, HostConfig: host})
	return r.ID, fail(ctx, err, "create container of image %q", cfg.Image)
}
