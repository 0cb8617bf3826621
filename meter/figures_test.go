package meter

import (
	"context"
	"errors"
	"fmt"
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
	must(t, w.Add([]paas.Usage{w.sample(shop, "ins_1", 1)}))
	asked := 0
	f := w.Figures(func(target paas.Target) string {
		asked++
		return fmt.Sprintf("%d thousand", w.Load(target, paas.Allowance{}).Requests/1000)
	})
	add := func(target paas.Target, requests int64) []paas.Target {
		w.clock.add(time.Minute)
		u := w.sample(target, "ins_1", 1)
		u.Requests = requests
		must(t, w.Add([]paas.Usage{u}))
		return next(t, f)
	}
	if got := next(t, f); len(got) != 0 {
		t.Errorf("at first: %v", got)
	}
	if got := add(shop, 10); len(got) != 0 {
		t.Errorf("of ten requests: %v", got)
	}
	if got := add(shop, 1000); !slices.Equal(got, []paas.Target{shop}) {
		t.Errorf("of a thousand: %v", got)
	}
	if got := add(blog, 1); !slices.Equal(got, []paas.Target{blog}) {
		t.Errorf("of the first sample: %v", got)
	}
	must(t, w.Add([]paas.Usage{w.sample(shop, "ins_2", 1), {Instance: "ins_9", App: "app_new", Requests: 1}}))
	if got := next(t, f); len(got) != 0 {
		t.Errorf("twice in a minute: %v", got)
	}
	w.clock.add(2 * time.Hour)
	must(t, w.Add(nil))
	if got := next(t, f); !slices.Equal(got, []paas.Target{shop, blog}) && !slices.Equal(got, []paas.Target{blog, shop}) {
		t.Errorf("of what is gone: %v", got)
	}
	f.Close()
	asked = 0
	if got := add(shop, 5000); len(got) != 0 || asked != 0 {
		t.Errorf("after Close: %v, asked %d times", got, asked)
	}
}
