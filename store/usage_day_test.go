package store

import (
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

func TestDailySums(t *testing.T) {
	s, c := timed(t)
	today := c.now().Truncate(24 * time.Hour)
	sum := func(app string, day time.Time, cpu int64) paas.UsageDay {
		return paas.UsageDay{Samples: 2, MemorySum: 20_000, Usage: paas.Usage{App: app, Environment: "env_1", Time: day, CPUMillis: cpu, Requests: 3}}
	}
	first := []paas.UsageDay{sum("app_shop", today, 10), sum("app_blog", today, 1000), sum("app_shop", today.Add(24*time.Hour), 7)}
	for range 3 { // killed before the segment was removed
		must(t, s.FoldUsage("one", first))
	}
	must(t, s.FoldUsage("two", []paas.UsageDay{sum("app_shop", today, 20)}))
	shop := paas.Target{App: "app_shop", Environment: "env_1"}
	days := got(s.DailyUsage(shop, time.Time{}))(t)
	want := paas.Usage{App: "app_shop", Environment: "env_1", Time: today, CPUMillis: 30, MemoryBytes: 10_000, Requests: 6}
	if len(days) != 2 || days[0] != want || days[1].CPUMillis != 7 {
		t.Fatalf("%+v", days)
	}
	if later := got(s.DailyUsage(shop, today.Add(time.Hour)))(t); len(later) != 1 {
		t.Fatalf("%+v", later)
	}
}
