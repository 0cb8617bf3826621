package meter

import (
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

const (
	minutes   = int(span / time.Minute)
	freshness = 3 * time.Minute // an older point says nothing about now
)

// LoadOf is what pages show of the points of an hour that ends now. may is what all instances may use together:
// without it, as for static files, neither memory nor processor time is meant.
func LoadOf(points []Point, now time.Time, may paas.Allowance) paas.Load {
	if len(points) == 0 {
		return paas.Load{}
	}
	load := paas.Load{Known: true, RequestSeries: make([]float64, minutes)}
	var memory, cpu [minutes]float64
	newest := -1
	for _, p := range points {
		at := minutes - 1 - int(now.Sub(p.Time)/time.Minute)
		if at < 0 || at >= minutes {
			continue
		}
		newest = max(newest, at)
		memory[at] = float64(p.MemoryBytes) // what was held then; the rest was used since the point before
		cpu[at] += float64(p.CPUMillis)
		load.RequestSeries[at] += float64(p.Requests)
		load.Requests += p.Requests
		load.SentBytes += p.SentBytes
	}
	if may == (paas.Allowance{}) {
		return load
	}
	load.MemoryLimit = may.MemoryBytes
	load.Memory, load.CPU = memory[:], cpu[:]
	if newest >= 0 && time.Duration(minutes-1-newest)*time.Minute <= freshness {
		load.MemoryBytes = int64(memory[newest])
		load.CPUPercent = cpu[newest] / float64(time.Minute/time.Millisecond) * 100 / may.CPUs
	}
	return load
}
