package auth

import (
	"slices"

	"github.com/cloudsania/cloudsania/store"
)

// trusted are the nouns that decide who somebody is and what they may see.
var trusted = []store.Kind{
	store.KindEverything, store.KindSession, store.KindToken, store.KindUser, store.KindTeam, store.KindApp, store.KindRemoval,
}

// Epoch grows whenever a session, a token, a person or the set of apps has changed: as long as it is the same, and
// nothing has expired, whoever was let in would be let in again.
func (a *Authenticator) Epoch() uint64 {
	a.epochs.Lock()
	defer a.epochs.Unlock()
	if slices.ContainsFunc(a.watch.Take(), func(d store.Dirty) bool { return slices.Contains(trusted, d.Kind) }) {
		a.epoch++
	}
	return a.epoch
}
