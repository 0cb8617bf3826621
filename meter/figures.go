package meter

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

// figuresEvery leaves room for the time that sampling itself takes, which differs from minute to minute.
const figuresEvery = time.Minute - 5*time.Second

// Figures holds the targets whose figures read differently than they did: looked at once a minute at most, when
// samples come, and once for all who watch. What changed often in the meantime is in it once. Safe for concurrent
// use.
type Figures struct {
	all  *feeds
	bell chan struct{} // holds one element while dirty has any

	mu    sync.Mutex
	dirty map[paas.Target]struct{}
}

// Figures begins to watch. Close it in the end.
func (m *Meter) Figures() *Figures {
	m.warm()
	f := &Figures{all: &m.feeds, bell: make(chan struct{}, 1), dirty: map[paas.Target]struct{}{}}
	m.feeds.mu.Lock()
	defer m.feeds.mu.Unlock()
	if len(m.feeds.open) == 0 {
		m.feeds.open = map[*Figures]struct{}{}
		m.feeds.shown = m.window.shown(m.now())
	}
	m.feeds.open[f] = struct{}{}
	return f
}

// Wait returns the targets whose figures have changed since the last call, in no order, as soon as there are any; the
// error is that of ctx.
func (f *Figures) Wait(ctx context.Context) ([]paas.Target, error) {
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-f.bell:
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]paas.Target, 0, len(f.dirty))
	for target := range f.dirty {
		out = append(out, target)
	}
	clear(f.dirty)
	return out, nil
}

func (f *Figures) add(dirty []paas.Target) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, target := range dirty {
		f.dirty[target] = struct{}{}
	}
	select {
	case f.bell <- struct{}{}:
	default: // it has not been taken since the last time
	}
}

// Close ends the watching.
func (f *Figures) Close() {
	f.all.mu.Lock()
	defer f.all.mu.Unlock()
	delete(f.all.open, f)
}

// shown is what people can tell apart of a load: figures as pages round them.
type shown struct {
	requests          int64
	sent, memory, cpu float64
}

func shownOf(load paas.Load) shown {
	return shown{
		requests: load.Requests,
		sent:     rounded(load.SentBytes),
		memory:   rounded(load.MemoryBytes),
		cpu:      math.Round(load.CPUPercent*2) / 2, // whole percents also of half a processor
	}
}

// rounded is a size with the precision that it is written with: "214 MB", "3.2 GB".
func rounded(bytes int64) float64 {
	v, unit := float64(bytes), 1.0
	for v >= 1000 {
		v, unit = v/1024, unit*1024
	}
	if v < 10 && unit > 1 {
		return math.Round(v*10) / 10 * unit
	}
	return math.Round(v) * unit
}

// feeds are the Figures of one meter. While there are none, nothing is compared.
type feeds struct {
	mu    sync.Mutex
	open  map[*Figures]struct{}
	at    time.Time // of the last comparison
	shown map[paas.Target]shown
}

// compare looks at the targets that have figures now and at those that had some.
func (all *feeds) compare(now time.Time, w *window) {
	all.mu.Lock()
	defer all.mu.Unlock()
	if since := now.Sub(all.at); len(all.open) == 0 || since >= 0 && since < figuresEvery {
		return
	}
	before := all.shown
	all.at, all.shown = now, w.shown(now)
	var dirty []paas.Target
	for target, is := range all.shown {
		if was, had := before[target]; !had || was != is {
			dirty = append(dirty, target)
		}
		delete(before, target)
	}
	for target := range before { // nothing was sampled for an hour
		dirty = append(dirty, target)
	}
	if len(dirty) == 0 {
		return
	}
	for f := range all.open {
		f.add(dirty)
	}
}
