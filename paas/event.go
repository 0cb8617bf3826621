package paas

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"
)

// Actor is who did something: a person, a token, the machine's administrator, or Cloudsania itself.
type Actor struct {
	Kind ActorKind `json:"kind"`
	ID   string    `json:"id,omitempty"`
	Name string    `json:"name,omitempty"`
	Addr string    `json:"addr,omitempty"` // client address, "" for local ones
}

// ActorKind is what sort of actor.
type ActorKind string

const (
	ActorUser   ActorKind = "user"
	ActorToken  ActorKind = "token"
	ActorRoot   ActorKind = "root" // the unix socket
	ActorClaim  ActorKind = "claim"
	ActorSystem ActorKind = "system"
)

// System is Cloudsania acting by itself.
var System = Actor{Kind: ActorSystem, Name: "cloudsania"}

// Event is one entry of the hash chain: written in the transaction of the change that it tells of.
type Event struct {
	Seq     uint64            `json:"seq"`
	Time    time.Time         `json:"time"`
	Actor   Actor             `json:"actor"`
	Action  string            `json:"action"`  // "app.created", "deployment.succeeded"
	Subject string            `json:"subject"` // id of what it is about
	Path    Path              `json:"path"`
	Detail  map[string]string `json:"detail,omitempty"` // never a secret's value
	Prev    string            `json:"prev"`             // hex SHA-256 of the event before; 64 zeros for the first
	Hash    string            `json:"hash"`
}

// FirstPrev is what the first event's Prev holds.
const FirstPrev = "0000000000000000000000000000000000000000000000000000000000000000"

// Sum is the hash of the event's content, Prev included and Hash left out, over its JSON encoding: unambiguous, since JSON delimits.
func (e Event) Sum() string {
	e.Hash = ""
	b, err := json.Marshal(e)
	if err != nil {
		panic(err) // strings, integers and times only
	}
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}
