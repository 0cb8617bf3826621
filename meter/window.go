package meter

import (
	"slices"
	"sync"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

const (
	span       = time.Hour
	maxTargets = 20_000 // far more than a server can run
)

// Point is what all instances of a target used since the point before, and the memory that they held then.
type Point struct {
	Time                     time.Time
	CPUMillis                int64
	MemoryBytes              int64
	ReceivedBytes, SentBytes int64
	Requests                 int64
}

// window holds the points of the last hour by target, the oldest first.
type window struct {
	mu     sync.Mutex
	points map[paas.Target][]Point
}

func newWindow() *window { return &window{points: map[paas.Target][]Point{}} }

// add puts one sampling into the window, where it may be already, and drops what is older than an hour.
func (w *window) add(now time.Time, samples []paas.Usage) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for target, p := range pointsOf(samples) {
		points := w.points[target]
		at, there := slices.BinarySearchFunc(points, p, func(a, b Point) int { return a.Time.Compare(b.Time) })
		if !there && (len(points) > 0 || len(w.points) < maxTargets) {
			w.points[target] = slices.Insert(points, at, p)
		}
	}
	outside := func(p Point) bool { return now.Sub(p.Time).Abs() >= span } // the clock may have been put back
	for target, points := range w.points {
		if !outside(points[0]) && !outside(points[len(points)-1]) {
			continue
		}
		if points = slices.DeleteFunc(points, outside); len(points) > 0 {
			w.points[target] = points
		} else {
			delete(w.points, target)
		}
	}
}

// load is LoadOf a target's points.
func (w *window) load(target paas.Target, now time.Time, may paas.Allowance) paas.Load {
	w.mu.Lock()
	defer w.mu.Unlock()
	return LoadOf(w.points[target], now, may)
}

// shown is what can be told apart of every target's load. Processor time counts in percent of one processor.
func (w *window) shown(now time.Time) map[paas.Target]shown {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := make(map[paas.Target]shown, len(w.points))
	for target, points := range w.points {
		out[target] = shownOf(LoadOf(points, now, paas.Allowance{CPUs: 1}))
	}
	return out
}

// pointsOf adds up the instances of each target in one sampling. Times are as segments keep them.
func pointsOf(samples []paas.Usage) map[paas.Target]Point {
	out := map[paas.Target]Point{}
	for _, u := range samples {
		target := paas.Target{App: u.App, Environment: u.Environment}
		p := out[target]
		if t := u.Time.UTC().Truncate(time.Millisecond); t.After(p.Time) {
			p.Time = t
		}
		p.CPUMillis += u.CPUMillis
		p.MemoryBytes += u.MemoryBytes
		p.ReceivedBytes += u.ReceivedBytes
		p.SentBytes += u.SentBytes
		p.Requests += u.Requests
		out[target] = p
	}
	return out
}
