package meter

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

// machine is what a Sampler reads, with counters that the test sets.
type machine struct {
	mu     sync.Mutex
	insts  []paas.Instance
	cpu    map[string]time.Duration
	memory int64
	status []paas.EdgeStatus
	asked  int // for the status of edges
}

func (m *machine) Instances(...paas.InstanceState) ([]paas.Instance, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.insts, nil
}

func (m *machine) Used(_ context.Context, container string) (time.Duration, int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	cpu, ok := m.cpu[container]
	if !ok {
		return 0, 0, errors.New("no such container")
	}
	return cpu, m.memory, nil
}

func (m *machine) Status(context.Context) ([]paas.EdgeStatus, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked++
	return m.status, nil
}

func TestSampler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, err := Open(t.TempDir(), Options{Ledger: &ledger{}})
		must(t, err)
		edge := func(pid int, requests int64) paas.EdgeStatus {
			c := map[string]paas.EdgeCounters{"ins_1": {Requests: requests, Sent: requests * 2}, "ins_2": {Requests: requests}}
			return paas.EdgeStatus{PID: pid, Counters: c}
		}
		world := &machine{cpu: map[string]time.Duration{}, memory: 5}
		s := &Sampler{Meter: m, Instances: world, Containers: world, Edges: world, Log: slog.New(slog.DiscardHandler)}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		minute := func(change func()) {
			world.mu.Lock()
			change()
			world.mu.Unlock()
			time.Sleep(time.Minute)
			synctest.Wait()
		}

		minute(func() {})
		if world.asked != 0 {
			t.Error("the edge was asked although nothing runs")
		}
		minute(func() { // the first reading
			world.insts = []paas.Instance{
				{ID: "ins_1", App: shop.App, Environment: shop.Environment, Container: "c1"},
				{ID: "ins_2", App: blog.App, Environment: blog.Environment, Dir: "bld_1"},
				{ID: "ins_3", App: blog.App, Environment: blog.Environment, Container: "ended"}}
			world.cpu["c1"], world.status = time.Second, []paas.EdgeStatus{edge(1, 100)}
		})
		minute(func() { world.cpu["c1"], world.status = 3*time.Second, []paas.EdgeStatus{edge(1, 110), edge(2, 7)} })
		minute(func() { // the container was restarted, and the old edge has ended
			world.cpu["c1"], world.status = time.Second, []paas.EdgeStatus{edge(2, 10)}
		})
		if world.asked != 3 {
			t.Errorf("the edge was asked %d times in 3 minutes", world.asked)
		}
		all, err := m.Of(shop, time.Time{})
		must(t, err)
		if len(all) != 2 || all[0].CPUMillis != 2000 || all[0].Requests != 17 || all[0].SentBytes != 34 || all[0].MemoryBytes != 5 ||
			all[1].CPUMillis != 1000 || all[1].Requests != 3 {
			t.Errorf("%+v", all)
		}
		files, err := m.Of(blog, time.Time{})
		must(t, err)
		if len(files) != 2 || files[0].Requests != 17 || files[0].CPUMillis != 0 {
			t.Errorf("%+v", files)
		}
		cancel()
		must(t, <-done)
		must(t, m.Close())
	})
}

// A disk that does not work costs one line in the log, however long that takes.
func TestSamplerLogsOnce(t *testing.T) {
	w := newWorld(t)
	world := &machine{cpu: map[string]time.Duration{"c1": 0}, memory: 1}
	world.insts = []paas.Instance{{ID: "ins_1", App: shop.App, Container: "c1"}}
	var log bytes.Buffer
	lines := slog.New(slog.NewTextHandler(&log, nil))
	s := &Sampler{Meter: w.Meter, Instances: world, Containers: world, Edges: world, Log: lines}
	dir := w.Meter.dir
	must(t, os.Rename(dir, dir+".away"))
	for range 4 {
		s.sample(t.Context())
	}
	if n := strings.Count(log.String(), "cannot keep usage samples"); n != 1 {
		t.Errorf("%d lines: %s", n, log.String())
	}
	must(t, os.Rename(dir+".away", dir))
	for range 2 {
		s.sample(t.Context())
	}
	if n := strings.Count(log.String(), "kept again"); n != 1 || strings.Count(log.String(), "\n") != 2 {
		t.Errorf("%d lines: %s", n, log.String())
	}
}
