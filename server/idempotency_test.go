package server_test

import (
	"strings"
	"testing"

	"github.com/cloudsania/cloudsania/server"
	"github.com/cloudsania/cloudsania/server/servertest"

	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/paas"
)

func keyed(key, body string) servertest.Ask {
	return servertest.Ask{Method: "POST", Path: "/api/v1/tokens", Local: true, Body: body, Header: map[string]string{"Idempotency-Key": key}}
}

func TestIdempotencyKeyRepeatsTheAnswer(t *testing.T) {
	r := servertest.Claimed(t)
	var first, again api.NewToken
	r.Want(201, keyed("k1", `{"name":"ci"}`), &first)
	got := r.Want(201, keyed("k1", `{"name":"ci"}`), &again)
	if first.Text == "" || first.ID != again.ID || first.Text != again.Text || got.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("%+v, again %+v", first, again)
	}
	if e := r.Refused(409, keyed("k1", `{"name":"other"}`)); !strings.Contains(e.Message, "idempotency key") {
		t.Errorf("the same key for something else: %+v", e)
	}
	r.Want(201, keyed("k2", `{"name":"ci"}`), &again)
	if again.ID == first.ID {
		t.Error("another key repeats the answer")
	}
	// keys of one person mean nothing for another
	a := keyed("k1", `{"name":"ci"}`)
	a.Local, a.Cookie = false, r.Session()
	r.Want(201, a, &again)
	if again.ID == first.ID {
		t.Error("somebody else's answer is repeated")
	}
	r.Refused(400, keyed(strings.Repeat("x", server.MaxKeyBytes+1), `{"name":"ci"}`))
}

func TestFailuresMayBeTriedAgain(t *testing.T) {
	r := servertest.Claimed(t)
	create := servertest.Ask{Method: "POST", Path: "/api/v1/apps", Local: true, Body: `{"name":"shop"}`, Header: map[string]string{"Idempotency-Key": "k"}}
	a := r.App("shop")
	r.Refused(409, create)
	if _, err := r.Store.DeleteApp(paas.System, a.ID); err != nil {
		t.Fatal(err)
	}
	if err := r.Store.FinishRemoval(a.ID); err != nil {
		t.Fatal(err)
	}
	r.Want(201, create, nil)
	r.Want(201, create, nil) // this one is remembered
}

func TestOneRequestPerKeyAtATime(t *testing.T) {
	r := servertest.Claimed(t)
	if !r.Server.HoldKey("root: k") {
		t.Fatal("cannot hold")
	}
	r.Refused(409, keyed("k", `{"name":"ci"}`))
	r.Server.ReleaseKey("root: k")
	r.Want(201, keyed("k", `{"name":"ci"}`), nil)
	if r.Server.HeldKeys() != 0 {
		t.Error("keys stay held")
	}
}
