package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/api/pkg/authconfig"
	"github.com/moby/moby/api/types/jsonstream"
	"github.com/moby/moby/api/types/registry"
	"github.com/moby/moby/client"

	"github.com/cloudsania/cloudsania/paas"
)

// ImageExists reports whether the engine has the image; ref is a name, a name with a digest, or an id.
func (e *Engine) ImageExists(ctx context.Context, ref string) (bool, error) {
	_, err := e.image(ctx, ref)
	if paas.IsKind(err, paas.NotFound) {
		return false, nil
	}
	return err == nil, err
}

// ImageLabels returns a local image's labels, never nil. A missing image is NotFound.
func (e *Engine) ImageLabels(ctx context.Context, ref string) (map[string]string, error) {
	img, err := e.image(ctx, ref)
	if err != nil {
		return nil, err
	}
	labels := map[string]string{}
	if img.Config != nil {
		maps.Copy(labels, img.Config.Labels)
	}
	return labels, nil
}

// ImportImage makes a one-layer image of a root file system, uncompressed or gzip, and tags it ref in place of an older
// one. cfg.Env must name PATH: the lifecycle appends to it, and an app whose image has none cannot start.
func (e *Engine) ImportImage(ctx context.Context, ref string, tar io.Reader, cfg paas.ImageConfig) error {
	changes, err := e.changes(cfg)
	if err != nil {
		return fmt.Errorf("import image %q: %w", ref, err)
	}
	name, tag := splitTag(ref)
	return e.replace(ctx, ref, func() error {
		r, err := e.client.ImageImport(ctx, client.ImageImportSource{Source: tar, SourceName: "-"}, name, client.ImageImportOptions{Tag: tag, Changes: changes})
		if err != nil {
			return fail(ctx, err, "import image %q", ref)
		}
		defer r.Close()
		return fail(ctx, progress(r, io.Discard), "import image %q", ref)
	})
}

// TagImage gives the image from a further name.
func (e *Engine) TagImage(ctx context.Context, from, ref string) error {
	short, cancel := call(ctx)
	defer cancel()
	_, err := e.client.ImageTag(short, client.ImageTagOptions{Source: from, Target: ref})
	return fail(ctx, err, "tag image %q", from)
}

// PushImage uploads ref to the registry that its name begins with, telling out which layers are done.
func (e *Engine) PushImage(ctx context.Context, ref string, auth paas.RegistryAuth, out io.Writer) error {
	secret, err := encodeAuth(auth)
	if err != nil {
		return err
	}
	r, err := e.client.ImagePush(ctx, ref, client.ImagePushOptions{RegistryAuth: secret})
	if err != nil {
		return fail(ctx, err, "push image %q", ref)
	}
	defer r.Close()
	return fail(ctx, progress(r, out), "push image %q", ref)
}

// PullImage downloads ref, best named by digest.
func (e *Engine) PullImage(ctx context.Context, ref string, auth paas.RegistryAuth) error {
	secret, err := encodeAuth(auth)
	if err != nil {
		return err
	}
	r, err := e.client.ImagePull(ctx, ref, client.ImagePullOptions{RegistryAuth: secret})
	if err != nil {
		return fail(ctx, err, "pull image %q", ref)
	}
	defer r.Close()
	return fail(ctx, progress(r, io.Discard), "pull image %q", ref)
}

// RemoveImage takes the name away, and the image with its last name. A missing one is fine; one that a container uses
// is a Conflict.
func (e *Engine) RemoveImage(ctx context.Context, ref string) error {
	short, cancel := call(ctx)
	defer cancel()
	_, err := e.client.ImageRemove(short, ref, client.ImageRemoveOptions{PruneChildren: true}) // its own untagged parents, as docker rmi does
	if cerrdefs.IsNotFound(err) {
		return nil
	}
	return fail(ctx, err, "remove image %q", ref)
}

func (e *Engine) image(ctx context.Context, ref string) (client.ImageInspectResult, error) {
	short, cancel := call(ctx)
	defer cancel()
	r, err := e.client.ImageInspect(short, ref)
	return r, fail(ctx, err, "look at image %q", ref)
}

// replace runs fill, which gives ref to a new image, and then removes the image that had the name, if nothing else
// needs it.
func (e *Engine) replace(ctx context.Context, ref string, fill func() error) error {
	old, err := e.image(ctx, ref)
	if err != nil && !paas.IsKind(err, paas.NotFound) {
		return err
	}
	if err := fill(); err != nil || old.ID == "" {
		return err
	}
	left, err := e.image(ctx, old.ID)
	if err != nil || len(left.RepoTags) > 0 || len(left.RepoDigests) > 0 {
		return nil // gone already, or still named: by its own new name when nothing changed
	}
	if err := e.RemoveImage(ctx, old.ID); err != nil {
		e.log.Debug("old image stays", "image", ref, "err", err)
	}
	return nil
}

var (
	validUser = regexp.MustCompile(`^[0-9]{1,10}(:[0-9]{1,10})?$`)
	pathEnv   = func(kv string) bool { return strings.HasPrefix(kv, "PATH=") && len(kv) > len("PATH=") }
)

// changes writes cfg as Dockerfile instructions, the only form in which an import takes it.
func (e *Engine) changes(cfg paas.ImageConfig) ([]string, error) {
	if !slices.ContainsFunc(cfg.Env, pathEnv) {
		return nil, errors.New("the environment has no PATH")
	}
	var lines []string
	for _, kv := range cfg.Env {
		name, value, ok := strings.Cut(kv, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("%q is not NAME=value", kv)
		}
		lines = append(lines, "ENV "+name+"="+quote(value))
	}
	labels := maps.Clone(cfg.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	labels[labelInstallation], labels[labelKind] = e.installation, string(kindKept)
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		lines = append(lines, "LABEL "+quote(k)+"="+quote(labels[k]))
	}
	if cfg.User != "" {
		if !validUser.MatchString(cfg.User) {
			return nil, fmt.Errorf("the user %q is not uid:gid", cfg.User)
		}
		lines = append(lines, "USER "+cfg.User)
	}
	if cfg.Dir != "" {
		if !path.IsAbs(cfg.Dir) {
			return nil, fmt.Errorf("the directory %q is not absolute", cfg.Dir)
		}
		lines = append(lines, "WORKDIR "+cfg.Dir)
	}
	for _, l := range lines {
		if strings.ContainsAny(l, "\n\r\x00") {
			return nil, errors.New("a line break in the image's configuration")
		}
	}
	return lines, nil
}

// quote writes s as a double-quoted Dockerfile word in which nothing is expanded.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`).Replace(s) + `"`
}

// splitTag takes the tag off ref; "latest" when there is none. The colon of a registry's port is not a tag's.
func splitTag(ref string) (name, tag string) {
	i := strings.LastIndexByte(ref, ':')
	if i < 0 || strings.Contains(ref[i:], "/") {
		return ref, "latest"
	}
	return ref[:i], ref[i+1:]
}

func encodeAuth(auth paas.RegistryAuth) (string, error) {
	if auth.User == "" {
		return "", nil
	}
	s, err := authconfig.Encode(registry.AuthConfig{Username: auth.User, Password: auth.Password.Reveal()})
	if err != nil {
		return "", errors.New("encode registry credentials") // the cause could quote them
	}
	return s, nil
}

// progress reads the engine's report to its end, passes the lines that are not mere progress bars on to out, and
// returns the failure that is hidden in it: the HTTP status was sent before the work began.
func progress(r io.Reader, out io.Writer) error {
	for d := json.NewDecoder(r); ; {
		var m jsonstream.Message
		if err := d.Decode(&m); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if m.Error != nil {
			return m.Error
		}
		if m.Status == "" || m.Progress != nil && m.Progress.Current != 0 {
			continue
		}
		line := m.Status
		if m.ID != "" {
			line = m.ID + ": " + m.Status
		}
		if _, err := fmt.Fprintln(out, line); err != nil {
			return err
		}
	}
}
