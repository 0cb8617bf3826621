package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/distribution/distribution/v3"
	"github.com/distribution/distribution/v3/registry/storage"
	"github.com/distribution/distribution/v3/registry/storage/driver"
	"github.com/distribution/reference"
	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/cloudsania/cloudsania/paas"
)

// staleUpload is when a blob that was begun and never finished counts as abandoned.
const staleUpload = 24 * time.Hour

// Digest tells what a tag of a repository points at; paas.NotFound when there is none.
func (r *Registry) Digest(ctx context.Context, repository, tag string) (string, error) {
	repo, err := r.repository(ctx, repository)
	if err != nil {
		return "", err
	}
	d, err := repo.Tags(ctx).Get(ctx, tag)
	var unknown distribution.ErrTagUnknown
	var missing driver.PathNotFoundError
	if errors.As(err, &unknown) || errors.As(err, &missing) {
		return "", &paas.Error{Kind: paas.NotFound, Msg: fmt.Sprintf("no image %q", repository+":"+tag), Err: err}
	}
	if err != nil {
		return "", fmt.Errorf("look up %s:%s: %w", repository, tag, err)
	}
	return d.Digest.String(), nil
}

// Tag gives an image of the repository a further tag, in place of the image that had it.
func (r *Registry) Tag(ctx context.Context, repository, tag, imageDigest string) error {
	repo, err := r.repository(ctx, repository)
	if err != nil {
		return err
	}
	if err := repo.Tags(ctx).Tag(ctx, tag, v1.Descriptor{Digest: digest.Digest(imageDigest)}); err != nil {
		return fmt.Errorf("tag %s:%s: %w", repository, tag, err)
	}
	return nil
}

// Image is what a manifest names: blobs of the same repository.
type Image struct {
	Config string   // digest of the configuration
	Layers []string // digests, lowest first
}

// Image reads an image's manifest; paas.NotFound when it is gone.
func (r *Registry) Image(ctx context.Context, repository, imageDigest string) (Image, error) {
	repo, err := r.repository(ctx, repository)
	if err != nil {
		return Image{}, err
	}
	manifests, err := repo.Manifests(ctx)
	if err != nil {
		return Image{}, fmt.Errorf("open the manifests of %s: %w", repository, err)
	}
	m, err := manifests.Get(ctx, digest.Digest(imageDigest))
	var unknown distribution.ErrManifestUnknownRevision
	if errors.As(err, &unknown) {
		return Image{}, &paas.Error{
			Kind: paas.NotFound,
			Msg:  fmt.Sprintf("no image %q", repository+"@"+imageDigest),
			Err:  err,
		}
	}
	if err != nil {
		return Image{}, fmt.Errorf("read the manifest of %s: %w", repository, err)
	}
	_, raw, err := m.Payload()
	if err != nil {
		return Image{}, fmt.Errorf("read the manifest of %s: %w", repository, err)
	}
	type blob struct {
		Digest string `json:"digest"`
	}
	var doc struct {
		Config blob   `json:"config"`
		Layers []blob `json:"layers"`
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		return Image{}, fmt.Errorf("read the manifest of %s: %w", repository, err)
	}
	img := Image{Config: doc.Config.Digest, Layers: make([]string, len(doc.Layers))}
	for i, l := range doc.Layers {
		img.Layers[i] = l.Digest
	}
	return img, nil
}

// Open reads a blob, compressed as it was pushed.
func (r *Registry) Open(ctx context.Context, repository, blob string) (io.ReadCloser, error) {
	repo, err := r.repository(ctx, repository)
	if err != nil {
		return nil, err
	}
	f, err := repo.Blobs(ctx).Open(ctx, digest.Digest(blob))
	if err != nil {
		return nil, fmt.Errorf("open blob %s of %s: %w", blob, repository, err)
	}
	return f, nil
}

// Untag takes a tag away; the next Collect frees what nothing else refers to. A missing tag is fine.
func (r *Registry) Untag(ctx context.Context, repository, tag string) error {
	repo, err := r.repository(ctx, repository)
	if err != nil {
		return err
	}
	err = repo.Tags(ctx).Untag(ctx, tag)
	var unknown distribution.ErrTagUnknown
	var missing driver.PathNotFoundError
	if err == nil || errors.As(err, &unknown) || errors.As(err, &missing) {
		return nil
	}
	return fmt.Errorf("remove the tag %s:%s: %w", repository, tag, err)
}

// RemoveRepository forgets every image of a repository; the next Collect frees their blobs. A missing one is fine.
func (r *Registry) RemoveRepository(ctx context.Context, repository string) error {
	if _, err := reference.WithName(repository); err != nil {
		return fmt.Errorf("repository %q: %w", repository, err)
	}
	err := storage.NewVacuum(ctx, r.driver).RemoveRepository(repository)
	var missing driver.PathNotFoundError
	if err == nil || errors.As(err, &missing) {
		return nil
	}
	return fmt.Errorf("remove the repository %s: %w", repository, err)
}

// Collect frees what no tag refers to. It does nothing and returns false while something is being pushed; what wants
// to push meanwhile waits. Reading goes on.
func (r *Registry) Collect(ctx context.Context) (bool, error) {
	if !r.writers.TryAcquire(maxWriters) {
		return false, nil
	}
	defer r.writers.Release(maxWriters)
	if _, err := os.Stat(filepath.Join(r.dir, "docker/registry/v2/repositories")); errors.Is(err, os.ErrNotExist) {
		return true, nil // nothing was ever pushed
	}
	_, purge := storage.PurgeUploads(ctx, r.driver, time.Now().Add(-staleUpload), true)
	if err := errors.Join(purge...); err != nil {
		r.log.Warn("could not remove abandoned uploads", "err", err)
	}
	if _, err := os.Stat(filepath.Join(r.dir, "docker/registry/v2/blobs")); errors.Is(err, os.ErrNotExist) {
		return true, nil
	}
	if err := storage.MarkAndSweep(ctx, r.driver, r.store, storage.GCOpts{
		RemoveUntagged: true,
		Quiet:          true,
	}); err != nil {
		return false, fmt.Errorf("collect the registry's garbage: %w", err)
	}
	return true, nil
}

func (r *Registry) repository(ctx context.Context, name string) (distribution.Repository, error) {
	named, err := reference.WithName(name)
	if err != nil {
		return nil, fmt.Errorf("repository %q: %w", name, err)
	}
	repo, err := r.store.Repository(ctx, named)
	if err != nil {
		return nil, fmt.Errorf("open the repository %s: %w", name, err)
	}
	return repo, nil
}
