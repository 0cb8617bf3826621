package store

import (
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

// FoldUsage adds the sums of a segment of samples to those of their days. The segment that was folded last is not added again, so that a
// kill before its file is gone counts nothing twice.
func (s *Store) FoldUsage(segment string, sums []paas.UsageDay) error {
	return s.update(func(t *Tx) error {
		last, _, err := find[string](t, metaBucket, "usage_folded")
		if err != nil || last == segment {
			return err
		}
		for _, d := range sums {
			if err := t.addUsageDay(d); err != nil {
				return err
			}
		}
		return t.put(metaBucket, "usage_folded", segment)
	})
}

func (t *Tx) addUsageDay(d paas.UsageDay) error {
	target := paas.Target{App: d.App, Environment: d.Environment}
	key := path(d.Time.UTC().Format(time.DateOnly), targetKey(target))
	sum, _, err := find[paas.UsageDay](t, usageDayBucket, key)
	if err != nil {
		return err
	}
	sum.Merge(d)
	return t.put(usageDayBucket, key, sum)
}

// DailyUsage is what a target used on each day (UTC) whose samples were folded, the oldest first: sums, and in MemoryBytes the mean of the
// samples. Time is the day's beginning.
func (s *Store) DailyUsage(target paas.Target, since time.Time) ([]paas.Usage, error) {
	var out []paas.Usage
	err := s.View(func(t *Tx) error {
		return each(t, usageDayBucket, "", func(_ string, d paas.UsageDay) error {
			if d.App != target.App || d.Environment != target.Environment || d.Time.Before(since) {
				return nil
			}
			u := d.Usage
			u.MemoryBytes = d.MemorySum / max(1, d.Samples)
			out = append(out, u)
			return nil
		})
	})
	return out, err
}
