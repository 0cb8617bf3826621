package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

const (
	usageKept       = 30 * 24 * time.Hour
	maxUsageAtOnce  = 10_000
	usageBatchesCut = 20 // that one AddUsage folds at most: far more than come in
)

// AddUsage keeps samples for 30 days, then their sums per day and target for ever. Samples of nothing at all are left out. The samples of
// one call are one record: for each of them the number of its series (an instance of an app in an environment), then time, processor,
// memory, received, sent and requests, all as variable-length integers.
func (s *Store) AddUsage(samples []paas.Usage) error {
	samples = slices.DeleteFunc(slices.Clone(samples), func(u paas.Usage) bool {
		return u.CPUMillis|u.MemoryBytes|u.ReceivedBytes|u.SentBytes|u.Requests == 0
	})
	if len(samples) > maxUsageAtOnce {
		return fmt.Errorf("keep usage: %d samples are more than %d", len(samples), maxUsageAtOnce)
	}
	return s.update(func(t *Tx) error {
		if err := t.foldUsage(); err != nil || len(samples) == 0 {
			return err
		}
		payload, err := t.encodeUsage(samples)
		if err != nil {
			return err
		}
		n, err := t.next()
		if err != nil {
			return err
		}
		return t.putRaw(usageBucket, path(number(uint64(t.now.UnixNano())), number(n)), payload)
	})
}

// UsageOf a target since a moment, the oldest first; at most the last 30 days.
func (s *Store) UsageOf(target paas.Target, since time.Time) ([]paas.Usage, error) {
	var out []paas.Usage
	err := s.View(func(t *Tx) error {
		// samples are kept under the time of the call that brought them, which is not before theirs
		names := seriesNames{t: t, known: map[uint64]series{}}
		c := t.branch(usageBucket).Cursor()
		from := max(0, since.UnixNano())
		if since.Before(t.now.Add(-2 * usageKept)) {
			from = 0
		}
		for k, raw := c.Seek([]byte(number(uint64(from)))); k != nil; k, raw = c.Next() {
			_, err := t.visit(usageBucket, k, raw, func(_ string, payload []byte) error {
				samples, err := names.decode(payload)
				for _, u := range samples {
					if u.App == target.App && u.Environment == target.Environment && !u.Time.Before(since) {
						out = append(out, u)
					}
				}
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// DailyUsage is what a target used on each day (UTC) of which the samples have been folded, the oldest first: sums, and in MemoryBytes the
// mean of the samples. Time is the day's beginning.
func (s *Store) DailyUsage(target paas.Target, since time.Time) ([]paas.Usage, error) {
	var out []paas.Usage
	err := s.View(func(t *Tx) error {
		return each(t, usageDayBucket, "", func(_ string, d usageDay) error {
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

// usageDay is the sum of a target's samples of one day.
type usageDay struct {
	paas.Usage
	Samples, MemorySum int64
}

// foldUsage turns samples older than usageKept into their days' sums.
func (t *Tx) foldUsage() error {
	days, names := map[string]usageDay{}, seriesNames{t: t, known: map[uint64]series{}}
	var old []string
	err := t.eachRaw(usageBucket, "", func(key string, payload []byte) error {
		if len(key) < 8 || len(old) == usageBatchesCut || time.Unix(0, int64(numberAt(key[:8]))).After(t.now.Add(-usageKept)) {
			return errStop
		}
		samples, err := names.decode(payload)
		if err != nil {
			return err
		}
		for _, u := range samples {
			if err := t.addToDay(days, u); err != nil {
				return err
			}
		}
		old = append(old, key)
		return nil
	})
	if err != nil {
		return err
	}
	for key, d := range days {
		if err := t.put(usageDayBucket, key, d); err != nil {
			return err
		}
	}
	for _, key := range old {
		if err := t.delete(usageBucket, key); err != nil {
			return err
		}
	}
	return nil
}

func (t *Tx) addToDay(days map[string]usageDay, u paas.Usage) error {
	day := u.Time.UTC().Truncate(24 * time.Hour)
	key := path(day.Format(time.DateOnly), targetKey(paas.Target{App: u.App, Environment: u.Environment}))
	d, ok := days[key]
	if !ok {
		var err error
		if d, ok, err = find[usageDay](t, usageDayBucket, key); err != nil {
			return err
		}
		if !ok {
			d.Usage = paas.Usage{App: u.App, Environment: u.Environment, Time: day}
		}
	}
	d.Samples++
	d.MemorySum += u.MemoryBytes
	d.CPUMillis += u.CPUMillis
	d.ReceivedBytes += u.ReceivedBytes
	d.SentBytes += u.SentBytes
	d.Requests += u.Requests
	days[key] = d
	return nil
}

// series is what samples of one instance have in common.
type series struct{ Instance, App, Environment string }

// seriesOf finds or makes the number of a sample's series.
func (t *Tx) seriesOf(u paas.Usage) (uint64, error) {
	n, ok, err := find[uint64](t, usageSeriesBucket, u.Instance)
	if err != nil || ok {
		return n, err
	}
	if n, err = t.next(); err != nil {
		return 0, err
	}
	return n, errors.Join(t.put(usageSeriesBucket, u.Instance, n), t.put(usageOfBucket, number(n), series{u.Instance, u.App, u.Environment}))
}

func (t *Tx) encodeUsage(samples []paas.Usage) ([]byte, error) {
	var b []byte
	for _, u := range samples {
		n, err := t.seriesOf(u)
		if err != nil {
			return nil, err
		}
		b = binary.AppendUvarint(b, n)
		for _, v := range []int64{u.Time.UnixMilli(), u.CPUMillis, u.MemoryBytes, u.ReceivedBytes, u.SentBytes, u.Requests} {
			b = binary.AppendVarint(b, v)
		}
	}
	return b, nil
}

// seriesNames looks each series up once.
type seriesNames struct {
	t     *Tx
	known map[uint64]series
}

func (s seriesNames) decode(b []byte) ([]paas.Usage, error) {
	var out []paas.Usage
	for len(b) > 0 {
		n, v, rest, ok := cutSample(b)
		if !ok {
			return nil, damaged("a record of usage is cut short")
		}
		of, err := s.name(n)
		if err != nil {
			return nil, err
		}
		b = rest
		out = append(out, paas.Usage{Instance: of.Instance, App: of.App, Environment: of.Environment, Time: time.UnixMilli(v[0]).UTC(),
			CPUMillis: v[1], MemoryBytes: v[2], ReceivedBytes: v[3], SentBytes: v[4], Requests: v[5]})
	}
	return out, nil
}

func (s seriesNames) name(n uint64) (series, error) {
	of, ok := s.known[n]
	if ok {
		return of, nil
	}
	of, ok, err := find[series](s.t, usageOfBucket, number(n))
	if err == nil && !ok {
		err = damaged("a record of usage names the unknown series %d", n)
	}
	s.known[n] = of
	return of, err
}

// cutSample takes one sample from the front of b: series and values.
func cutSample(b []byte) (n uint64, v [6]int64, rest []byte, ok bool) {
	n, size := binary.Uvarint(b)
	for i := range v {
		if size <= 0 {
			return n, v, nil, false
		}
		b = b[size:]
		v[i], size = binary.Varint(b)
	}
	if size <= 0 {
		return n, v, nil, false
	}
	return n, v, b[size:], true
}
