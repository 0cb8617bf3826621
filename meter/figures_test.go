package meter

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

// next is what the feed has now.
func next(t *testing.T, f *Figures) []paas.Target {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	got, err := f.Wait(ctx)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	return got
}

func TestFiguresTellOnlyWhatReadsDifferently(t *testing.T) {
	w := newWorld(t)
	w.clock.add(time.Minute)
	first := w.sample(shop, "ins_1", 0)
	first.Requests, first.MemoryBytes = 0, 214<<20
	must(t, w.Add([]paas.Usage{first}))
	f, g := w.Figures(), w.Figures()
	add := func(target paas.Target, memory, cpu, requests int64) []paas.Target {
		t.Helper()
		w.clock.add(time.Minute)
		u := paas.Usage{Instance: "ins_1", App: target.App, Environment: target.Environment, Time: w.clock.now(),
			MemoryBytes: memory, CPUMillis: cpu, Requests: requests}
		must(t, w.Add([]paas.Usage{u}))
		return next(t, f)
	}
	onlyShop := []paas.Target{shop}
	for _, step := range []struct {
		name                  string
		memory, cpu, requests int64
		want                  []paas.Target
	}{
		{"nothing", 214 << 20, 0, 0, nil},
		{"a little memory", 214<<20 + 400<<10, 20, 0, nil},
		{"a megabyte", 215 << 20, 20, 0, onlyShop},
		{"one request", 215 << 20, 20, 1, onlyShop},
		{"the same", 215 << 20, 20, 0, nil},
		{"processor time", 215 << 20, 600, 0, onlyShop},
	} {
		if got := add(shop, step.memory, step.cpu, step.requests); !slices.Equal(got, step.want) {
			t.Errorf("%s: %v", step.name, got)
		}
	}
	if got := next(t, g); !slices.Equal(got, onlyShop) {
		t.Errorf("the slow watcher: %v", got)
	}
	if got := add(blog, 1, 0, 0); !slices.Equal(got, []paas.Target{blog}) {
		t.Errorf("of the first sample: %v", got)
	}
	must(t, w.Add([]paas.Usage{w.sample(shop, "ins_2", 1)}))
	if got := next(t, f); len(got) != 0 {
		t.Errorf("twice in a minute: %v", got)
	}
	w.clock.add(2 * time.Hour)
	must(t, w.Add(nil))
	if got := next(t, f); len(got) != 2 {
		t.Errorf("of what is gone: %v", got)
	}
	f.Close()
	if got := add(shop, 1, 1, 1); len(got) != 0 {
		t.Errorf("after Close: %v", got)
	}
	if got := next(t, g); len(got) != 2 {
		t.Errorf("of the other watcher: %v", got)
	}
}
