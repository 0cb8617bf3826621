package store

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/cloudsania/cloudsania/paas"
)

// An event is stored in one of these formats, and its hash is over the stored bytes by the rule of its format: no later change of a type
// can make an old event look different.
//
//	1  the event as JSON with its hash as the last member; hashed with that member empty (schema 1, names of people included)
//	2  the byte 2, the hash, and the event as JSON without it; hashed are the byte 2 and the JSON
const (
	eventFormat1 = '{'
	eventFormat2 = 2
)

var hashMember = []byte(`"hash":"`)

// storedEvent is an event as it stands in the database.
type storedEvent struct {
	format byte
	hash   string // hex, as it is stored
	body   []byte // what is hashed, without the format of 2
}

// eventBody is an event of format 2: its actor has no name and no address.
type eventBody struct {
	paas.Event
	Personal string `json:"personal,omitempty"` // hex SHA-256 of the record beside it
}

// personal is what an event says of people. It is beside the chain, which holds its hash alone: the salt keeps names from being guessed
// out of that once the record is erased.
type personal struct {
	Salt   []byte            `json:"salt"`
	Name   string            `json:"name,omitempty"`
	Addr   string            `json:"addr,omitempty"`
	Detail map[string]string `json:"detail,omitempty"`
}

// personalDetails are the members of Detail that are kept beside the chain.
var personalDetails = map[string]bool{"email": true, "address": true, "person": true, "user_agent": true}

// splitEvent takes a stored event apart.
func splitEvent(payload []byte) (storedEvent, error) {
	switch {
	case len(payload) > 1+sha256.Size && payload[0] == eventFormat2:
		return storedEvent{eventFormat2, hex.EncodeToString(payload[1 : 1+sha256.Size]), payload[1+sha256.Size:]}, nil
	case len(payload) > 0 && payload[0] == eventFormat1:
		return splitEvent1(payload)
	}
	return storedEvent{}, damaged("an event is stored in an unknown format")
}

// splitEvent1 blanks the hash, which is the last member.
func splitEvent1(payload []byte) (storedEvent, error) {
	const end = `"}`
	at := bytes.LastIndex(payload, hashMember) + len(hashMember)
	if at < len(hashMember) || at+2*sha256.Size+len(end) != len(payload) || !bytes.HasSuffix(payload, []byte(end)) {
		return storedEvent{}, damaged("an event of format 1 does not end with its hash")
	}
	body := append(bytes.Clone(payload[:at]), end...)
	return storedEvent{eventFormat1, string(payload[at : at+2*sha256.Size]), body}, nil
}

// sum is the hash that the event should have.
func (e storedEvent) sum() string {
	h := sha256.New()
	if e.format != eventFormat1 {
		h.Write([]byte{e.format})
	}
	h.Write(e.body)
	return hex.EncodeToString(h.Sum(nil))
}

// decode reads the event; the actor has no name yet in format 2.
func (e storedEvent) decode(key string) (eventBody, error) {
	body, err := decodeJSON[eventBody](eventBucket, key, e.body)
	body.Hash = e.hash
	if e.format == eventFormat1 && paas.IsID("env", body.Detail["environment"]) {
		body.Path.Environment = body.Detail["environment"] // it stood only there
	}
	return body, err
}

// encodeEvent is the stored form of an event of format 2, and its hash.
func encodeEvent(body eventBody) ([]byte, string, error) {
	body.Hash = ""
	raw, err := json.Marshal(body)
	if err != nil {
		return nil, "", fmt.Errorf("encode event: %w", err)
	}
	e := storedEvent{format: eventFormat2, body: raw}
	e.hash = e.sum()
	hash, err := hex.DecodeString(e.hash)
	return append(append([]byte{eventFormat2}, hash...), raw...), e.hash, err
}

// partPersonal takes what the event says of people out of it; nil when it says nothing.
func partPersonal(e *paas.Event) ([]byte, error) {
	p := personal{Name: e.Actor.Name, Addr: e.Actor.Addr, Detail: map[string]string{}}
	e.Actor.Name, e.Actor.Addr = "", ""
	for k, v := range e.Detail {
		if personalDetails[k] {
			p.Detail[k] = v
			delete(e.Detail, k)
		}
	}
	if p.Name == "" && p.Addr == "" && len(p.Detail) == 0 || e.Actor.Kind == paas.ActorSystem && p.Addr == "" && len(p.Detail) == 0 {
		return nil, nil
	}
	p.Salt = make([]byte, 16)
	if _, err := rand.Read(p.Salt); err != nil {
		return nil, fmt.Errorf("salt an event: %w", err)
	}
	return json.Marshal(p)
}

func sumOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// joinPersonal gives the event back what it says of people, unless that was erased.
func (t *Tx) joinPersonal(key string, body eventBody) (paas.Event, error) {
	e := body.Event
	if e.Actor.Kind == paas.ActorSystem && e.Actor.Name == "" {
		e.Actor.Name = paas.System.Name
	}
	if body.Personal == "" {
		return e, nil
	}
	p, ok, err := find[personal](t, eventPersonalBucket, key)
	if err != nil || !ok {
		return e, err
	}
	e.Actor.Name, e.Actor.Addr = p.Name, p.Addr
	for k, v := range p.Detail {
		if e.Detail == nil {
			e.Detail = map[string]string{}
		}
		e.Detail[k] = v
	}
	return e, nil
}

// readEvent is the event in a record, as it is shown.
func (t *Tx) readEvent(key string, payload []byte) (paas.Event, error) {
	stored, err := splitEvent(payload)
	if err != nil {
		return paas.Event{}, err
	}
	body, err := stored.decode(key)
	if err != nil {
		return paas.Event{}, err
	}
	return t.joinPersonal(key, body)
}

// ErasePerson removes the names, addresses and the like of a person from the events that they, or others about them, caused since schema 2.
// The events stay, with ids, and the chain holds.
func (t *Tx) ErasePerson(id string) error {
	keys, err := t.keys(eventOfBucket, path(id, ""))
	for _, key := range keys {
		if err != nil {
			return err
		}
		err = t.delete(eventPersonalBucket, number(numberAt(key)))
	}
	return err
}
