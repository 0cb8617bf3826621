package store

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

const (
	idempotentFor      = 24 * time.Hour
	maxIdempotentBytes = 1 << 20
	pruneAtOnce        = 200
)

// answer is what a request with an idempotency key got. The body is sealed: it may show a new token.
type answer struct {
	Request string // hash
	Status  int
	At      time.Time
	Box     []byte
}

// Idempotent returns what the same principal's request with that key got within the last 24 hours. Conflict when it was another request.
func (s *Store) Idempotent(key, principal, requestHash string) (response []byte, status int, found bool, err error) {
	id := idempotentKey(key, principal)
	err = s.view(func(t *tx) error {
		a, ok, err := find[answer](t, idempotentBucket, id)
		if err != nil || !ok || expired(t, a.At.Add(idempotentFor)) {
			return err
		}
		if a.Request != requestHash {
			return conflict("use a new key for each request", "the idempotency key %q was used for another request", paas.Clip(key, 80))
		}
		response, err = s.seals.open(idempotentBucket, id, uint64(a.At.UnixMilli()), a.Box)
		status, found = a.Status, err == nil
		return err
	})
	return response, status, found, err
}

// SaveIdempotent keeps an answer of at most 1 MiB for 24 hours. One that is there already stays.
func (s *Store) SaveIdempotent(key, principal, requestHash string, response []byte, status int) error {
	if len(response) > maxIdempotentBytes {
		return fmt.Errorf("keep answer: %d bytes are more than %d", len(response), maxIdempotentBytes)
	}
	id := idempotentKey(key, principal)
	return s.update(func(t *tx) error {
		if err := t.pruneIdempotent(); err != nil {
			return err
		}
		if old, ok, err := find[answer](t, idempotentBucket, id); err != nil || ok && !expired(t, old.At.Add(idempotentFor)) {
			return err
		}
		box := s.seals.seal(idempotentBucket, id, uint64(t.now.UnixMilli()), response)
		return errors.Join(
			t.put(idempotentBucket, id, answer{requestHash, status, t.now, box}),
			t.mark(idempotentAgeBucket, path(number(uint64(t.now.UnixNano())), id)),
		)
	})
}

// pruneIdempotent removes some of what has expired.
func (t *tx) pruneIdempotent() error {
	var old []string
	err := t.eachRaw(idempotentAgeBucket, "", func(key string, _ []byte) error {
		if len(key) < 9 || len(old) == pruneAtOnce || !expired(t, time.Unix(0, int64(numberAt(key[:8]))).Add(idempotentFor)) {
			return errStop
		}
		old = append(old, key)
		return nil
	})
	for _, key := range old {
		err = errors.Join(err, t.delete(idempotentAgeBucket, key), t.delete(idempotentBucket, key[9:]))
	}
	return err
}

// idempotentKey is fixed in length, whatever the client sent as its key.
func idempotentKey(key, principal string) string {
	sum := sha256.New()
	_, _ = fmt.Fprintf(sum, "%d:%s%s", len(key), key, principal)
	return hex.EncodeToString(sum.Sum(nil))
}
