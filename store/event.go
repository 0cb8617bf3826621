package store

import (
	"encoding/hex"
	"fmt"
	"slices"
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
	Subject string    // or one of Related
	Actor   string    // id of who did it, or for whom it was done
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
		if f.matches(e) {
			out = append(out, e)
		}
		if len(out) == f.Limit {
			return errStop
		}
		return nil
	})
	return out, err
}

func (f EventFilter) matches(e paas.Event) bool {
	return f.Path.Contains(e.Path) && (f.Subject == "" || f.Subject == e.Subject || slices.Contains(e.Related, f.Subject)) &&
		(f.Actor == "" || f.Actor == e.Actor.ID || f.Actor == e.OnBehalf)
}

// eachEventDown goes through the events of the narrowest index that the filter allows.
func (t *Tx) eachEventDown(f EventFilter, fn func(paas.Event) error) error {
	for _, id := range append([]string{f.Subject, f.Actor}, narrowest(f.Path)...) {
		if id == "" {
			continue
		}
		return t.eachDownFrom(eventOfBucket, path(id, ""), f.Before, func(key string, _ []byte) error {
			at := number(numberAt(key))
			payload, ok, err := t.raw(eventBucket, at)
			if err == nil && !ok {
				err = damaged("the event %d is missing", numberAt(key))
			}
			if err != nil {
				return err
			}
			e, err := t.readEvent(at, payload)
			if err != nil {
				return err
			}
			return fn(e)
		})
	}
	return t.eachDownFrom(eventBucket, "", f.Before, func(key string, payload []byte) error {
		e, err := t.readEvent(key, payload)
		if err != nil {
			return err
		}
		return fn(e)
	})
}

// narrowest are the ids of a path by which events are found, the lowest first. All events are the team's.
func narrowest(at paas.Path) []string {
	return []string{at.Service, at.App, at.Environment, at.Project, at.Client}
}

// indexed are the ids by which the event is found, each once.
func indexed(e paas.Event) []string {
	ids := append([]string{e.Subject, e.Actor.ID, e.OnBehalf}, narrowest(e.Path)...)
	ids = append(ids, e.Related...)
	slices.Sort(ids)
	return slices.DeleteFunc(slices.Compact(ids), func(id string) bool { return id == "" || len(id) >= 256 })
}

// AppendEvent records something that changed nothing here, such as a refused login. Changes write their events themselves.
func (t *Tx) AppendEvent(detail paas.EventDetail, subject string, at paas.Path) error {
	if at == (paas.Path{}) {
		var err error
		if at, err = t.teamPath(); err != nil {
			return err
		}
	}
	return t.event(detail, subject, at)
}

// chainHead is the newest event's number and hash, sealed: without the key nobody can shorten or rewrite the chain and hide it.
type chainHead struct {
	Seq uint64 `json:"seq"`
	Box []byte `json:"box"`
}

// event appends to the chain in the transaction of the change that it tells of.
func (t *Tx) event(detail paas.EventDetail, subject string, at paas.Path) error {
	return t.record(paas.Event{Action: detail.EventName(), Subject: subject, Path: at, Detail: paas.DetailMap(detail)})
}

// changedEvent is event for settings: before and after hold what differs.
func (t *Tx) changedEvent(action paas.EventName, subject string, at paas.Path, before, after map[string]string) error {
	return t.record(paas.Event{Action: action, Subject: subject, Path: at, Before: before, After: after})
}

// record fills in what the transaction knows and appends the event to the chain.
func (t *Tx) record(e paas.Event) error {
	seq, prev, err := t.head()
	if err != nil {
		return err
	}
	e.Seq, e.Time, e.Prev, e.Actor = seq+1, t.now, prev, t.by
	e.OnBehalf, e.Request, e.Reason = clip(t.request.OnBehalf), clip(t.request.ID), clip(t.request.Reason)
	e.Detail, e.Before, e.After = clipped(e.Detail, false), clipped(e.Before, true), clipped(e.After, true)
	beside, err := partPersonal(&e)
	if err != nil {
		return err
	}
	body, key := eventBody{Event: e}, number(e.Seq)
	if beside != nil {
		body.Personal = sumOf(beside)
		if err := t.putRaw(eventPersonalBucket, key, beside); err != nil {
			return err
		}
	}
	payload, hash, err := encodeEvent(body)
	if err != nil {
		return err
	}
	t.touch(eventBucket, key, e)
	if err := t.putRaw(eventBucket, key, payload); err != nil {
		return err
	}
	for _, id := range indexed(e) {
		if err := t.mark(eventOfBucket, path(id, key)); err != nil {
			return err
		}
	}
	return t.setHead(e.Seq, hash)
}

// teamEvent is about the whole installation.
func (t *Tx) teamEvent(detail paas.EventDetail, subject string) error {
	at, err := t.teamPath()
	if err != nil {
		return err
	}
	return t.event(detail, subject, at)
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

// clipped bounds what strangers can put into the chain, which is kept for ever.
func clipped(detail map[string]string, empty bool) map[string]string {
	out := map[string]string{}
	for k, v := range detail {
		if len(out) == maxDetails {
			break
		}
		if v != "" || empty {
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
