package store

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"github.com/cloudsania/cloudsania/paas"
)

const (
	maxDetailRunes  = 500
	maxDetails      = 50
	maxEventsListed = 1000
)

// EventFilter narrows Events. Zero fields do not narrow; Before is the sequence number that a page ended with. Limit 0 is 100, at most 1000.
type EventFilter struct {
	Subject string
	Path    paas.Path // events at it and below it
	Before  uint64
	Limit   int
}

// Events are the newest first.
func (t *Tx) Events(f EventFilter) ([]paas.Event, error) {
	if f.Limit <= 0 {
		f.Limit = 100
	}
	f.Limit = min(f.Limit, maxEventsListed)
	if f.Before == 0 {
		f.Before = ^uint64(0)
	}
	var out []paas.Event
	err := t.eachEventDown(f, func(e paas.Event) error {
		if f.Path.Contains(e.Path) && (f.Subject == "" || f.Subject == e.Subject) {
			out = append(out, e)
		}
		if len(out) == f.Limit {
			return errStop
		}
		return nil
	})
	return out, err
}

// eachEventDown goes through the events of the narrowest index that the filter allows.
func (t *Tx) eachEventDown(f EventFilter, fn func(paas.Event) error) error {
	for _, id := range []string{f.Subject, f.Path.App, f.Path.Project, f.Path.Client} {
		if id == "" {
			continue
		}
		return t.eachDownFrom(eventOfBucket, path(id, ""), f.Before, func(key string, _ []byte) error {
			e, err := get[paas.Event](t, eventBucket, number(numberAt(key)))
			if err != nil {
				return err
			}
			return fn(e)
		})
	}
	return t.eachDownFrom(eventBucket, "", f.Before, func(key string, payload []byte) error {
		e, err := decodeJSON[paas.Event](eventBucket, key, payload)
		if err != nil {
			return err
		}
		return fn(e)
	})
}

// AppendEvent records something that changed nothing here, such as a refused login. Changes write their events themselves.
func (t *Tx) AppendEvent(action, subject string, at paas.Path, detail map[string]string) error {
	if at == (paas.Path{}) {
		var err error
		if at, err = t.teamPath(); err != nil {
			return err
		}
	}
	return t.event(action, subject, at, detail)
}

// chainHead is the newest event's number and hash, sealed: without the key nobody can shorten or rewrite the chain and hide it.
type chainHead struct {
	Seq uint64 `json:"seq"`
	Box []byte `json:"box"`
}

// event appends to the chain in the transaction of the change that it tells of.
func (t *Tx) event(action, subject string, at paas.Path, detail map[string]string) error {
	seq, prev, err := t.head()
	if err != nil {
		return err
	}
	e, err := settled(paas.Event{Seq: seq + 1, Time: t.now, Actor: t.by, Action: action, Subject: subject, Path: at, Detail: clipped(detail), Prev: prev})
	if err != nil {
		return err
	}
	if err := t.put(eventBucket, number(e.Seq), e); err != nil {
		return err
	}
	for _, id := range []string{e.Subject, at.App, at.Project, at.Client} {
		if id != "" && len(id) < 256 {
			if err := t.mark(eventOfBucket, path(id, number(e.Seq))); err != nil {
				return err
			}
		}
	}
	return t.setHead(e.Seq, e.Hash)
}

// teamEvent is about the whole installation.
func (t *Tx) teamEvent(action, subject string, detail map[string]string) error {
	at, err := t.teamPath()
	if err != nil {
		return err
	}
	return t.event(action, subject, at, detail)
}

// head is the number and hash of the newest event; 0 and FirstPrev before the first.
func (t *Tx) head() (seq uint64, hash string, err error) {
	h, ok, err := find[chainHead](t, metaBucket, "head")
	if err != nil || !ok {
		return 0, paas.FirstPrev, err
	}
	sum, err := t.s.seals.open(metaBucket, "head", h.Seq, h.Box)
	return h.Seq, hex.EncodeToString(sum), err
}

func (t *Tx) setHead(seq uint64, hash string) error {
	sum, err := hex.DecodeString(hash)
	if err != nil {
		return fmt.Errorf("hash of an event: %w", err)
	}
	return t.put(metaBucket, "head", chainHead{seq, t.s.seals.seal(metaBucket, "head", seq, sum)})
}

// settled is the event as it will be read back, with its hash: bytes that are no UTF-8 are replaced on the way through JSON, and the hash
// must be that of what is kept.
func settled(e paas.Event) (paas.Event, error) {
	raw, err := json.Marshal(e)
	if err != nil {
		return e, fmt.Errorf("encode event: %w", err)
	}
	e = paas.Event{}
	if err := json.Unmarshal(raw, &e); err != nil {
		return e, fmt.Errorf("encode event: %w", err)
	}
	e.Hash = e.Sum()
	return e, nil
}

// clipped bounds what strangers can put into the chain, which is kept for ever.
func clipped(detail map[string]string) map[string]string {
	out := map[string]string{}
	for k, v := range detail {
		if len(out) == maxDetails {
			break
		}
		if v != "" {
			out[clip(k)] = clip(v)
		}
	}
	return out
}

func clip(s string) string {
	if utf8.RuneCountInString(s) <= maxDetailRunes {
		return s
	}
	return paas.Clip(s, maxDetailRunes)
}
