package meter

import (
	"context"
	"sync"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

// figuresEvery leaves room for the time that sampling itself takes, which differs from minute to minute.
const figuresEvery = time.Minute - 5*time.Second

// Figures tells whose figures read differently than they did: at most once a minute, when samples come, and what
// changed often in the meantime once. Safe for concurrent use.
type Figures struct {
	all   *feeds
	shown func(paas.Target) string
	bell  chan struct{} // holds one element while dirty has any

	mu    sync.Mutex
	at    time.Time // of the last comparison
	text  map[paas.Target]string
	dirty map[paas.Target]struct{}
}

// Figures begins to compare. shown says what pages show of a target's figures, from Load; it is called while samples
// are added and must not wait for this feed. Close it in the end.
func (m *Meter) Figures(shown func(paas.Target) string) *Figures {
	f := &Figures{
		all:   &m.feeds,
		shown: shown,
		bell:  make(chan struct{}, 1),
		text:  map[paas.Target]string{},
		dirty: map[paas.Target]struct{}{},
	}
	m.warm()
	for _, target := range m.window.targets() {
		f.text[target] = shown(target)
	}
	m.feeds.mu.Lock()
	defer m.feeds.mu.Unlock()
	if m.feeds.open == nil {
		m.feeds.open = map[*Figures]struct{}{}
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

// Close ends the comparing.
func (f *Figures) Close() {
	f.all.mu.Lock()
	defer f.all.mu.Unlock()
	delete(f.all.open, f)
}

// compare looks at the targets that have figures now and at those that had some before.
func (f *Figures) compare(now time.Time, targets []paas.Target) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if since := now.Sub(f.at); since >= 0 && since < figuresEvery {
		return
	}
	f.at = now
	before := f.text
	f.text = make(map[paas.Target]string, len(targets))
	for _, target := range targets {
		text := f.shown(target)
		if was, had := before[target]; !had || was != text {
			f.dirty[target] = struct{}{}
		}
		f.text[target] = text
		delete(before, target)
	}
	for target := range before { // nothing was sampled for an hour
		f.dirty[target] = struct{}{}
	}
	if len(f.dirty) == 0 {
		return
	}
	select {
	case f.bell <- struct{}{}:
	default: // it has not been taken since the last time
	}
}

// feeds are the Figures of one meter.
type feeds struct {
	mu   sync.Mutex
	open map[*Figures]struct{}
}

func (all *feeds) compare(now time.Time, w *window) {
	all.mu.Lock()
	defer all.mu.Unlock()
	if len(all.open) == 0 {
		return
	}
	targets := w.targets()
	for f := range all.open {
		f.compare(now, targets)
	}
}
