package store

import (
	"errors"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

func TestUsageIsKeptAndThenFolded(t *testing.T) {
	s, c := timed(t)
	shop, blog := paas.Target{App: "app_shop", Environment: "env_1"}, paas.Target{App: "app_blog", Environment: "env_1"}
	sample := func(of paas.Target, instance string, cpu int64) paas.Usage {
		return paas.Usage{Instance: instance, App: of.App, Environment: of.Environment, Time: c.now(), CPUMillis: cpu, MemoryBytes: cpu * 1000, ReceivedBytes: 1, SentBytes: 2, Requests: 3}
	}
	start := c.now()
	for i := range int64(3) {
		must(t, s.AddUsage([]paas.Usage{sample(shop, "ins_1", 10+i), sample(blog, "ins_2", 1000), {Instance: "ins_3", App: "app_idle"}}))
		c.add(time.Minute)
	}
	all := got(s.UsageOf(shop, start))(t)
	if len(all) != 3 || all[0] != (paas.Usage{Instance: "ins_1", App: "app_shop", Environment: "env_1", Time: start, CPUMillis: 10, MemoryBytes: 10_000, ReceivedBytes: 1, SentBytes: 2, Requests: 3}) {
		t.Fatalf("%+v", all)
	}
	if some := got(s.UsageOf(shop, start.Add(90*time.Second)))(t); len(some) != 1 || some[0].CPUMillis != 12 {
		t.Fatalf("%+v", some)
	}
	if idle := got(s.UsageOf(paas.Target{App: "app_idle"}, time.Time{}))(t); len(idle) != 0 {
		t.Fatal("samples of nothing were kept")
	}
	if days := got(s.DailyUsage(shop, time.Time{}))(t); len(days) != 0 {
		t.Fatalf("folded too early: %+v", days)
	}
	c.add(usageKept)
	must(t, s.AddUsage(nil))
	if all := got(s.UsageOf(shop, time.Time{}))(t); len(all) != 0 {
		t.Fatalf("%d samples older than 30 days", len(all))
	}
	days := got(s.DailyUsage(shop, time.Time{}))(t)
	if len(days) != 1 || days[0] != (paas.Usage{App: "app_shop", Environment: "env_1", Time: start.Truncate(24 * time.Hour), CPUMillis: 33, MemoryBytes: 11_000, ReceivedBytes: 3, SentBytes: 6, Requests: 9}) {
		t.Fatalf("%+v", days)
	}
	if days := got(s.DailyUsage(shop, c.now()))(t); len(days) != 0 {
		t.Fatal("days before since")
	}
}

func TestUsageLimits(t *testing.T) {
	s := opened(t)
	many := make([]paas.Usage, maxUsageAtOnce+1)
	for i := range many {
		many[i].CPUMillis = 1
	}
	if err := s.AddUsage(many); err == nil {
		t.Fatal("too many samples were kept")
	}
}

func FuzzUsage(f *testing.F) {
	s := opened(f)
	must(f, s.AddUsage([]paas.Usage{{Instance: "ins_1", App: "app_1", Environment: "env_1", Time: time.Now(), CPUMillis: 5}}))
	f.Add([]byte{})
	f.Add([]byte{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F})
	must(f, s.View(func(tx *Tx) error {
		return tx.eachRaw(usageBucket, "", func(_ string, payload []byte) error { f.Add(append([]byte{}, payload...)); return nil })
	}))
	f.Fuzz(func(t *testing.T, b []byte) {
		err := s.View(func(tx *Tx) error {
			_, err := seriesNames{t: tx, known: map[uint64]series{}}.decode(b)
			return err
		})
		if err != nil && !errors.Is(err, ErrCorrupt) {
			t.Fatalf("unclear error: %v", err)
		}
	})
}
