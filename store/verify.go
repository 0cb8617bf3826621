package store

import (
	"errors"
	"fmt"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

const (
	verifyBatch    = 2000
	maxBreaksShown = 20
)

// VerifyReport is what VerifyEvents found. Hash is the newest event's: written down elsewhere, it shows later that the chain up to it is
// the same.
type VerifyReport struct {
	Events uint64    `json:"events"` // that were read
	First  time.Time `json:"first"`  // when the first happened, and the newest
	Last   time.Time `json:"last"`
	Hash   string    `json:"hash"`
	Breaks []Break   `json:"breaks,omitempty"` // the first 20
}

// Break is a place where the chain does not hold.
type Break struct {
	Seq     uint64 `json:"seq"`
	Problem string `json:"problem"` // a sentence without a full stop
}

// OK reports whether the chain is whole.
func (r VerifyReport) OK() bool { return len(r.Breaks) == 0 }

func (r *VerifyReport) add(seq uint64, format string, args ...any) {
	if len(r.Breaks) < maxBreaksShown {
		r.Breaks = append(r.Breaks, Break{seq, fmt.Sprintf(format, args...)})
	}
}

// VerifyEvents reads the whole chain: every hash, every link, no number missing, and the end against the sealed head. A broken chain is in
// the report; an error means that the database could not be read.
func (s *Store) VerifyEvents() (VerifyReport, error) {
	v := verifier{prev: paas.FirstPrev}
	for done := false; !done; {
		// in batches: a long read transaction would keep freed pages from being used again
		err := s.View(func(t *Tx) (err error) { done, err = v.batch(t); return err })
		if err != nil {
			return v.report, err
		}
	}
	return v.report, nil
}

type verifier struct {
	report VerifyReport
	seq    uint64 // the last one seen
	prev   string // its hash
}

// batch verifies some events; done when these were the last, and the head was compared in the same transaction.
func (v *verifier) batch(t *Tx) (done bool, err error) {
	c := t.branch(eventBucket).Cursor()
	k, raw := c.Seek([]byte(number(v.seq + 1)))
	for n := 0; k != nil && n < verifyBatch; n++ {
		v.event(t, string(k), raw)
		k, raw = c.Next()
	}
	if k != nil {
		return false, nil
	}
	return true, v.end(t)
}

func (v *verifier) event(t *Tx, key string, raw []byte) {
	seq := numberAt(key)
	if seq != v.seq+1 {
		v.report.add(v.seq+1, "%d events are missing", seq-v.seq-1)
	}
	e, stored, err := readStored(key, raw)
	v.seq = seq
	v.report.Events++
	switch {
	case err != nil:
		v.report.add(seq, "it cannot be read: %s", paas.Public(err).Msg)
	case e.Seq != seq:
		v.report.add(seq, "event %d stands in its place", e.Seq)
	case stored.sum() != e.Hash:
		v.report.add(seq, "its content was changed")
	case e.Prev != v.prev:
		v.report.add(seq, "it does not follow the event before it")
	case !t.personalHolds(key, e):
		v.report.add(seq, "the names beside it were changed")
	}
	v.prev, v.report.Hash, v.report.Last = e.Hash, e.Hash, e.Time
	if v.report.Events == 1 {
		v.report.First = e.Time
	}
}

func readStored(key string, raw []byte) (eventBody, storedEvent, error) {
	payload, err := decodeRecord(eventBucket, key, raw)
	if err != nil {
		return eventBody{}, storedEvent{}, err
	}
	stored, err := splitEvent(payload)
	if err != nil {
		return eventBody{}, stored, err
	}
	e, err := stored.decode(key)
	return e, stored, err
}

// personalHolds reports whether what is kept beside an event is what was written, or was erased.
func (t *Tx) personalHolds(key string, e eventBody) bool {
	raw, ok, err := t.raw(eventPersonalBucket, key)
	return err == nil && (!ok || sumOf(raw) == e.Personal)
}

// end compares the last event with the head.
func (v *verifier) end(t *Tx) error {
	seq, hash, err := t.head()
	switch {
	case errors.Is(err, ErrCorrupt):
		v.report.add(v.seq, "the sealed head of the chain was changed")
	case err != nil:
		return err
	case seq > v.seq:
		v.report.add(v.seq+1, "the end of the chain is missing: %d events", seq-v.seq)
	case seq < v.seq:
		v.report.add(seq+1, "%d events were added behind the sealed head", v.seq-seq)
	case hash != v.prev:
		v.report.add(v.seq, "the last event is not the one that the sealed head names")
	}
	return nil
}
