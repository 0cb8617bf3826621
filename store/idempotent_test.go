package store

import (
	"context"
	"strings"
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
	must(t, s.View(func(tx *Tx) error {
		for _, b := range []bucket{idempotentBucket, idempotentAgeBucket} {
			if keys, err := tx.keys(b, ""); err != nil || len(keys) != 1 {
				t.Errorf("%s keeps %d records, %v", b, len(keys), err)
			}
		}
		return nil
	}))
}

// A request's change and the claim of its key are one: after a crash between change and answer the request is not carried out again.
func TestClaimedKeySurvivesACrash(t *testing.T) {
	o := options(t)
	s := withPool(t, mustOpen(t, o))
	asked := func() context.Context {
		return WithRequest(t.Context(), Request{Once: &Once{Key: "k", Principal: "p", RequestHash: "r"}})
	}
	create := func(ctx context.Context, name string) error {
		return s.Change(ctx, anna, func(t *Tx) error { _, err := t.CreateApp(NewApp{Name: name}); return err })
	}
	ctx := asked()
	wantKind(t, create(ctx, "NOT A NAME"), paas.Invalid)
	if _, _, found, err := s.Idempotent("k", "p", "r"); found || err != nil {
		t.Fatalf("a change that was refused left a claim: %v %v", found, err)
	}
	must(t, create(ctx, "shop"))
	must(t, create(ctx, "blog")) // the same request's second change
	must(t, s.Close())

	s = mustOpen(t, o)
	_, _, _, err := s.Idempotent("k", "p", "r")
	wantKind(t, err, paas.Conflict)
	if !strings.Contains(err.Error(), "was carried out") {
		t.Fatalf("got %v", err)
	}
	wantKind(t, create(asked(), "again"), paas.Conflict)
	if apps := got(s.Apps())(t); len(apps) != 2 {
		t.Fatalf("%d apps: the request was carried out twice, or not at all", len(apps))
	}
	must(t, s.SaveIdempotent("k", "p", "r", []byte("done"), 201))
	if b, status, found, err := s.Idempotent("k", "p", "r"); string(b) != "done" || status != 201 || !found || err != nil {
		t.Fatalf("%q %d %v %v", b, status, found, err)
	}
}
