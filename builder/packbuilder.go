package builder

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	pubbldr "github.com/buildpacks/pack/builder"
	"github.com/buildpacks/pack/pkg/blob"
	"github.com/buildpacks/pack/pkg/client"
	"github.com/buildpacks/pack/pkg/dist"
	"github.com/buildpacks/pack/pkg/image"
	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/cloudsania/cloudsania/builder/contract"
	"github.com/cloudsania/cloudsania/builder/lifecycle"
	"github.com/cloudsania/cloudsania/paas"
)

// descriptor of the one buildpack: it composes all languages, and bin/detect and bin/build are this binary.
const (
	buildpackID = "cloudsania/app"
	descriptor  = `api = "0.10"

[buildpack]
id = "` + buildpackID + `"
version = "1"
name = "Cloudsania"

[[targets]]
os = "linux"
`
)

// makeBuilder joins build image, lifecycle and buildpack. This is all that a new binary costs: about five seconds.
func (b *Builder) makeBuilder(ctx context.Context, want images) error {
	ok, err := b.engine.ImageExists(ctx, want.builder)
	if ok || err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(filepath.Join(b.data, "builder"), "join-")
	if err != nil {
		return fmt.Errorf("make room for the builder: %w", err)
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	archive, err := lifecycle.Archive()
	if err != nil {
		return err
	}
	tgz, pack := filepath.Join(tmp, "lifecycle.tgz"), filepath.Join(tmp, "buildpack")
	if err := os.WriteFile(tgz, archive, 0o600); err != nil {
		return fmt.Errorf("write the lifecycle: %w", err)
	}
	if err := b.writeBuildpack(pack); err != nil {
		return fmt.Errorf("write the buildpack: %w", err)
	}
	log := newBuildLog(io.Discard)
	return b.registry.Push(ctx, func(auth paas.RegistryAuth) error { // pack looks at the run image in the registry
		c, err := b.packClient(b.client(Policy{}), log, auth)
		if err != nil {
			return err
		}
		err = c.CreateBuilder(ctx, client.CreateBuilderOptions{
			BuilderName: want.builder,
			PullPolicy:  image.PullNever,
			Config: pubbldr.Config{
				Description: "Cloudsania",
				Build:       pubbldr.BuildConfig{Image: want.build},
				Run:         pubbldr.RunConfig{Images: []pubbldr.RunImageConfig{{Image: b.runRef(want)}}},
				Lifecycle:   pubbldr.LifecycleConfig{URI: "file://" + tgz},
				Buildpacks:  pubbldr.ModuleCollection{{ImageOrURI: dist.ImageOrURI{BuildpackURI: dist.BuildpackURI{URI: pack}}}},
				Order:       dist.Order{{Group: []dist.ModuleRef{{ModuleInfo: dist.ModuleInfo{ID: buildpackID}}}}},
			},
		})
		if err != nil {
			return fmt.Errorf("put the builder together: %w (%s)", err, log.lastLine())
		}
		return nil
	})
}

func (b *Builder) writeBuildpack(dir string) error {
	if err := os.MkdirAll(filepath.Join(dir, "bin"), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "buildpack.toml"), []byte(descriptor), 0o644); err != nil {
		return err
	}
	if err := b.self.copyTo(filepath.Join(dir, contract.Build.File())); err != nil {
		return err
	}
	return os.Symlink(string(contract.Build), filepath.Join(dir, contract.Detect.File()))
}

// packClient is pack with nothing of the host's: no credential helpers, no downloads.
func (b *Builder) packClient(docker client.DockerClient, log *buildLog, auth paas.RegistryAuth) (*client.Client, error) {
	c, err := client.NewClient(client.WithLogger(log), client.WithDockerClient(docker), client.WithDownloader(localFiles{}),
		client.WithKeychain(keychain{host: b.registry.Host(), auth: auth}))
	if err != nil {
		return nil, fmt.Errorf("prepare pack: %w", err)
	}
	return c, nil
}

// localFiles refuses every address but a file's.
type localFiles struct{}

func (localFiles) Download(_ context.Context, uri string) (blob.Blob, error) {
	file, ok := strings.CutPrefix(uri, "file://")
	if !ok {
		return nil, fmt.Errorf("pack may not download: %s", uri)
	}
	return blob.NewBlob(file), nil
}

// keychain answers for our registry only.
type keychain struct {
	host string
	auth paas.RegistryAuth
}

func (k keychain) Resolve(r authn.Resource) (authn.Authenticator, error) {
	if r.RegistryStr() == k.host {
		return &authn.Basic{Username: k.auth.User, Password: k.auth.Password.Reveal()}, nil
	}
	return authn.Anonymous, nil
}
