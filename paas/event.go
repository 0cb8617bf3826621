package paas

import "time"

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

// Event is one entry of the hash chain: written in the transaction of the change that it tells of. The names and addresses of people are
// kept beside the chain, so that they can be erased and the chain still holds: an Actor of a person who was erased has its id alone.
type Event struct {
	Seq      uint64            `json:"seq"`
	Time     time.Time         `json:"time"`
	Actor    Actor             `json:"actor"`
	OnBehalf string            `json:"on_behalf,omitempty"` // id of the person that a token or an agent acted for
	Action   EventName         `json:"action"`
	Subject  string            `json:"subject"`           // id of what it is about
	Related  []string          `json:"related,omitempty"` // ids of what else it is about: volumes, services, a release
	Path     Path              `json:"path"`
	Request  string            `json:"request,omitempty"` // id of the request, as in the log
	Reason   string            `json:"reason,omitempty"`  // that the person gave
	Detail   map[string]string `json:"detail,omitempty"`  // never a secret's value
	Before   map[string]string `json:"before,omitempty"`  // settings that were changed, as they were
	After    map[string]string `json:"after,omitempty"`   // and as they are; "" was not set
	Prev     string            `json:"prev"`              // hex SHA-256 of the event before; 64 zeros for the first
	Hash     string            `json:"hash,omitempty"`    // hex SHA-256 of what is stored: see store
}

// FirstPrev is what the first event's Prev holds.
const FirstPrev = "0000000000000000000000000000000000000000000000000000000000000000"
