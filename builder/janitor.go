package builder

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/cloudsania/cloudsania/builder/contract"
	"github.com/cloudsania/cloudsania/builder/runtimes"
	"github.com/cloudsania/cloudsania/paas"
)

// The janitor is rare: what it removes took weeks to become useless.
const (
	firstTidy = time.Hour // after the start, when apps are up again
	tidyEvery = 24 * time.Hour
)

// tidyUp removes what builds left and can make anew, by contract's retention, until ctx ends.
func (b *Builder) tidyUp(ctx context.Context) {
	next := time.NewTimer(firstTidy)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
		}
		if err := b.tidy(ctx, time.Now()); err != nil && ctx.Err() == nil {
			b.log.Warn("some of what builds no longer need stays", "err", err)
		}
		next.Reset(tidyEvery)
	}
}

func (b *Builder) tidy(ctx context.Context, now time.Time) error {
	if b.kept == nil {
		return nil
	}
	builds, err := b.kept(ctx)
	if err != nil {
		return fmt.Errorf("list the builds that are kept: %w", err)
	}
	return errors.Join(b.tidyRuntimes(ctx, builds, now), b.tidyCaches(ctx, builds, now), b.tidyPackages(ctx, builds, now))
}

func (b *Builder) tidyRuntimes(ctx context.Context, builds []paas.Build, now time.Time) error {
	used := map[string]bool{}
	for _, build := range builds {
		for _, r := range build.Plan.Runtimes {
			used[contract.RuntimeDir("", r.Name, r.Version)] = true
		}
	}
	_, err := b.runtimes.Prune(ctx, runtimes.Retention{
		Keep:   func(name, version string) bool { return used[contract.RuntimeDir("", name, version)] },
		Unused: now.Add(-contract.RuntimeUnused),
		Bytes:  contract.RuntimeBytes,
		Recent: now.Add(-contract.RecentUse),
	})
	return err
}

// tidyCaches removes the caches of apps that were not built for long: their next build starts from nothing. The
// images of what is live do not depend on them.
func (b *Builder) tidyCaches(ctx context.Context, builds []paas.Build, now time.Time) error {
	last := map[string]time.Time{}
	for _, build := range builds {
		if build.Created.After(last[build.App]) {
			last[build.App] = build.Created
		}
	}
	var errs []error
	for app, built := range last {
		if built.After(now.Add(-contract.CacheUnused)) {
			continue
		}
		if err := b.removeCaches(ctx, app); err != nil {
			errs = append(errs, fmt.Errorf("remove the caches of %s: %w", app, err))
		}
	}
	return errors.Join(errs...)
}

// removeCaches does nothing while the app is built.
func (b *Builder) removeCaches(ctx context.Context, app string) error {
	release, ok := b.apps.TryAcquire(app)
	if !ok {
		return nil
	}
	defer release()
	layers, files := volumes(app)
	return errors.Join(b.engine.RemoveVolume(ctx, layers), b.engine.RemoveVolume(ctx, files))
}

// tidyPackages removes the images of sets of system packages that no kept build has and no build used for long.
func (b *Builder) tidyPackages(ctx context.Context, builds []paas.Build, now time.Time) error {
	used := map[string]bool{}
	for _, build := range builds {
		if i, err := b.imagesFor(build.Plan.Packages); err == nil { // else a rule has become stricter, and no set is that one
			used[i.runTag] = true
		}
	}
	dropped, err := b.dropSets(ctx, func(i images) (bool, error) {
		if len(i.set) == 0 || used[i.runTag] {
			return true, nil
		}
		at, err := b.setUsed(i, now)
		return at.After(now.Add(-contract.PackagesUnused)), err
	})
	if dropped {
		b.removeOld(ctx)
	}
	return err
}

// dropSets forgets sets of packages, so that their images are old ones.
func (b *Builder) dropSets(ctx context.Context, keep func(images) (bool, error)) (dropped bool, err error) {
	select {
	case b.making <- struct{}{}:
		defer func() { <-b.making }()
	case <-ctx.Done():
		return false, ctx.Err()
	}
	m, err := b.readMade()
	if err != nil {
		return false, err
	}
	sets := len(m.Sets)
	var errs []error
	m.Sets = slices.DeleteFunc(m.Sets, func(set []string) bool {
		i, err := b.imagesFor(set)
		if err != nil {
			return true // a rule has become stricter: no build can ask for it
		}
		kept, err := keep(i)
		errs = append(errs, err)
		if !kept && err == nil {
			errs = append(errs, os.RemoveAll(b.setMark(i)))
			return true
		}
		return false
	})
	if len(m.Sets) == sets {
		return false, errors.Join(errs...)
	}
	return true, errors.Join(append(errs, b.writeMade(m))...)
}

// setMark is the file whose time is that of a set's last use.
func (b *Builder) setMark(i images) string { return filepath.Join(b.data, "builder", "sets", i.runTag) }

// useSet notes that a build uses the set of packages now.
func (b *Builder) useSet(i images, now time.Time) error {
	if len(i.set) == 0 {
		return nil
	}
	mark := b.setMark(i)
	err := os.MkdirAll(filepath.Dir(mark), 0o700)
	if err == nil {
		err = os.WriteFile(mark, nil, 0o600)
	}
	if err == nil {
		err = os.Chtimes(mark, now, now)
	}
	if err != nil {
		return fmt.Errorf("note the use of system packages: %w", err)
	}
	return nil
}

// setUsed is when a build last used the set. Of one that was made before uses were noted, that is now.
func (b *Builder) setUsed(i images, now time.Time) (time.Time, error) {
	info, err := os.Stat(b.setMark(i))
	if errors.Is(err, os.ErrNotExist) {
		return now, b.useSet(i, now)
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("look for the use of system packages: %w", err)
	}
	return info.ModTime(), nil
}
