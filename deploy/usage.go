package deploy

import (
	"context"
	"time"

	"github.com/cloudsania/cloudsania/docker"
	"github.com/cloudsania/cloudsania/paas"
)

const usageEvery = time.Minute

// reading is what the counters said last time.
type reading struct {
	stats docker.Stats
	edge  map[int]paas.EdgeCounters // by edge process
}

// usageLoop keeps samples of what each instance uses, from the first day on.
func (d *Deployer) usageLoop(ctx context.Context) {
	last := map[string]reading{}
	d.eachTick(ctx, usageEvery, func() {
		samples, now, err := d.sample(ctx, last)
		if err != nil {
			d.log.Warn("cannot sample what the apps use", "err", err)
			return
		}
		last = now
		if err := d.store.AddUsage(samples); err != nil {
			d.log.Error("cannot keep usage samples", "err", err)
		}
	})
}

func (d *Deployer) sample(ctx context.Context, last map[string]reading) ([]paas.Usage, map[string]reading, error) {
	insts, err := d.store.Instances(paas.Live, paas.Draining)
	if err != nil {
		return nil, nil, err
	}
	edges, err := d.edges.Status(ctx)
	if err != nil {
		edges = nil // then only the container's own counters are kept
	}
	now := map[string]reading{}
	var out []paas.Usage
	for _, inst := range insts {
		r := reading{edge: map[int]paas.EdgeCounters{}}
		if inst.Dir == "" {
			if r.stats, err = d.engine.Stats(ctx, inst.Container); err != nil {
				continue // it may just have ended
			}
		}
		for _, e := range edges {
			r.edge[e.PID] = e.Counters[inst.ID]
		}
		now[inst.ID] = r
		if before, ok := last[inst.ID]; ok {
			out = append(out, used(inst, before, r))
		}
	}
	return out, now, nil
}

// used is the difference of two readings. Counters that went backwards began anew.
func used(inst paas.Instance, before, now reading) paas.Usage {
	u := paas.Usage{Instance: inst.ID, App: inst.App, Environment: inst.Environment, Time: time.Now().UTC(), MemoryBytes: now.stats.MemoryBytes}
	u.CPUMillis = grown(before.stats.CPUNanos, now.stats.CPUNanos) / int64(time.Millisecond)
	for pid, c := range now.edge {
		was := before.edge[pid]
		u.Requests += grown(was.Requests, c.Requests)
		u.ReceivedBytes += grown(was.Received, c.Received)
		u.SentBytes += grown(was.Sent, c.Sent)
	}
	return u
}

func grown(before, now int64) int64 {
	if now < before {
		return now
	}
	return now - before
}
