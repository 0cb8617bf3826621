package meter

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

var (
	noon = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	shop = paas.Target{App: "app_shop", Environment: "env_1"}
	blog = paas.Target{App: "app_blog", Environment: "env_1"}
)

// clock is set by the test.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = t
}

func (c *clock) add(d time.Duration) { c.set(c.now().Add(d)) }

// ledger keeps sums as the store does.
type ledger struct {
	last     string
	days     map[string]paas.UsageDay // by app and date
	old      [][]paas.Usage
	foldFail error // after the sums were kept
	dropFail error
}

func (l *ledger) FoldUsage(segment string, sums []paas.UsageDay) error {
	if segment != l.last {
		for _, d := range sums {
			key := d.App + " " + d.Time.Format(time.DateOnly)
			sum := l.days[key]
			sum.Merge(d)
			if l.days == nil {
				l.days = map[string]paas.UsageDay{}
			}
			l.days[key] = sum
		}
		l.last = segment
	}
	return l.foldFail
}

func (l *ledger) OldUsage(fn func([]paas.Usage) error) error {
	for _, samples := range l.old {
		if err := fn(samples); err != nil {
			return err
		}
	}
	return nil
}

func (l *ledger) DropOldUsage() error {
	if l.dropFail == nil {
		l.old = nil
	}
	return l.dropFail
}

type world struct {
	*Meter
	*clock
	ledger *ledger
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{clock: &clock{t: noon}, ledger: &ledger{}}
	w.reopen(t, t.TempDir())
	return w
}

// reopen is what a restart of the process does.
func (w *world) reopen(t testing.TB, dir string) {
	t.Helper()
	if w.Meter != nil {
		must(t, w.Meter.Close())
	}
	m, err := Open(filepath.Join(dir, "usage"), Options{Ledger: w.ledger, Now: w.clock.now})
	must(t, err)
	w.Meter = m
	t.Cleanup(func() { must(t, m.Close()) })
}

func (w *world) restart(t testing.TB) { w.reopen(t, filepath.Dir(w.Meter.dir)) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) sample(of paas.Target, instance string, cpu int64) paas.Usage {
	return paas.Usage{Instance: instance, App: of.App, Environment: of.Environment, Time: w.clock.now(),
		CPUMillis: cpu, MemoryBytes: cpu * 1000, ReceivedBytes: 1, SentBytes: 2, Requests: 3}
}

func (w *world) of(t testing.TB, target paas.Target, since time.Time) []paas.Usage {
	t.Helper()
	all, err := w.Of(target, since)
	must(t, err)
	return all
}

// the names of the files in the meter's directory
func (w *world) files(t testing.TB) []string {
	t.Helper()
	entries, err := os.ReadDir(w.Meter.dir)
	must(t, err)
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func TestSamplesAreKept(t *testing.T) {
	w := newWorld(t)
	for i := range int64(3) {
		idle := paas.Usage{Instance: "ins_3", App: "app_idle"}
		must(t, w.Add([]paas.Usage{w.sample(shop, "ins_1", 10+i), w.sample(blog, "ins_2", 1000), idle}))
		w.clock.add(time.Minute)
		if i == 1 {
			w.restart(t)
		}
	}
	for range 2 {
		all := w.of(t, shop, noon)
		want := paas.Usage{Instance: "ins_1", App: "app_shop", Environment: "env_1", Time: noon,
			CPUMillis: 10, MemoryBytes: 10_000, ReceivedBytes: 1, SentBytes: 2, Requests: 3}
		if len(all) != 3 || all[0] != want || all[2].CPUMillis != 12 {
			t.Fatalf("%+v", all)
		}
		if some := w.of(t, shop, noon.Add(90*time.Second)); len(some) != 1 || some[0].CPUMillis != 12 {
			t.Fatalf("%+v", some)
		}
		if idle := w.of(t, paas.Target{App: "app_idle"}, time.Time{}); len(idle) != 0 {
			t.Fatal("samples of nothing were kept")
		}
		w.restart(t)
	}
	if files := w.files(t); len(files) != 1 || !strings.HasPrefix(files[0], "2026-11-27.") {
		t.Errorf("segments: %v", files)
	}
}

func TestEachDayIsASegment(t *testing.T) {
	w := newWorld(t)
	for range 3 {
		must(t, w.Add([]paas.Usage{w.sample(shop, "ins_1", 1)}))
		w.clock.add(24 * time.Hour)
	}
	w.clock.set(noon) // the clock is put back
	must(t, w.Add([]paas.Usage{w.sample(shop, "ins_1", 2)}))
	if files := w.files(t); len(files) != 3 {
		t.Errorf("segments: %v", files)
	}
	if all := w.of(t, shop, noon); len(all) != 4 || all[1].CPUMillis != 2 {
		t.Errorf("%+v", all)
	}
}

func TestLimits(t *testing.T) {
	w := newWorld(t)
	many := make([]paas.Usage, maxSamples+1)
	for i := range many {
		target := paas.Target{App: fmt.Sprintf("app_%057d", i), Environment: strings.Repeat("e", maxNameBytes)}
		many[i] = w.sample(target, fmt.Sprintf("ins_%060d", i), 1<<60)
	}
	if err := w.Add(many); err == nil {
		t.Error("too many samples were kept")
	}
	must(t, w.Add(many[:maxSamples]))
	w.restart(t)
	last := many[maxSamples-1]
	all := w.of(t, paas.Target{App: last.App, Environment: last.Environment}, noon)
	if len(all) != 1 || all[0] != last {
		t.Errorf("of the largest block: %+v", all)
	}
	if err := w.Add([]paas.Usage{w.sample(shop, strings.Repeat("i", maxNameBytes+1), 1)}); err == nil {
		t.Error("a long name was kept")
	}
}

func TestLoadAfterARestart(t *testing.T) {
	w := newWorld(t)
	may := paas.Allowance{MemoryBytes: 1 << 20, CPUs: 1}
	for i := range 90 {
		must(t, w.Add([]paas.Usage{w.sample(shop, "ins_1", 600), w.sample(shop, fmt.Sprint("ins_", i%3), 600)}))
		w.clock.add(time.Minute)
	}
	before := w.Load(shop, may)
	if before.Requests != 59*6 || before.MemoryBytes != 1_200_000 || before.MemoryLimit != 1<<20 || before.CPUPercent != 2 {
		t.Errorf("%+v", before)
	}
	w.restart(t)
	if after := w.Load(shop, may); !reflect.DeepEqual(before, after) {
		t.Errorf("before the restart\n%+v, after\n%+v", before, after)
	}
	if none := w.Load(blog, may); none.Known {
		t.Errorf("%+v", none)
	}
	w.clock.add(2 * time.Hour)
	must(t, w.Add(nil))
	if old := w.Load(shop, may); old.Known {
		t.Errorf("after two hours: %+v", old)
	}
}

func TestConcurrentUse(t *testing.T) {
	w := newWorld(t)
	f := w.Figures()
	defer f.Close()
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for n := range 25 {
				if err := w.Add([]paas.Usage{{Instance: fmt.Sprint("ins_", i), App: "app_shop", Environment: "env_1",
					Time: noon.Add(time.Duration(n) * time.Second), Requests: 1}}); err != nil {
					t.Error(err)
				}
			}
		})
		all.Go(func() {
			for range 10 {
				_, err := w.Of(shop, noon)
				w.Load(shop, paas.Allowance{})
				if err := errors.Join(err, w.tidy()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if got := w.of(t, shop, noon); len(got) != 100 {
		t.Errorf("%d samples of 100", len(got))
	}
}

func BenchmarkLastHour1000Apps(b *testing.B) {
	w := newWorld(b)
	samples := make([]paas.Usage, 1000)
	for range 30 * 24 { // 30 days behind the hour, thinned out
		w.fill(b, samples)
		w.clock.add(time.Hour)
	}
	for range 60 {
		w.fill(b, samples)
		w.clock.add(time.Minute)
	}
	may := paas.Allowance{MemoryBytes: 1 << 30, CPUs: 1}
	b.Run("all", func(b *testing.B) {
		for b.Loop() {
			for i := range samples {
				if !w.Load(paas.Target{App: samples[i].App, Environment: "env_1"}, may).Known {
					b.Fatal("nothing is known")
				}
			}
		}
	})
	b.Run("restart", func(b *testing.B) {
		for b.Loop() {
			w.restart(b)
			if !w.Load(paas.Target{App: samples[0].App, Environment: "env_1"}, may).Known {
				b.Fatal("nothing is known")
			}
		}
	})
	b.Run("add", func(b *testing.B) {
		for b.Loop() {
			w.fill(b, samples)
			w.clock.add(time.Minute)
		}
	})
}

func (w *world) fill(b *testing.B, samples []paas.Usage) {
	for i := range samples {
		target := paas.Target{App: fmt.Sprintf("app_%026d", i), Environment: "env_1"}
		samples[i] = w.sample(target, fmt.Sprintf("ins_%026d", i), int64(i))
	}
	must(b, w.Add(samples))
}
