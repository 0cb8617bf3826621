package builder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/buildpacks/pack/pkg/cache"
	"github.com/buildpacks/pack/pkg/client"
	"github.com/buildpacks/pack/pkg/image"
	"github.com/buildpacks/pack/pkg/project/types"

	"github.com/cloudsania/cloudsania/builder/registry"
	"github.com/cloudsania/cloudsania/paas"
)

const (
	buildTimeout = 30 * time.Minute
	buildPIDs    = 4096
	buildShares  = 128 // an app has 1024
)

// Request is one build. Dir is the whole source; its files' times are set to now. Out gets clean lines and is written
// to by one goroutine at a time.
type Request struct {
	App, Build string // ids
	Dir        string
	Plan       paas.Plan
	Env        map[string]paas.Secret // reaches the build, not the image
	Previous   string                 // Build.Image of the app's last build, whose layers are used again; "" for none
	Out        io.Writer
}

// Result is what a build made: an image, or a tree of static files.
type Result struct {
	Image     string    // "apps/<app>@sha256:…"; "" for a static build
	StaticDir string    // <data>/static/<build>; "" for an image
	Tree      string    // "sha256:…" over the static files
	Plan      paas.Plan // with exact versions of the runtimes, and what the build warned of
}

// Build builds one source. It waits until the builder is ready and a place is free, telling so in Out, and gives up
// after 30 minutes of work. Errors that the source caused are *paas.Error of kind Failed. Two builds of one app wait
// for each other.
func (b *Builder) Build(ctx context.Context, r Request) (Result, error) {
	if !paas.IsID("app", r.App) || !paas.IsID("bld", r.Build) {
		return Result{}, fmt.Errorf("build %q of app %q: not ids", r.Build, r.App)
	}
	start := time.Now()
	var res Result
	var err error
	if s := r.Plan.Static; s != nil && !s.Built {
		res, err = b.copyPlain(ctx, r)
	} else {
		res, err = b.buildImage(ctx, r)
	}
	if err != nil {
		return Result{}, explain(ctx, err)
	}
	b.log.Info("built", "app", r.App, "build", r.Build, "language", r.Plan.Language, "dur", time.Since(start))
	return res, nil
}

func (b *Builder) buildImage(ctx context.Context, r Request) (Result, error) {
	if err := b.waitReady(ctx, r.Out); err != nil {
		return Result{}, err
	}
	release, err := b.takePlace(ctx, r)
	if err != nil {
		return Result{}, err
	}
	defer release()
	ctx, cancel := context.WithTimeoutCause(ctx, buildTimeout, errTooLong)
	defer cancel()
	ctx, stop := watchDisk(ctx, b.data, minFreeBytes)
	defer stop()
	plan := r.Plan
	if plan.Runtimes, err = b.runtimes.Ensure(ctx, plan.Runtimes, r.Out); err != nil {
		return Result{}, withCause(ctx, err)
	}
	with, err := b.ensure(ctx, plan.Packages, sayOnce(r.Out))
	if err != nil {
		return Result{}, withCause(ctx, err)
	}
	dir := filepath.Join(b.data, "builds", r.Build)
	defer func() { _ = os.RemoveAll(dir) }()
	warnings, err := b.packBuild(ctx, r, plan, with, dir)
	if err != nil {
		return Result{}, withCause(ctx, err)
	}
	plan.Warnings = append(slices.Clone(plan.Warnings), warnings...)
	digest, err := b.registry.Digest(ctx, registry.Repository(r.App), r.Build)
	if err != nil {
		return Result{}, err
	}
	res := Result{Image: registry.Repository(r.App) + "@" + digest, Plan: plan}
	if plan.Static == nil {
		return res, nil
	}
	return b.takeStatic(ctx, r, plan, digest)
}

// packBuild runs the five phases and publishes the image under the build's id. It returns what the buildpack warned of.
func (b *Builder) packBuild(ctx context.Context, r Request, plan paas.Plan, with images, dir string) (warnings []string, err error) {
	if err := touch(r.Dir); err != nil {
		return nil, fmt.Errorf("set the files' times: %w", err)
	}
	layers, files := volumes(r.App)
	for _, v := range []string{layers, files} {
		if err := b.engine.EnsureVolume(ctx, v); err != nil {
			return nil, err
		}
	}
	mounts, err := b.prepareMounts(dir, r, plan, files)
	if err != nil {
		return nil, err
	}
	auth, revoke, err := b.registry.Grant(ctx, r.App)
	if err != nil {
		return nil, err
	}
	defer revoke()
	memory := b.buildMemoryMB()
	docker := b.client(Policy{
		Build:        r.Build,
		App:          r.App,
		MemoryMB:     memory,
		PIDs:         buildPIDs,
		CPUShares:    buildShares,
		CgroupParent: b.cgroup,
	})
	log := newBuildLog(r.Out)
	c, err := b.packClient(docker, log, auth)
	if err != nil {
		return nil, err
	}
	host := b.registry.Host()
	err = c.Build(ctx, client.BuildOptions{
		Image:              host + "/" + registry.Repository(r.App) + ":" + r.Build,
		PreviousImage:      b.previous(ctx, r),
		Builder:            with.builder,
		LifecycleImage:     with.lifecycle,
		TrustBuilder:       func(string) bool { return false }, // five phases: the user's code is never where credentials are
		AppPath:            r.Dir,
		Publish:            true,
		InsecureRegistries: []string{host},
		PullPolicy:         image.PullNever,
		UserID:             -1, // the zero value would be root
		GroupID:            -1,
		Cache: cache.CacheOpts{ // without a name pack would take one from the image's, which is another for every build
			Build:  cache.CacheInfo{Format: cache.CacheVolume, Source: layers},
			Launch: cache.CacheInfo{Format: cache.CacheVolume, Source: layers + "-launch"},
			Kaniko: cache.CacheInfo{Format: cache.CacheVolume, Source: layers + "-kaniko"},
		},
		ContainerConfig:   client.ContainerConfig{Network: "bridge", Volumes: mounts}, // without a network pack makes one and can leak it
		ProjectDescriptor: types.Descriptor{Build: types.Build{Exclude: excluded(plan)}},
	})
	if err == nil {
		return log.warned(), nil
	}
	if phase, oom := docker.OOM(); oom {
		return nil, outOfMemory(phase, memory, err)
	}
	if why := log.explanation(); why != nil && ctx.Err() == nil {
		why.Err = err
		return nil, why
	}
	return nil, &phaseError{err: err, said: log.text()}
}

// previous is the app's last image, when the registry still has it.
func (b *Builder) previous(ctx context.Context, r Request) string {
	repository := registry.Repository(r.App)
	of, digest, ok := strings.Cut(r.Previous, "@")
	if !ok || of != repository {
		var err error
		if digest, err = b.registry.Digest(ctx, repository, lastStatic); err != nil {
			return ""
		}
	}
	if _, err := b.registry.Image(ctx, repository, digest); err != nil {
		b.log.Info("the last image is gone, so nothing of it is used again", "app", r.App, "err", err)
		return ""
	}
	return b.registry.Host() + "/" + repository + "@" + digest
}

// volumes are an app's caches: one is the lifecycle's, the other the package managers'.
func volumes(app string) (layers, files string) {
	return "cloudsania-" + app + "-layers", "cloudsania-" + app + "-cache"
}

// waitReady tells how far the builder is until it is ready. A last failure is tried again at once, and returned when
// it stays.
func (b *Builder) waitReady(ctx context.Context, out io.Writer) error {
	said := ""
	first := b.Status()
	if first.Err != nil {
		select {
		case b.wake <- struct{}{}:
		default:
		}
	}
	for {
		changed := b.Changed()
		s := b.Status()
		switch {
		case s.Ready:
			return nil
		case s.Err != nil && s.failures != first.failures:
			return s.Err
		case s.Err == nil && s.Message != said:
			said = s.Message
			_, _ = fmt.Fprintf(out, "the builder is being made, once: %s (%d %%)\n", s.Message, s.Percent)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// takePlace waits for the app's last build, whose caches serve one at a time, then for a place among all builds.
func (b *Builder) takePlace(ctx context.Context, r Request) (release func(), err error) {
	const waiting = "waiting for another build to end"
	releaseApp, ok := b.apps.TryAcquire(r.App)
	if !ok {
		_, _ = fmt.Fprintln(r.Out, waiting)
		if releaseApp, err = b.apps.Acquire(ctx, r.App); err != nil {
			return nil, err
		}
	}
	select {
	case b.slots <- struct{}{}:
	default:
		_, _ = fmt.Fprintln(r.Out, waiting)
		select {
		case b.slots <- struct{}{}:
		case <-ctx.Done():
			releaseApp()
			return nil, ctx.Err()
		}
	}
	return func() { <-b.slots; releaseApp() }, nil
}

// sayOnce tells each new sentence in a line.
func sayOnce(out io.Writer) teller {
	last := ""
	return func(_, sentence string, _ int) {
		if sentence != last {
			last = sentence
			_, _ = fmt.Fprintln(out, sentence)
		}
	}
}

var errTooLong = errors.New("the build's time is over")

// withCause puts why ctx ended before the error that this led to.
func withCause(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); errors.Is(cause, errTooLong) || errors.Is(cause, errDiskFull) {
		return fmt.Errorf("%w: %w", cause, err)
	}
	return err
}
