package builder

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/cloudsania/cloudsania/builder/lifecycle"
	"github.com/cloudsania/cloudsania/paas"
)

const (
	assembleTimeout = time.Hour // the base and its packages over a slow line
	retryAfter      = 30 * time.Second
	retryAtMost     = 10 * time.Minute
)

// prepare makes the images, and tries again for as long as it cannot.
func (b *Builder) prepare(ctx context.Context) {
	for wait := retryAfter; ; wait = min(2*wait, retryAtMost) {
		start := time.Now()
		b.progress.set(Status{Message: "looking for the builder's images"})
		_, err := b.ensure(ctx, nil, func(step, sentence string, percent int) {
			b.progress.set(Status{Step: step, Message: sentence, Percent: percent})
		})
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			b.progress.set(Status{Ready: true, Message: "the builder is ready", Percent: 100})
			b.log.Info("the builder is ready", "dur", time.Since(start))
			b.removeOld(ctx)
			return
		}
		b.log.Error("the builder could not be made", "err", err, "retry", wait)
		b.progress.fail(err)
		select {
		case <-ctx.Done():
			return
		case <-b.wake:
		case <-time.After(wait):
		}
	}
}

// ensure returns the images for a set of packages and makes those that are missing, telling about it. It is quick
// when all are there.
func (b *Builder) ensure(ctx context.Context, set []string, tell teller) (images, error) {
	want, err := b.imagesFor(set)
	if err != nil {
		return images{}, err
	}
	if ok, err := b.complete(ctx, want); err != nil {
		return images{}, err
	} else if ok {
		return want, b.useSet(want, time.Now())
	}
	select {
	case b.making <- struct{}{}:
		defer func() { <-b.making }()
	case <-ctx.Done():
		return images{}, ctx.Err()
	}
	ctx, cancel := context.WithTimeout(ctx, assembleTimeout)
	defer cancel()
	if err := b.make(ctx, want, tell); err != nil {
		return images{}, err
	}
	return want, errors.Join(b.recordMade(want), b.useSet(want, time.Now()))
}

// complete reports whether nothing is missing. An administrator can prune images at any time, so it looks.
func (b *Builder) complete(ctx context.Context, want images) (bool, error) {
	for _, ref := range []string{want.builder, want.lifecycle} {
		if ok, err := b.engine.ImageExists(ctx, ref); !ok || err != nil {
			return false, err
		}
	}
	_, err := b.registry.Digest(ctx, runRepository, want.runTag)
	if paas.IsKind(err, paas.NotFound) {
		return false, nil
	}
	return err == nil, err
}

func (b *Builder) make(ctx context.Context, want images, tell teller) error {
	if err := lifecycle.Available(); err != nil {
		return err
	}
	if b.self.err != nil {
		return b.self.err
	}
	if err := b.makePair(ctx, want, tell); err != nil {
		return err
	}
	if err := b.publishRun(ctx, want, tell); err != nil {
		return err
	}
	tell("builder", "putting the builder together", 92)
	if err := b.makeLifecycle(ctx, want); err != nil {
		return err
	}
	return b.makeBuilder(ctx, want)
}

// publishRun puts the run image into the registry, where pack and the lifecycle read it.
func (b *Builder) publishRun(ctx context.Context, want images, tell teller) error {
	if _, err := b.registry.Digest(ctx, runRepository, want.runTag); !paas.IsKind(err, paas.NotFound) {
		return err
	}
	m := &lineMeter{tell: tell, step: "publish", sentence: "storing the run image", from: 80, to: 92, expect: 12}
	tell(m.step, m.sentence, m.from)
	ref := b.runRef(want)
	if err := b.engine.TagImage(ctx, want.run, ref); err != nil {
		return err
	}
	return b.registry.Push(ctx, func(auth paas.RegistryAuth) error { return b.engine.PushImage(ctx, ref, auth, m) })
}

func (b *Builder) makeLifecycle(ctx context.Context, want images) error {
	ok, err := b.engine.ImageExists(ctx, want.lifecycle)
	if ok || err != nil {
		return err
	}
	r, w := io.Pipe()
	go func() { _ = w.CloseWithError(lifecycle.WriteImage(w, buildUser)) }() // ends when the import does: it closes r
	defer func() { _ = r.Close() }()
	cfg := paas.ImageConfig{Env: []string{"PATH=" + searchPath}, Dir: "/layers",
		Labels: map[string]string{lifecycle.LabelVersion: lifecycle.Version, lifecycle.LabelAPIs: lifecycle.APIs()}}
	return b.engine.ImportImage(ctx, want.lifecycle, r, cfg)
}
