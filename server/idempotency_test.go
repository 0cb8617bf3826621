package server

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/paas"
)

func withPeer(q *http.Request, p peer) *http.Request {
	return q.WithContext(context.WithValue(q.Context(), peerKey{}, p))
}

func keyed(key, body string) ask {
	return ask{method: "POST", path: "/api/v1/tokens", local: true, body: body, header: map[string]string{"Idempotency-Key": key}}
}

func TestIdempotencyKeyRepeatsTheAnswer(t *testing.T) {
	r := newClaimed(t)
	var first, again api.NewToken
	r.want(201, keyed("k1", `{"name":"ci"}`), &first)
	got := r.want(201, keyed("k1", `{"name":"ci"}`), &again)
	if first.Text == "" || first.ID != again.ID || first.Text != again.Text || got.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("%+v, again %+v", first, again)
	}
	if e := r.refused(409, keyed("k1", `{"name":"other"}`)); !strings.Contains(e.Message, "idempotency key") {
		t.Errorf("the same key for something else: %+v", e)
	}
	r.want(201, keyed("k2", `{"name":"ci"}`), &again)
	if again.ID == first.ID {
		t.Error("another key repeats the answer")
	}
	// keys of one person mean nothing for another
	a := keyed("k1", `{"name":"ci"}`)
	a.local, a.cookie = false, r.session()
	r.want(201, a, &again)
	if again.ID == first.ID {
		t.Error("somebody else's answer is repeated")
	}
	r.refused(400, keyed(strings.Repeat("x", maxKeyBytes+1), `{"name":"ci"}`))
}

func TestFailuresMayBeTriedAgain(t *testing.T) {
	r := newClaimed(t)
	create := ask{method: "POST", path: "/api/v1/apps", local: true, body: `{"name":"shop"}`, header: map[string]string{"Idempotency-Key": "k"}}
	a := r.app("shop")
	r.refused(409, create)
	if _, err := r.Store.DeleteApp(paas.System, a.ID); err != nil {
		t.Fatal(err)
	}
	if err := r.Store.FinishRemoval(a.ID); err != nil {
		t.Fatal(err)
	}
	r.want(201, create, nil)
	r.want(201, create, nil) // this one is remembered
}

func TestOneRequestPerKeyAtATime(t *testing.T) {
	r := newClaimed(t)
	if !r.keys.hold("root: k") {
		t.Fatal("cannot hold")
	}
	r.refused(409, keyed("k", `{"name":"ci"}`))
	r.keys.release("root: k")
	r.want(201, keyed("k", `{"name":"ci"}`), nil)
	if len(r.keys.held) != 0 {
		t.Errorf("keys stay held: %v", r.keys.held)
	}
}
