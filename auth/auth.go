// Package auth tells who asks: it turns passwords, second factors, claims, sessions and tokens into an
// access.Principal, and keeps the accounts of people. What a principal may do is for package access. It knows no
// HTTP: cookies, headers and peers are its callers'.
package auth

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/store"
)

// Options are what an Authenticator needs.
type Options struct {
	Store *store.Store
	Log   *slog.Logger
	Now   func() time.Time // nil: time.Now
}

// Authenticator checks credentials. Safe for concurrent use.
type Authenticator struct {
	store     *store.Store
	log       *slog.Logger
	now       func() time.Time
	passwords *passwords
	attempts  *throttle
	claimed   atomic.Bool // once true, always true
	preset    atomic.Bool // the open claim is one that the owner chose
	claiming  sync.Mutex  // one claim at a time

	epochs sync.Mutex
	watch  *store.Watcher
	epoch  uint64
}

// New returns an Authenticator of the people and tokens in the store.
func New(o Options) *Authenticator {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Authenticator{
		store:     o.Store,
		log:       o.Log,
		now:       o.Now,
		passwords: newPasswords(todaysCosts),
		attempts:  newThrottle(o.Now),
		watch:     o.Store.Watch(),
	}
}

// Browser is what is known about the browser that a person uses.
type Browser struct {
	Addr, UserAgent string
	Session         paas.Secret // that its cookie holds so far; a new session takes its place
}

// userPrincipal is a signed-in person, whose scope is the team.
func (a *Authenticator) userPrincipal(u paas.User, session, addr string) (access.Principal, error) {
	team, err := a.store.Team()
	if err != nil {
		return access.Principal{}, err
	}
	return access.Principal{
		Kind:    access.User,
		ID:      u.ID,
		User:    u.ID,
		Name:    u.Name,
		Role:    u.Role,
		Scope:   paas.Path{Team: team.ID},
		Session: session,
		Addr:    addr,
	}, nil
}
