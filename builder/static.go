package builder

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cloudsania/cloudsania/builder/contract"
	"github.com/cloudsania/cloudsania/builder/registry"
	"github.com/cloudsania/cloudsania/paas"
)

// copyPlain takes the files of a plain site as they are; no container runs.
func (b *Builder) copyPlain(ctx context.Context, r Request) (Result, error) {
	from, err := os.OpenRoot(r.Dir)
	if err != nil {
		return Result{}, fmt.Errorf("open the source: %w", err)
	}
	defer func() { _ = from.Close() }()
	dir := path.Clean(filepath.ToSlash(r.Plan.Static.Dir))
	tree, err := b.newSite(r.Build, func(s *site) error { return s.copyFrom(ctx, from.FS(), dir) })
	if err != nil {
		return Result{}, err
	}
	return Result{StaticDir: b.siteDir(r.Build), Tree: tree, Plan: r.Plan}, nil
}

// lastStatic is the tag of the image that an app's last static build came from: it is kept for the layers that the
// next one uses again.
const lastStatic = "static"

// takeStatic takes the directory that a build made out of its image.
func (b *Builder) takeStatic(ctx context.Context, r Request, plan paas.Plan, digest string) (Result, error) {
	repository := registry.Repository(r.App)
	prefix := path.Join(contract.Workspace, path.Clean("/"+plan.Static.Dir))
	tree, err := b.newSite(r.Build, func(s *site) error { return b.unpackImage(ctx, s, repository, digest, prefix) })
	if err != nil {
		return Result{}, err
	}
	if err := b.registry.Tag(ctx, repository, lastStatic, digest); err != nil {
		return Result{}, err
	}
	if err := b.registry.Untag(ctx, repository, r.Build); err != nil {
		return Result{}, err
	}
	return Result{StaticDir: b.siteDir(r.Build), Tree: tree, Plan: plan}, nil
}

func (b *Builder) siteDir(build string) string { return filepath.Join(b.data, "static", build) }

// newSite fills a new directory and gives it its name when it is complete.
func (b *Builder) newSite(build string, fill func(*site) error) (tree string, err error) {
	tmp := b.siteDir(build) + ".new"
	if err := os.RemoveAll(tmp); err != nil {
		return "", fmt.Errorf("make room for the site: %w", err)
	}
	if err := os.Mkdir(tmp, 0o755); err != nil {
		return "", fmt.Errorf("make room for the site: %w", err)
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	root, err := os.OpenRoot(tmp)
	if err != nil {
		return "", fmt.Errorf("open the site: %w", err)
	}
	defer func() { _ = root.Close() }()
	s := &site{root: root, files: map[string]siteFile{}}
	if err := fill(s); err != nil {
		return "", err
	}
	if len(s.files) == 0 {
		return "", &paas.Error{
			Kind: paas.Failed,
			Msg:  "the site has no files",
			Hint: "does the build write into the directory that is served?",
		}
	}
	if err := os.RemoveAll(b.siteDir(build)); err != nil {
		return "", fmt.Errorf("replace the site: %w", err)
	}
	if err := os.Rename(tmp, b.siteDir(build)); err != nil {
		return "", fmt.Errorf("keep the site: %w", err)
	}
	return s.tree(), nil
}

// unpackImage reads the layers of the image that the lifecycle made of the workspace, which have no file in common.
func (b *Builder) unpackImage(ctx context.Context, s *site, repository, digest, prefix string) error {
	layers, err := b.workspaceLayers(ctx, repository, digest)
	if err != nil {
		return err
	}
	for _, layer := range layers {
		if err := b.unpackLayer(ctx, s, repository, layer, prefix); err != nil {
			return fmt.Errorf("read the image's files: %w", err)
		}
	}
	return nil
}

const maxImageConfig = 4 << 20

// workspaceLayers finds them by the label in which the lifecycle notes what each layer is.
func (b *Builder) workspaceLayers(ctx context.Context, repository, digest string) ([]string, error) {
	img, err := b.registry.Image(ctx, repository, digest)
	if err != nil {
		return nil, err
	}
	f, err := b.registry.Open(ctx, repository, img.Config)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	var config struct {
		RootFS struct {
			DiffIDs []string `json:"diff_ids"`
		} `json:"rootfs"`
		Config struct {
			Labels map[string]string `json:"Labels"`
		} `json:"config"`
	}
	if err := json.NewDecoder(io.LimitReader(f, maxImageConfig)).Decode(&config); err != nil {
		return nil, fmt.Errorf("read the image's configuration: %w", err)
	}
	var noted struct {
		App []struct {
			SHA string `json:"sha"`
		} `json:"app"`
	}
	if err := json.Unmarshal([]byte(config.Config.Labels["io.buildpacks.lifecycle.metadata"]), &noted); err != nil {
		return nil, fmt.Errorf("read the lifecycle's notes: %w", err)
	}
	var layers []string
	for _, a := range noted.App {
		i := slices.Index(config.RootFS.DiffIDs, a.SHA)
		if i < 0 || i >= len(img.Layers) {
			return nil, fmt.Errorf("the image lacks the layer %s that the lifecycle noted", a.SHA)
		}
		layers = append(layers, img.Layers[i])
	}
	return layers, nil
}

func (b *Builder) unpackLayer(ctx context.Context, s *site, repository, layer, prefix string) error {
	blob, err := b.registry.Open(ctx, repository, layer)
	if err != nil {
		return err
	}
	defer func() { _ = blob.Close() }()
	zr, err := gzip.NewReader(blob)
	if err != nil {
		return err
	}
	for tr := tar.NewReader(zr); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		name, ok := within(path.Clean(strings.TrimPrefix(h.Name, "/")), prefix)
		if !ok || h.Typeflag != tar.TypeReg || hidden(name) {
			continue
		}
		if err := s.add(name, tr); err != nil {
			return err
		}
	}
}

func within(name, prefix string) (string, bool) {
	rest, ok := strings.CutPrefix(name, prefix+"/")
	return rest, ok && rest != ""
}
