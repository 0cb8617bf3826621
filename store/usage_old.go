package store

import (
	"encoding/binary"
	"errors"
	"time"

	berrors "go.etcd.io/bbolt/errors"

	"github.com/cloudsania/cloudsania/paas"
)

// Samples were kept in the database before package meter had files for them. A record holds the samples of one sampling: for each of them
// the number of its series (an instance of an app in an environment), then time, processor, memory, received, sent and requests, all as
// variable-length integers.
const (
	usageBucket       bucket = "usage"
	usageSeriesBucket bucket = "usage_series"
	usageOfBucket     bucket = "usage_of"
)

// OldUsage calls fn with the samples that earlier versions kept here, one sampling at a time, the oldest first. There are none on a new
// installation and after DropOldUsage.
func (s *Store) OldUsage(fn func([]paas.Usage) error) error {
	return s.View(func(t *Tx) error {
		if t.branch(usageBucket) == nil {
			return nil
		}
		names := seriesNames{t: t, known: map[uint64]series{}}
		return t.eachRaw(usageBucket, "", func(_ string, payload []byte) error {
			samples, err := names.decode(payload)
			if err != nil {
				return err
			}
			return fn(samples)
		})
	})
}

// DropOldUsage forgets what OldUsage returns.
func (s *Store) DropOldUsage() error {
	return s.update(func(t *Tx) error {
		for _, b := range []bucket{usageBucket, usageSeriesBucket, usageOfBucket} {
			if err := t.bolt.DeleteBucket([]byte(b)); err != nil && !errors.Is(err, berrors.ErrBucketNotFound) {
				return err
			}
		}
		return nil
	})
}

// series is what samples of one instance have in common.
type series struct{ Instance, App, Environment string }

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
		out = append(out, paas.Usage{
			Instance: of.Instance, App: of.App, Environment: of.Environment, Time: time.UnixMilli(v[0]).UTC(),
			CPUMillis: v[1], MemoryBytes: v[2], ReceivedBytes: v[3], SentBytes: v[4], Requests: v[5],
		})
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
