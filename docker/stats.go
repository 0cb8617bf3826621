package docker

import (
	"context"
	"encoding/json"
	"io"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// Stats are what a container has used since its start, and holds now. All zero but Time for one that does not run.
type Stats struct {
	Time                     time.Time
	CPUNanos                 int64 // processor time of all its processes
	MemoryBytes              int64 // without page cache that can be given back
	ReceivedBytes, SentBytes int64 // through its networks
}

// Stats takes one sample, at once. A missing container is NotFound.
func (e *Engine) Stats(ctx context.Context, id string) (Stats, error) {
	short, cancel := call(ctx)
	defer cancel()
	r, err := e.client.ContainerStats(short, id, client.ContainerStatsOptions{})
	if err != nil {
		return Stats{}, fail(ctx, err, "measure container %s", id)
	}
	defer r.Body.Close()
	var s container.StatsResponse
	if err := json.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(&s); err != nil {
		return Stats{}, fail(ctx, err, "measure container %s", id)
	}
	return sample(s), nil
}

func sample(s container.StatsResponse) Stats {
	cache, ok := s.MemoryStats.Stats["total_inactive_file"] // cgroup v1
	if !ok {
		cache = s.MemoryStats.Stats["inactive_file"]
	}
	out := Stats{Time: s.Read, CPUNanos: int64(s.CPUStats.CPUUsage.TotalUsage), MemoryBytes: int64(s.MemoryStats.Usage - min(cache, s.MemoryStats.Usage))}
	for _, n := range s.Networks {
		out.ReceivedBytes += int64(n.RxBytes)
		out.SentBytes += int64(n.TxBytes)
	}
	return out
}
