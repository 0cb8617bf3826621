package builder

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/cloudsania/cloudsania/builder/registry"
	"github.com/cloudsania/cloudsania/paas"
)

const (
	collectEvery = 24 * time.Hour
	collectSoon  = 30 * time.Second // after something was removed; more removals may follow
	collectRetry = time.Minute      // while something is being pushed
)

// Ref is what the engine pulls a build's image by, with credentials that end with this process.
func (b *Builder) Ref(image string) (ref string, auth paas.RegistryAuth) {
	return b.registry.Host() + "/" + image, b.registry.Pull()
}

// RemoveBuild removes what a build left: its name in the registry, the pulled image, the static files. What other
// builds share stays. Missing things are fine.
func (b *Builder) RemoveBuild(ctx context.Context, build paas.Build) error {
	if !paas.IsID("bld", build.ID) || !paas.IsID("app", build.App) {
		return fmt.Errorf("remove build %q of app %q: not ids", build.ID, build.App)
	}
	errs := []error{os.RemoveAll(b.siteDir(build.ID)), b.registry.Untag(ctx, registry.Repository(build.App), build.ID)}
	if build.Image != "" {
		ref, _ := b.Ref(build.Image)
		if err := b.engine.RemoveImage(ctx, ref); err != nil && !paas.IsKind(err, paas.Conflict) { // a container of another release has it
			errs = append(errs, err)
		}
	}
	b.askForCollection()
	return errors.Join(errs...)
}

// Forget removes an app's caches and its repository. Static files and pulled images go with RemoveBuild.
func (b *Builder) Forget(ctx context.Context, app string) error {
	if !paas.IsID("app", app) {
		return fmt.Errorf("forget app %q: not an id", app)
	}
	layers, files := volumes(app)
	err := errors.Join(
		b.engine.RemoveVolume(ctx, layers),
		b.engine.RemoveVolume(ctx, files),
		b.registry.RemoveRepository(ctx, registry.Repository(app)),
	)
	b.askForCollection()
	return err
}

func (b *Builder) askForCollection() {
	select {
	case b.garbage <- struct{}{}:
	default:
	}
}

// collect frees the registry's space once a day and soon after a removal.
func (b *Builder) collect(ctx context.Context) {
	next := time.NewTimer(collectEvery)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.garbage:
			next.Reset(collectSoon)
			continue
		case <-next.C:
		}
		start := time.Now()
		done, err := b.registry.Collect(ctx)
		switch {
		case err != nil:
			b.log.Warn("the registry's garbage stays", "err", err)
			next.Reset(collectEvery)
		case !done:
			next.Reset(collectRetry)
		default:
			b.log.Debug("collected the registry's garbage", "dur", time.Since(start))
			next.Reset(collectEvery)
		}
	}
}
