package builder

import (
	"context"
	"io"

	"github.com/buildpacks/pack/pkg/client"

	"github.com/cloudsania/cloudsania/paas"
)

// engine is what the builder asks of Docker itself.
type engine interface {
	ImageExists(ctx context.Context, ref string) (bool, error)
	ImportImage(ctx context.Context, ref string, tar io.Reader, cfg paas.ImageConfig) error
	DeriveImage(ctx context.Context, ref, from string, argv []string, cfg paas.ImageConfig, mounts []string, out io.Writer) error
	TagImage(ctx context.Context, from, ref string) error
	PushImage(ctx context.Context, ref string, auth paas.RegistryAuth, out io.Writer) error
	RemoveImage(ctx context.Context, ref string) error
	EnsureVolume(ctx context.Context, name string) error
	RemoveVolume(ctx context.Context, name string) error
}

// Client is Docker as pack uses it during one build: the containers that pack asks for get the build's limits.
type Client interface {
	client.DockerClient
	// OOM reports whether a phase was killed for its memory, and which.
	OOM() (phase string, oom bool)
}

// Policy limits one build. Its fields are docker.BuildPolicy's, so that one converts to the other.
type Policy struct {
	Build, App   string
	MemoryMB     int
	PIDs         int
	CPUs         float64
	CPUShares    int64
	CgroupParent string
}
