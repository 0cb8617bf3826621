package access

import (
	"slices"

	"github.com/cloudsania/cloudsania/paas"
)

// Kind is what sort of principal asks.
type Kind string

const (
	Anonymous Kind = ""      // no credential; the zero value
	Claim     Kind = "claim" // holds the claim of an installation without an owner
	User      Kind = "user"  // a signed-in person
	Token     Kind = "token" // a scoped credential
	Root      Kind = "root"  // the machine's administrator on the local socket
)

// Principal is who asks, after authentication: Authorize believes every field. The zero value is anonymous.
type Principal struct {
	Kind    Kind
	ID      string    // usr_…, tok_…; "" for the others
	Name    string    // for events and pages
	Role    paas.Role // of a user
	Scope   paas.Path // of a user or token; without a team it contains nothing
	Actions []Action  // of a token; empty: every grantable action
	User    string    // who owns the token; a user's own id
	Session string    // hash of the session's secret, for a user
	Addr    string    // client address; "" for local ones
}

// Actor is the principal as events name it.
func (p Principal) Actor() paas.Actor {
	kinds := map[Kind]paas.ActorKind{User: paas.ActorUser, Token: paas.ActorToken, Root: paas.ActorRoot, Claim: paas.ActorClaim}
	return paas.Actor{Kind: kinds[p.Kind], ID: p.ID, Name: p.Name, Addr: p.Addr}
}

// may reports whether a token's own list has the action.
func (p Principal) may(a Action) bool { return len(p.Actions) == 0 || slices.Contains(p.Actions, a) }

// Sees reports whether the principal may know of what hangs there.
func (p Principal) Sees(path paas.Path) bool {
	return (p.Kind == User || p.Kind == Token || p.Kind == Root) && path.Team != "" && p.contains(path)
}

// contains reports whether the resource is within the principal's scope.
func (p Principal) contains(path paas.Path) bool {
	if p.Kind == Root {
		return true
	}
	return p.Scope.Team != "" && p.Scope.Contains(path)
}
