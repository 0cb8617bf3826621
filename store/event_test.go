package store

import (
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/cloudsania/cloudsania/paas"
)

func TestEventsAreFiltered(t *testing.T) {
	s := opened(t)
	a, b := newSite(t, s, "a"), newSite(t, s, "b")
	at := got(s.PathOf(a.app.ID))(t)
	for i := range 5 {
		must(t, note(s, anna, fmt.Sprintf("test.%d", i), "thing", at, nil))
	}
	must(t, note(s, anna, "test.b", "thing", got(s.PathOf(b.app.ID))(t), nil))

	all := got(s.Events(EventFilter{}))(t)
	for i, e := range all {
		if e.Seq != uint64(len(all)-i) {
			t.Fatalf("event %d stands at %d", e.Seq, i)
		}
	}
	for name, c := range map[string]struct {
		f    EventFilter
		want string
	}{
		"limit":          {EventFilter{Limit: 2}, "test.b test.4"},
		"before":         {EventFilter{Before: all[0].Seq, Limit: 1}, "test.4"},
		"subject":        {EventFilter{Subject: "thing", Limit: 3}, "test.b test.4 test.3"},
		"subject before": {EventFilter{Subject: "thing", Before: all[2].Seq, Limit: 9}, "test.2 test.1 test.0"},
		"app":            {EventFilter{Path: paas.Path{App: a.app.ID}}, "test.4 test.3 test.2 test.1 test.0 app.placed app.created"},
		"app's subject":  {EventFilter{Path: at, Subject: a.app.ID}, "app.placed app.created"},
		"other team":     {EventFilter{Path: paas.Path{Team: "tea_other"}}, ""},
		"unknown":        {EventFilter{Subject: "thin"}, ""},
		"team":           {EventFilter{Path: paas.Path{Team: at.Team}, Limit: 1}, "test.b"},
	} {
		var have []string
		for _, e := range got(s.Events(c.f))(t) {
			have = append(have, string(e.Action))
		}
		if strings.Join(have, " ") != c.want {
			t.Errorf("%s: got %q, want %q", name, strings.Join(have, " "), c.want)
		}
	}
}

// Commit messages and names arrive in any encoding; what is hashed must be what is read back.
func TestOddTextKeepsTheChainWhole(t *testing.T) {
	s := opened(t)
	odd := "caf\xe9 \xff\xfe \u2028 <b> \x00 \U0001F600"
	must(t, note(s, paas.Actor{Kind: paas.ActorUser, Name: odd, Addr: odd}, odd, odd, paas.Path{App: odd}, map[string]string{odd: odd, "": "", "long": strings.Repeat("ä", 5000)}))
	must(t, note(s, anna, "next", "", paas.Path{}, nil))
	if r := got(s.VerifyEvents())(t); !r.OK() || r.Hash == "" || r.Events < 3 || r.First.IsZero() || r.Last.IsZero() {
		t.Fatalf("%+v", r)
	}
	e := got(s.Events(EventFilter{Limit: 2}))(t)[1]
	if n := len([]rune(e.Detail["long"])); n != maxDetailRunes {
		t.Fatalf("the detail has %d characters", n)
	}
}

// Each way to change the past, by somebody who can write the file (checksums included) but has no key.
func TestVerifyFindsEveryTampering(t *testing.T) {
	stored := func(tx *Tx, seq uint64) storedEvent {
		payload, _, err := tx.raw(eventBucket, number(seq))
		if err != nil {
			panic(err)
		}
		return got(splitEvent(slices.Clone(payload)))(t)
	}
	read := func(tx *Tx, seq uint64) eventBody { return got(stored(tx, seq).decode(number(seq)))(t) }
	// forge writes an event; with "" its hash is made anew
	forge := func(tx *Tx, at uint64, e eventBody, hash string) (string, error) {
		payload, sum, err := encodeEvent(e)
		if hash != "" {
			copy(payload[1:], got(hex.DecodeString(hash))(t))
		}
		return sum, errors.Join(err, tx.putRaw(eventBucket, number(at), payload))
	}
	write := func(tx *Tx, at uint64, e eventBody) error { _, err := forge(tx, at, e, e.Hash); return err }
	remove := func(tx *Tx, seqs ...uint64) error {
		for _, n := range seqs {
			if err := tx.delete(eventBucket, number(n)); err != nil {
				return err
			}
		}
		return nil
	}
	for _, c := range []struct {
		name, problem string
		seq           uint64
		tamper        func(*Tx, uint64) error
	}{
		{"edited", "content was changed", 4, func(tx *Tx, _ uint64) error {
			e := read(tx, 4)
			e.Actor.ID = "usr_nobody"
			return write(tx, 4, e)
		}},
		{"edited and hashed again", "does not follow", 5, func(tx *Tx, _ uint64) error {
			e := read(tx, 4)
			e.Action, e.Hash = "nothing.happened", ""
			return write(tx, 4, e)
		}},
		{"time set back", "content was changed", 4, func(tx *Tx, _ uint64) error {
			e := read(tx, 4)
			e.Time = e.Time.AddDate(0, 0, -1)
			return write(tx, 4, e)
		}},
		{"deleted", "1 events are missing", 4, func(tx *Tx, _ uint64) error { return remove(tx, 4) }},
		{"first deleted", "1 events are missing", 1, func(tx *Tx, _ uint64) error { return remove(tx, 1) }},
		{"swapped", "stands in its place", 4, func(tx *Tx, _ uint64) error {
			a, b := read(tx, 4), read(tx, 5)
			return errors.Join(write(tx, 4, b), write(tx, 5, a))
		}},
		{"cut short", "end of the chain is missing", 8, func(tx *Tx, last uint64) error { return remove(tx, 8, 9, last) }},
		{"cut short with an older head", "sealed head of the chain was changed", 9, func(tx *Tx, last uint64) error {
			h, _, err := find[chainHead](tx, metaBucket, "head")
			if err != nil {
				return err
			}
			h.Seq = last - 1
			return errors.Join(remove(tx, last), tx.put(metaBucket, "head", h))
		}},
		{"rewritten from 4 on", "not the one that the sealed head names", 10, func(tx *Tx, last uint64) error {
			prev := read(tx, 3).Hash
			for n := uint64(4); n <= last; n++ {
				e := read(tx, n)
				e.Detail, e.Prev = map[string]string{"n": "forged"}, prev
				var err error
				if prev, err = forge(tx, n, e, ""); err != nil {
					return err
				}
			}
			return nil
		}},
		{"inserted at the end", "added behind the sealed head", 11, func(tx *Tx, last uint64) error {
			return write(tx, last+1, eventBody{Event: paas.Event{Seq: last + 1, Time: tx.now, Action: "forged", Prev: read(tx, last).Hash}})
		}},
		{"everything deleted", "end of the chain is missing", 1, func(tx *Tx, last uint64) error {
			var all []uint64
			for n := uint64(1); n <= last; n++ {
				all = append(all, n)
			}
			return errors.Join(remove(tx, all...), tx.delete(metaBucket, "nothing"))
		}},
		{"another name beside it", "names beside it were changed", 4, func(tx *Tx, _ uint64) error {
			p, _, err := find[personal](tx, eventPersonalBucket, number(4))
			p.Name = "Nobody"
			return errors.Join(err, tx.put(eventPersonalBucket, number(4), p))
		}},
		{"garbage", "cannot be read", 4, func(tx *Tx, _ uint64) error {
			return tx.branch(eventBucket).Put([]byte(number(4)), []byte("garbage"))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := opened(t)
			for i := range 8 {
				must(t, note(s, anna, fmt.Sprintf("test.%d", i), "x", paas.Path{}, nil))
			}
			r := got(s.VerifyEvents())(t)
			if !r.OK() || r.Events != 10 {
				t.Fatalf("before: %+v", r)
			}
			must(t, s.update(func(tx *Tx) error { return c.tamper(tx, r.Events) }))
			r = got(s.VerifyEvents())(t)
			if r.OK() || r.Breaks[0].Seq != c.seq || !strings.Contains(r.Breaks[0].Problem, c.problem) {
				t.Fatalf("got %+v, want %q at %d", r.Breaks, c.problem, c.seq)
			}
		})
	}
}

func TestVerifyGoesThroughManyBatches(t *testing.T) {
	s := opened(t)
	must(t, s.update(func(tx *Tx) error {
		for range verifyBatch + 10 {
			if err := tx.event(paas.ClaimOffered{}, "", paas.Path{}); err != nil {
				return err
			}
		}
		return nil
	}))
	if r := got(s.VerifyEvents())(t); !r.OK() || r.Events != verifyBatch+12 {
		t.Fatalf("%+v", r)
	}
}

// A change that fails leaves neither itself nor its event.
func TestChangeAndEventAreOne(t *testing.T) {
	s := opened(t)
	w := newSite(t, s, "shop")
	before := dump(t, s)
	wantKind(t, s.UpdateApp(anna, w.app.ID, func(a *paas.App) error {
		a.Build.Root = "x"
		return paas.Invalidf("x", "", "no")
	}), paas.Invalid)
	_, err := s.CreateApp(anna, NewApp{Name: "other", Variables: []paas.Variable{{Name: "1BAD"}}})
	wantKind(t, err, paas.Invalid)
	after := dump(t, s)
	if len(before) != len(after) {
		t.Fatalf("%d records became %d", len(before), len(after))
	}
	must(t, s.UpdateApp(anna, w.app.ID, func(a *paas.App) error { a.Build.Root = "web"; return nil }))
	if e := got(s.Events(EventFilter{Limit: 1}))(t)[0]; e.Action != "app.updated" || e.Before["root"] != "" || e.After["root"] != "web" || len(e.After) != 1 || e.Actor != anna {
		t.Fatalf("%+v", e)
	}
}

// What a person was called goes when they go; that something was done by them stays, and nothing looks forged.
func TestErasedPersonBreaksNoChain(t *testing.T) {
	s := opened(t)
	bo := paas.Actor{Kind: paas.ActorUser, ID: "usr_bo", Name: "Bo Secretname", Addr: "198.51.100.77"}
	ctx := WithRequest(t.Context(), Request{ID: "req_1", Reason: "cleaning up", OnBehalf: "usr_carla"})
	at := paas.Path{Environment: "env_1", Service: "svc_1"}
	must(t, s.Change(ctx, bo, func(tx *Tx) error {
		return tx.record(paas.Event{Action: "volume.detached", Subject: "svc_1", Related: []string{"vol_1"}, Path: at,
			Detail: map[string]string{"user_agent": "Netscape", "n": "1"}, Before: map[string]string{"size": ""}, After: map[string]string{"size": "5"}})
	}))
	must(t, note(s, anna, "other", "", paas.Path{}, nil))
	want := paas.Event{Actor: bo, OnBehalf: "usr_carla", Request: "req_1", Reason: "cleaning up", Detail: map[string]string{"user_agent": "Netscape", "n": "1"},
		Before: map[string]string{"size": ""}, After: map[string]string{"size": "5"}}
	for name, f := range map[string]EventFilter{"actor": {Actor: bo.ID}, "on behalf": {Actor: "usr_carla"}, "volume": {Subject: "vol_1"},
		"service": {Path: paas.Path{Service: "svc_1"}}, "environment": {Path: paas.Path{Environment: "env_1"}}} {
		found := got(s.Events(f))(t)
		if len(found) != 1 {
			t.Fatalf("by %s: %d events", name, len(found))
		}
		e := found[0]
		have := paas.Event{Actor: e.Actor, OnBehalf: e.OnBehalf, Request: e.Request, Reason: e.Reason, Detail: e.Detail, Before: e.Before, After: e.After}
		if !reflect.DeepEqual(have, want) {
			t.Errorf("by %s: %+v", name, have)
		}
	}
	must(t, s.update(func(tx *Tx) error { return tx.ErasePerson(bo.ID) }))
	if e := got(s.Events(EventFilter{Actor: bo.ID}))(t)[0]; e.Actor != (paas.Actor{Kind: paas.ActorUser, ID: bo.ID}) || e.Detail["user_agent"] != "" || e.Detail["n"] != "1" {
		t.Errorf("%+v", e)
	}
	if e := got(s.Events(EventFilter{Limit: 1}))(t)[0]; e.Actor != anna {
		t.Errorf("another person lost their name: %+v", e.Actor)
	}
	if r := got(s.VerifyEvents())(t); !r.OK() {
		t.Errorf("%+v", r.Breaks)
	}
	for at, value := range dump(t, s) {
		if strings.Contains(value, "Secretname") || strings.Contains(value, bo.Addr) || strings.Contains(value, "Netscape") {
			t.Errorf("it is still in %s", at)
		}
	}
}
