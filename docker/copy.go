package docker

import (
	"context"
	"io"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// CopyOut returns an uncompressed tar of path, a file or a directory, as it is in the image; names in it begin with path's last element.
// Nothing of the image runs. The stream ends with ctx; Close must be called. A path that is not there is NotFound.
func (e *Engine) CopyOut(ctx context.Context, imageRef, path string) (io.ReadCloser, error) {
	id, err := e.createWork(ctx, &container.Config{Image: imageRef, Entrypoint: []string{"-"}}, &container.HostConfig{NetworkMode: "none"})
	if err != nil {
		return nil, err
	}
	r, err := e.client.CopyFromContainer(ctx, id, client.CopyFromContainerOptions{SourcePath: path})
	if err != nil {
		e.discard(ctx, id)
		return nil, fail(ctx, err, "copy %q out of image %q", path, imageRef)
	}
	return &copyOut{ReadCloser: r.Content, done: func() { e.discard(ctx, id) }}, nil
}

type copyOut struct {
	io.ReadCloser
	done func() // removes the container
}

func (c *copyOut) Close() error {
	err := c.ReadCloser.Close()
	c.done()
	return err
}
