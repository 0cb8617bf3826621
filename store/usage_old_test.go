package store

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

// putOldUsage writes what schema 1 wrote of one sampling.
func putOldUsage(t testing.TB, s *Store, samples []paas.Usage) {
	t.Helper()
	must(t, s.update(func(tx *Tx) error {
		var payload []byte
		for _, b := range []bucket{usageBucket, usageSeriesBucket, usageOfBucket} {
			if _, err := tx.bolt.CreateBucketIfNotExists([]byte(b)); err != nil {
				return err
			}
		}
		for i, u := range samples {
			n := uint64(100 + i)
			must(t, errors.Join(tx.put(usageSeriesBucket, u.Instance, n), tx.put(usageOfBucket, number(n), series{u.Instance, u.App, u.Environment})))
			payload = binary.AppendUvarint(payload, n)
			for _, v := range []int64{u.Time.UnixMilli(), u.CPUMillis, u.MemoryBytes, u.ReceivedBytes, u.SentBytes, u.Requests} {
				payload = binary.AppendVarint(payload, v)
			}
		}
		return tx.putRaw(usageBucket, path(number(uint64(samples[0].Time.UnixNano())), number(1)), payload)
	}))
}

func oldUsage(t testing.TB, s *Store) (all [][]paas.Usage) {
	t.Helper()
	must(t, s.OldUsage(func(samples []paas.Usage) error { all = append(all, samples); return nil }))
	return all
}

func TestOldSamplesLeaveTheDatabase(t *testing.T) {
	s, c := timed(t)
	if all := oldUsage(t, s); len(all) != 0 {
		t.Fatalf("a new installation has %+v", all)
	}
	must(t, s.DropOldUsage())
	at := c.now()
	first := []paas.Usage{
		{Instance: "ins_1", App: "app_shop", Environment: "env_1", Time: at, CPUMillis: 10, MemoryBytes: 20, ReceivedBytes: 1, SentBytes: 2, Requests: 3},
		{Instance: "ins_2", App: "app_blog", Environment: "env_2", Time: at, Requests: 4}}
	second := []paas.Usage{{Instance: "ins_1", App: "app_shop", Environment: "env_1", Time: at.Add(time.Minute), Requests: 5}}
	putOldUsage(t, s, second)
	putOldUsage(t, s, first)
	if all := oldUsage(t, s); len(all) != 2 || !slices.Equal(all[0], first) || !slices.Equal(all[1], second) {
		t.Fatalf("%+v", all)
	}
	for range 2 {
		must(t, s.DropOldUsage())
		if all := oldUsage(t, s); len(all) != 0 {
			t.Fatalf("still there: %+v", all)
		}
	}
	must(t, s.Check())
}

func TestOldSamplesSurviveTheMigration(t *testing.T) {
	s := migrated(t)
	all := slices.Concat(oldUsage(t, s)...)
	if len(all) == 0 || all[0].App == "" || all[0].Time.IsZero() {
		t.Fatalf("%+v", all)
	}
	must(t, s.DropOldUsage())
	must(t, s.Check())
}

func FuzzOldUsage(f *testing.F) {
	s := opened(f)
	putOldUsage(f, s, []paas.Usage{{Instance: "ins_1", App: "app_1", Environment: "env_1", Time: time.Now(), CPUMillis: 5}})
	f.Add([]byte{})
	f.Add([]byte{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F})
	must(f, s.View(func(tx *Tx) error {
		return tx.eachRaw(usageBucket, "", func(_ string, payload []byte) error { f.Add(append([]byte{}, payload...)); return nil })
	}))
	f.Fuzz(func(t *testing.T, b []byte) {
		err := s.View(func(tx *Tx) error {
			_, err := seriesNames{t: tx, known: map[uint64]series{}}.decode(b)
			return err
		})
		if err != nil && !errors.Is(err, ErrCorrupt) {
			t.Fatalf("unclear error: %v", err)
		}
	})
}
