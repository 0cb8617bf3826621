package store

import (
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

func TestIdempotencyKeys(t *testing.T) {
	s, c := timed(t)
	look := func(key, principal, request string) (string, int, bool, error) {
		b, status, found, err := s.Idempotent(key, principal, request)
		return string(b), status, found, err
	}
	if _, _, found, err := look("k", "p", "r"); found || err != nil {
		t.Fatalf("found %v, %v", found, err)
	}
	must(t, s.SaveIdempotent("k", "p", "r", []byte("first"), 201))
	must(t, s.SaveIdempotent("k", "p", "r", []byte("second"), 200))
	if b, status, found, err := look("k", "p", "r"); b != "first" || status != 201 || !found || err != nil {
		t.Fatalf("%q %d %v %v", b, status, found, err)
	}
	if _, _, found, err := look("k", "other", "r"); found || err != nil {
		t.Fatal("another principal sees the answer")
	}
	if _, _, found, err := look("kp", "", "r"); found || err != nil {
		t.Fatal("key and principal run together")
	}
	_, _, _, err := look("k", "p", "another request")
	wantKind(t, err, paas.Conflict)
	if err := s.SaveIdempotent("big", "p", "r", make([]byte, maxIdempotentBytes+1), 200); err == nil {
		t.Fatal("too large an answer was kept")
	}
	c.add(idempotentFor)
	if _, _, found, err := look("k", "p", "another request"); found || err != nil {
		t.Fatalf("after a day: %v %v", found, err)
	}
	c.add(time.Hour)
	must(t, s.SaveIdempotent("k2", "p", "r", nil, 204))
	must(t, s.view(func(tx *tx) error {
		for _, b := range []bucket{idempotentBucket, idempotentAgeBucket} {
			if keys, err := tx.keys(b, ""); err != nil || len(keys) != 1 {
				t.Errorf("%s keeps %d records, %v", b, len(keys), err)
			}
		}
		return nil
	}))
}
