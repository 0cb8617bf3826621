package builder

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/builder/contract"
	"github.com/cloudsania/cloudsania/paas"
)

// removals is an engine that notes what it is told to remove.
type removals struct {
	engine
	volumes, images []string
}

func (r *removals) RemoveVolume(_ context.Context, name string) error {
	r.volumes = append(r.volumes, name)
	return nil
}

func (r *removals) RemoveImage(_ context.Context, ref string) error {
	r.images = append(r.images, ref)
	return nil
}

const day = 24 * time.Hour

// tidying is a builder with a runtime, caches and sets of packages of every age, and the builds that are kept.
func tidying(t *testing.T, builds ...paas.Build) (*Builder, *removals) {
	t.Helper()
	b, r := withRegistry(t), &removals{}
	b.engine, b.making, b.garbage = r, make(chan struct{}, 1), make(chan struct{}, 1)
	var err error
	if b.runtimes, err = newRuntimes(t); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(b.data, "builder"), 0o700); err != nil {
		t.Fatal(err)
	}
	b.kept = func(context.Context) ([]paas.Build, error) { return builds, nil }
	return b, r
}

func TestTidyRuntimes(t *testing.T) {
	now := time.Now()
	b, _ := tidying(t, paas.Build{App: "app_a", Created: now.Add(-400 * day), Plan: paas.Plan{Runtimes: []paas.Runtime{{Name: "node", Version: "22.1.0"}}}})
	old := now.Add(-contract.RuntimeUnused - day)
	for _, version := range []string{"22.1.0", "24.1.0"} {
		dir := contract.RuntimeDir(b.runtimes.Dir(), "node", version)
		if err := errors.Join(os.Mkdir(dir, 0o755), os.Chtimes(dir, old, old)); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.tidy(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(contract.RuntimeDir(b.runtimes.Dir(), "node", "*")); len(left) != 1 || filepath.Base(left[0]) != "node-22.1.0" {
		t.Errorf("left %q, want the one that a kept build uses", left)
	}
}

func TestTidyCaches(t *testing.T) {
	now := time.Now()
	b, r := tidying(t,
		paas.Build{App: "app_idle", Created: now.Add(-contract.CacheUnused - day)},
		paas.Build{App: "app_busy", Created: now.Add(-contract.CacheUnused - day)}, paas.Build{App: "app_busy", Created: now.Add(-day)},
		paas.Build{App: "app_building", Created: now.Add(-contract.CacheUnused - day)})
	release, ok := b.apps.TryAcquire("app_building")
	if !ok {
		t.Fatal("the app is built already")
	}
	defer release()
	if err := b.tidy(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(r.volumes, " "); got != "cloudsania-app_idle-layers cloudsania-app_idle-cache" {
		t.Errorf("removed %s", got)
	}
}

func TestTidyPackages(t *testing.T) {
	now := time.Now()
	b, r := tidying(t, paas.Build{App: "app_a", Created: now.Add(-400 * day), Plan: paas.Plan{Packages: []string{"kept"}}})
	all := map[string]images{}
	for name, unused := range map[string]time.Duration{"": 0, "kept": 400 * day, "old": contract.PackagesUnused + day, "recent": day} {
		var set []string
		if name != "" {
			set = []string{name}
		}
		i, err := b.imagesFor(set)
		if err == nil {
			err = errors.Join(b.recordMade(i), b.useSet(i, now.Add(-unused)))
		}
		if err != nil {
			t.Fatal(err)
		}
		all[name] = i
	}
	for range 2 { // the second time there is nothing left to do
		if err := b.tidy(t.Context(), now); err != nil {
			t.Fatal(err)
		}
	}
	old := all["old"]
	want := []string{old.run, old.build, old.builder, b.runRef(old)}
	if slices.Sort(want); !slices.Equal(slices.Sorted(slices.Values(r.images)), want) {
		t.Errorf("removed %q, want %q", r.images, want)
	}
	m, err := b.readMade()
	if err != nil || len(m.Sets) != 3 || slices.Contains(m.RunTags, old.runTag) || slices.Contains(m.Images, old.run) {
		t.Errorf("made %+v (%v)", m, err)
	}
	if _, err := os.Stat(b.setMark(old)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the mark of its use stays: %v", err)
	}
}

// An installation that is older than the marks of use keeps its sets for their full time from now on.
func TestTidyPackagesWithoutMark(t *testing.T) {
	now := time.Now()
	b, r := tidying(t)
	i, err := b.imagesFor([]string{"hello"})
	if err == nil {
		err = b.recordMade(i)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, after := range []time.Duration{0, contract.PackagesUnused - day} {
		if err := b.tidy(t.Context(), now.Add(after)); err != nil || len(r.images) > 0 {
			t.Errorf("after %s: removed %q (%v)", after, r.images, err)
		}
	}
	if err := b.tidy(t.Context(), now.Add(contract.PackagesUnused+day)); err != nil || len(r.images) == 0 {
		t.Errorf("nothing was removed in the end (%v)", err)
	}
}

// Without knowing what is kept, nothing is removed.
func TestTidyNeedsTheBuilds(t *testing.T) {
	b, r := tidying(t)
	i, err := b.imagesFor([]string{"hello"})
	if err == nil {
		err = errors.Join(b.recordMade(i), b.useSet(i, time.Now().Add(-400*day)))
	}
	if err != nil {
		t.Fatal(err)
	}
	b.kept = func(context.Context) ([]paas.Build, error) { return nil, errors.New("the store is closed") }
	if err := b.tidy(t.Context(), time.Now()); err == nil || len(r.images) > 0 {
		t.Errorf("removed %q (%v)", r.images, err)
	}
	b.kept = nil
	if err := b.tidy(t.Context(), time.Now()); err != nil || len(r.images) > 0 {
		t.Errorf("removed %q (%v)", r.images, err)
	}
}
