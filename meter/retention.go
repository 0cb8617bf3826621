package meter

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/cloudsania/cloudsania/disk"
	"github.com/cloudsania/cloudsania/paas"
)

const tidyAgain = time.Hour // after a failure

// Ledger is where daily sums are kept for ever, and where samples were kept before there were segments.
type Ledger interface {
	// FoldUsage adds the sums of a segment to those of their days. The segment that was added last is not added
	// again.
	FoldUsage(segment string, sums []paas.UsageDay) error
	// OldUsage calls fn with the samples that the database still holds, one sampling at a time, the oldest first.
	OldUsage(fn func([]paas.Usage) error) error
	// DropOldUsage removes them from there.
	DropOldUsage() error
}

// Run moves the samples of earlier versions into a segment, and folds segments that are older than 30 days into daily
// sums at midnight (UTC), until ctx ends.
func (m *Meter) Run(ctx context.Context) error {
	for {
		now := m.now()
		next := dayOf(now).Add(24 * time.Hour).Sub(now)
		if err := m.tidy(); err != nil {
			m.log.Warn("cannot tidy up usage samples; trying again in an hour", "err", err)
			next = min(next, tidyAgain)
		}
		select {
		case <-ctx.Done():
			return m.Close()
		case <-time.After(next):
		}
	}
}

// tidy folds only after the import: a segment that was imported must not be folded while it could be imported again.
func (m *Meter) tidy() error {
	m.write.Lock()
	defer m.write.Unlock()
	if err := m.importOld(); err != nil {
		return fmt.Errorf("move usage samples out of the database: %w", err)
	}
	if err := m.fold(); err != nil {
		return fmt.Errorf("fold usage samples into daily sums: %w", err)
	}
	return nil
}

// importOld writes what the database holds into one segment, before the database forgets it. A kill between the two
// is harmless: the next import writes the same samples to the same file.
func (m *Meter) importOld() error {
	staging := filepath.Join(m.dir, imported)
	if err := disk.RemoveTemporaries(staging); err != nil {
		return err
	}
	var last time.Time
	staged, err := disk.Stage(staging, func(w io.Writer) error {
		var d dictionary
		return m.ledger.OldUsage(func(samples []paas.Usage) error {
			if len(samples) == 0 {
				return nil
			}
			last = samples[len(samples)-1].Time
			_, err := w.Write(d.block(last, samples))
			return err
		})
	})
	if err != nil {
		return disk.Full(err)
	}
	if last.IsZero() {
		return os.Remove(staged)
	}
	if err := disk.Rename(staged, filepath.Join(m.dir, segmentName(dayOf(last), imported)+suffix)); err != nil {
		return err
	}
	m.forgetWindow()
	return m.ledger.DropOldUsage()
}

// fold turns each segment of a day that ended 30 days ago into sums. The ledger knows only the segment that it added
// last, so the next one must wait until that one's file is gone for ever.
func (m *Meter) fold() error {
	all, err := segments(m.dir)
	if err != nil {
		return err
	}
	var failed error
	for _, s := range all {
		if m.now().Sub(s.day) < kept+24*time.Hour {
			continue
		}
		if m.tail != nil && m.tail.path == s.path { // the clock was put forward
			if err := m.closeTail(); err != nil {
				return err
			}
		}
		sums, err := m.sums(s)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("read segment %s: %w", s.name, err))
			continue
		}
		if err := m.ledger.FoldUsage(s.name, sums); err != nil {
			return err
		}
		if err := s.remove(); err != nil {
			return err
		}
	}
	return failed
}

// sums adds up a segment by target and by the day of the sample.
func (m *Meter) sums(s segment) ([]paas.UsageDay, error) {
	type key struct {
		paas.Target
		day time.Time
	}
	days := map[key]paas.UsageDay{}
	lost, err := s.scan(func(samples []paas.Usage) error {
		for _, u := range samples {
			k := key{paas.Target{App: u.App, Environment: u.Environment}, dayOf(u.Time)}
			d := days[k]
			d.Add(u)
			days[k] = d
		}
		return nil
	})
	if lost.any() {
		m.log.Warn("a part of a usage segment was unreadable",
			"segment", s.name, "bytes", lost.bytes, "samples", lost.samples)
	}
	return slices.Collect(maps.Values(days)), err
}
