package meter

import (
	"context"
	"log/slog"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

const sampleEvery = time.Minute

// instances are those that may use something.
type instances interface {
	Instances(states ...paas.InstanceState) ([]paas.Instance, error)
}

// containers tells what a container has used since its start, and the memory that it holds.
type containers interface {
	Used(ctx context.Context, container string) (cpu time.Duration, memoryBytes int64, err error)
}

// edges is every edge process at once.
type edges interface {
	Status(ctx context.Context) ([]paas.EdgeStatus, error)
}

// Sampler feeds a Meter once a minute.
type Sampler struct {
	Meter      *Meter
	Instances  instances
	Containers containers
	Edges      edges
	Log        *slog.Logger

	last    map[string]reading // by instance
	failing bool               // samples are not kept, and the log says so
}

// reading is what the counters of an instance said.
type reading struct {
	cpu    time.Duration
	memory int64
	edge   map[int]paas.EdgeCounters // by edge process
}

// Run samples until ctx ends.
func (s *Sampler) Run(ctx context.Context) error {
	t := time.NewTicker(sampleEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
			s.sample(ctx)
		}
	}
}

// sample says once that samples are lost, and once that they no longer are.
func (s *Sampler) sample(ctx context.Context) {
	samples, err := s.read(ctx)
	if err != nil {
		s.Log.Warn("cannot sample what the apps use", "err", err)
		return
	}
	err = s.Meter.Add(samples)
	if failing := err != nil; failing != s.failing {
		s.failing = failing
		if failing {
			s.Log.Error("cannot keep usage samples; they are lost until it works again", "err", err)
		} else {
			s.Log.Info("usage samples are kept again")
		}
	}
}

// read is what each instance has used since the last call. One that was not there then has no sample yet.
func (s *Sampler) read(ctx context.Context) ([]paas.Usage, error) {
	all, err := s.Instances.Instances(paas.Live, paas.Draining)
	if err != nil {
		return nil, err
	}
	before := s.last
	s.last = make(map[string]reading, len(all))
	if len(all) == 0 {
		return nil, nil
	}
	edges, err := s.Edges.Status(ctx)
	if err != nil {
		edges = nil // then only what containers use is kept
	}
	at := s.Meter.now().UTC()
	var out []paas.Usage
	for _, inst := range all {
		now := reading{edge: map[int]paas.EdgeCounters{}}
		if inst.Dir == "" {
			if now.cpu, now.memory, err = s.Containers.Used(ctx, inst.Container); err != nil {
				continue // it may just have ended
			}
		}
		for _, e := range edges {
			now.edge[e.PID] = e.Counters[inst.ID]
		}
		s.last[inst.ID] = now
		if was, ok := before[inst.ID]; ok {
			out = append(out, used(inst, at, was, now))
		}
	}
	return out, nil
}

// used is the difference of two readings.
func used(inst paas.Instance, at time.Time, before, now reading) paas.Usage {
	u := paas.Usage{Instance: inst.ID, App: inst.App, Environment: inst.Environment, Time: at, MemoryBytes: now.memory}
	u.CPUMillis = grown(int64(before.cpu), int64(now.cpu)) / int64(time.Millisecond)
	for pid, c := range now.edge {
		was := before.edge[pid]
		u.Requests += grown(was.Requests, c.Requests)
		u.ReceivedBytes += grown(was.Received, c.Received)
		u.SentBytes += grown(was.Sent, c.Sent)
	}
	return u
}

// grown counts from zero when a counter went backwards: it began anew.
func grown(before, now int64) int64 {
	if now < before {
		return now
	}
	return now - before
}
