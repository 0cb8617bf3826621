package meter

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cloudsania/cloudsania/disk"
	"github.com/cloudsania/cloudsania/paas"
)

// kept is how long samples are kept; then only their daily sums are.
const kept = 30 * 24 * time.Hour

// Options say how a Meter works. Ledger is required; Log and Now have defaults.
type Options struct {
	Ledger Ledger
	Log    *slog.Logger
	Now    func() time.Time
}

// Meter keeps samples. Safe for concurrent use by one process; a second process on the same directory is a mistake.
type Meter struct {
	dir    string
	ledger Ledger
	log    *slog.Logger
	now    func() time.Time
	window *window
	feeds  feeds
	added  atomic.Uint64 // calls of Add that changed what Load says

	load   sync.Mutex
	loaded bool // the window holds what the segments know of the last hour

	write sync.Mutex // one appends, folds or imports at a time
	tail  *tail      // nil when it must be opened
}

// Open makes the directory; nothing is read before it is asked for.
func Open(dir string, o Options) (*Meter, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, disk.Full(fmt.Errorf("make the directory of usage samples: %w", err))
	}
	return &Meter{dir: dir, ledger: o.Ledger, log: o.Log, now: o.Now, window: newWindow()}, nil
}

// Close closes the segment that is being written. Add opens it again.
func (m *Meter) Close() error {
	m.write.Lock()
	defer m.write.Unlock()
	return m.closeTail()
}

// Add keeps the samples of one sampling: at most 10,000, taken at the same time, without those of nothing at all.
// They are durable when it returns. After an error they are shown for an hour and kept nowhere; a full disk is of
// kind NoSpace, and the next call tries again.
func (m *Meter) Add(samples []paas.Usage) error {
	samples = slices.DeleteFunc(slices.Clone(samples), func(u paas.Usage) bool {
		return u.CPUMillis|u.MemoryBytes|u.ReceivedBytes|u.SentBytes|u.Requests == 0
	})
	if err := check(samples); err != nil {
		return err
	}
	m.warm()
	now := m.now()
	err := m.keep(now, samples)
	m.window.add(now, samples)
	m.added.Add(1)
	m.feeds.compare(now, m.window)
	return err
}

// Sampled counts the samplings: while it is the same, so are the loads of the same minute.
func (m *Meter) Sampled() uint64 { return m.added.Load() }

func check(samples []paas.Usage) error {
	if len(samples) > maxSamples {
		return fmt.Errorf("keep usage: %d samples are more than %d", len(samples), maxSamples)
	}
	for _, u := range samples {
		if max(len(u.Instance), len(u.App), len(u.Environment)) > maxNameBytes {
			return fmt.Errorf("keep usage: an id is longer than %d bytes", maxNameBytes)
		}
	}
	return nil
}

// keep appends samples to the segment of the day.
func (m *Meter) keep(now time.Time, samples []paas.Usage) (err error) {
	if len(samples) == 0 {
		return nil
	}
	m.write.Lock()
	defer m.write.Unlock()
	defer func() {
		if err != nil {
			err = disk.Full(fmt.Errorf("keep usage: %w", errors.Join(err, m.closeTail())))
		}
	}()
	if day := dayOf(now); m.tail == nil || !m.tail.day.Equal(day) {
		if err := m.closeTail(); err != nil {
			return err
		}
		if m.tail, err = openTail(m.dir, day); err != nil {
			return err
		}
	}
	return m.tail.append(now, samples)
}

func (m *Meter) closeTail() error {
	if m.tail == nil {
		return nil
	}
	t := m.tail
	m.tail = nil
	return t.file.Close()
}

// Load is what pages show of a target's last hour. It reads no file.
func (m *Meter) Load(target paas.Target, may paas.Allowance) paas.Load {
	m.warm()
	return m.window.load(target, m.now(), may)
}

// Of returns the samples of a target since a moment, the oldest first: at most those of the last 30 days.
func (m *Meter) Of(target paas.Target, since time.Time) ([]paas.Usage, error) {
	if oldest := m.now().Add(-kept); since.Before(oldest) {
		since = oldest
	}
	var out []paas.Usage
	err := m.each(since, func(samples []paas.Usage) error {
		for _, u := range samples {
			if u.App == target.App && u.Environment == target.Environment && !u.Time.Before(since) {
				out = append(out, u)
			}
		}
		return nil
	})
	slices.SortStableFunc(out, func(a, b paas.Usage) int { return a.Time.Compare(b.Time) })
	return out, err
}

// each goes through the blocks of the segments that can hold samples since a moment: those of its day and later ones.
func (m *Meter) each(since time.Time, fn func([]paas.Usage) error) error {
	all, err := segments(m.dir)
	if err != nil {
		return err
	}
	for _, s := range all {
		if s.day.Before(dayOf(since)) {
			continue
		}
		if _, err := s.scan(fn); err != nil && !errors.Is(err, fs.ErrNotExist) { // it was folded meanwhile
			return fmt.Errorf("read usage segment %s: %w", s.name, err)
		}
	}
	return nil
}

// warm reads the last hour into the window, once. Without it pages show figures from now on only.
func (m *Meter) warm() {
	m.load.Lock()
	defer m.load.Unlock()
	if m.loaded {
		return
	}
	m.loaded = true
	now := m.now()
	err := m.each(now.Add(-span), func(samples []paas.Usage) error {
		if len(samples) > 0 && now.Sub(samples[0].Time) < span {
			m.window.add(now, samples)
		}
		return nil
	})
	if err != nil {
		m.log.Warn("cannot read what apps used in the last hour", "err", err)
	}
}

// forgetWindow makes the next reader of the window look into the segments again.
func (m *Meter) forgetWindow() {
	m.load.Lock()
	defer m.load.Unlock()
	m.loaded = false
}
