package store

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

const (
	idempotentFor      = 24 * time.Hour
	maxIdempotentBytes = 1 << 20
	pruneAtOnce        = 200
)

// answer is what a request with an idempotency key got; with no status it is a claim, whose request was carried out but whose answer is not
// kept (yet). The body is sealed: it may show a new token.
type answer struct {
	Request string // hash
	Status  int
	At      time.Time
	Box     []byte
}

// Once is an idempotency key that a request came with. The first Change under its context claims the key in its own transaction: a crash
// between the change and the answer cannot make the request be carried out twice. Make one for each request; safe for concurrent use.
type Once struct {
	Key, Principal, RequestHash string

	claimed atomic.Bool
}

func (o *Once) committed() {
	if o != nil {
		o.claimed.Store(true)
	}
}

// claimOnce writes the claim unless a change of the same request has done so.
func (t *Tx) claimOnce(o *Once) error {
	if o == nil || o.claimed.Load() {
		return nil
	}
	id := idempotentKey(o.Key, o.Principal)
	old, ok, err := t.answer(id)
	if err != nil {
		return err
	}
	if ok {
		return errors.Join(old.refuse(o.Key, o.RequestHash), carriedOut(o.Key))
	}
	return t.putAnswer(id, answer{Request: o.RequestHash, At: t.now})
}

// Idempotent returns what the same principal's request with that key got within the last 24 hours. Conflict when it was another request,
// or when the request was carried out but its answer was lost.
func (t *Tx) Idempotent(key, principal, requestHash string) (response []byte, status int, found bool, err error) {
	id := idempotentKey(key, principal)
	a, ok, err := t.answer(id)
	if err != nil || !ok {
		return nil, 0, false, err
	}
	if err := a.refuse(key, requestHash); err != nil {
		return nil, 0, false, err
	}
	if a.Status == 0 {
		return nil, 0, false, carriedOut(key)
	}
	response, err = t.s.seals.open(idempotentBucket, id, uint64(a.At.UnixMilli()), a.Box)
	return response, a.Status, err == nil, err
}

// SaveIdempotent keeps an answer of at most 1 MiB for 24 hours. One that is there already stays.
func (t *Tx) SaveIdempotent(key, principal, requestHash string, response []byte, status int) error {
	if len(response) > maxIdempotentBytes {
		return fmt.Errorf("keep answer: %d bytes are more than %d", len(response), maxIdempotentBytes)
	}
	id := idempotentKey(key, principal)
	if err := t.pruneIdempotent(); err != nil {
		return err
	}
	old, ok, err := t.answer(id)
	if err != nil || ok && (old.Status != 0 || old.Request != requestHash) {
		return err
	}
	a := answer{Request: requestHash, Status: status, At: t.now}
	if ok {
		a.At = old.At // its place in the index by age
	}
	a.Box = t.s.seals.seal(idempotentBucket, id, uint64(a.At.UnixMilli()), response)
	return t.putAnswer(id, a)
}

// answer that is kept under id and has not expired.
func (t *Tx) answer(id string) (answer, bool, error) {
	a, ok, err := find[answer](t, idempotentBucket, id)
	return a, ok && !expired(t, a.At.Add(idempotentFor)), err
}

func (t *Tx) putAnswer(id string, a answer) error {
	return errors.Join(t.put(idempotentBucket, id, a), t.mark(idempotentAgeBucket, path(number(uint64(a.At.UnixNano())), id)))
}

// refuse is a Conflict when the answer is another request's.
func (a answer) refuse(key, requestHash string) error {
	if a.Request == requestHash {
		return nil
	}
	return conflict("use a new key for each request", "the idempotency key %q was used for another request", paas.Clip(key, 80))
}

func carriedOut(key string) error {
	return conflict("look at what is there; to do it again, send it with a new key",
		"the request with the idempotency key %q was carried out, but its answer was lost", paas.Clip(key, 80))
}

// pruneIdempotent removes some of what has expired.
func (t *Tx) pruneIdempotent() error {
	var old []string
	err := t.eachRaw(idempotentAgeBucket, "", func(key string, _ []byte) error {
		if len(key) < 9 || len(old) == pruneAtOnce || !expired(t, time.Unix(0, int64(numberAt(key[:8]))).Add(idempotentFor)) {
			return errStop
		}
		old = append(old, key)
		return nil
	})
	for _, key := range old {
		id := key[9:]
		_, young, findErr := t.answer(id) // another one came in its place
		err = errors.Join(err, findErr, t.delete(idempotentAgeBucket, key))
		if !young {
			err = errors.Join(err, t.delete(idempotentBucket, id))
		}
	}
	return err
}

// idempotentKey is fixed in length, whatever the client sent as its key.
func idempotentKey(key, principal string) string {
	sum := sha256.New()
	_, _ = fmt.Fprintf(sum, "%d:%s%s", len(key), key, principal)
	return hex.EncodeToString(sum.Sum(nil))
}
