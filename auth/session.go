package auth

import (
	"context"
	"slices"
	"time"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/store"
)

const (
	sessionIdle    = 12 * time.Hour
	sessionLife    = 7 * 24 * time.Hour
	sessionIDChars = 16
	maxSessionText = 100
)

// SignedIn is a session that has just begun. Secret is for the browser's cookie and nowhere else.
type SignedIn struct {
	User     paas.User
	Secret   paas.Secret
	Lifetime time.Duration // at most, from now on
}

// Session is a browser that a person is signed in with.
type Session struct {
	ID                     string // names the session and is of no use for signing in
	UserAgent, Addr        string
	Created, Seen, Expires time.Time
	Current                bool // the one that asks
}

// Session finds whose browser holds that secret. A session that is not valid any more is the anonymous principal, not
// an error: what was asked for decides whether one has to sign in.
func (a *Authenticator) Session(secret paas.Secret, addr string) (access.Principal, error) {
	anonymous := access.Principal{Addr: addr}
	if secret.IsZero() || len(secret.Reveal()) > maxSessionText {
		return anonymous, nil
	}
	ses, err := a.store.Session(hashOf(secret))
	if paas.IsKind(err, paas.NotFound) {
		return anonymous, nil
	}
	if err != nil {
		return anonymous, err
	}
	u, err := a.store.User(ses.User)
	if err != nil {
		return anonymous, err
	}
	return a.userPrincipal(u, ses.Hash, addr)
}

// KeepAlive moves the end of the session that a person just used; a principal without one is left alone. Streams do
// not call it: a forgotten tab is not a person at work.
func (a *Authenticator) KeepAlive(by access.Principal) error {
	if by.Session == "" {
		return nil
	}
	ses, err := a.store.Session(by.Session)
	if err != nil {
		return err
	}
	return a.store.TouchSession(ses.Hash, sessionEnd(ses.Created, a.now()))
}

// SignOut ends the session that asks.
func (a *Authenticator) SignOut(by access.Principal) error { return a.store.DeleteSession(by.Session) }

// Sessions are the browsers that a person is signed in with, the last used first; none for principals that are not of
// a person.
func (a *Authenticator) Sessions(by access.Principal) ([]Session, error) {
	if by.User == "" {
		return nil, nil
	}
	kept, err := a.store.SessionsOf(by.User)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(kept, func(x, y paas.Session) int { return y.Seen.Compare(x.Seen) })
	out := make([]Session, len(kept))
	for i, ses := range kept {
		out[i] = Session{
			ID:        sessionID(ses),
			UserAgent: ses.UserAgent,
			Addr:      ses.Addr,
			Created:   ses.Created,
			Seen:      ses.Seen,
			Expires:   ses.Expires,
			Current:   ses.Hash == by.Session,
		}
	}
	return out, nil
}

// EndSession signs one of the person's own browsers out. One that is not there is fine.
func (a *Authenticator) EndSession(by access.Principal, id string) error {
	return a.endSessions(by, func(ses paas.Session) bool { return sessionID(ses) == id })
}

// EndOtherSessions signs the person out everywhere but here.
func (a *Authenticator) EndOtherSessions(by access.Principal) error {
	return a.endSessions(by, func(ses paas.Session) bool { return ses.Hash != by.Session })
}

func (a *Authenticator) endSessions(by access.Principal, which func(paas.Session) bool) error {
	return a.store.Change(context.Background(), by.Actor(), func(t *store.Tx) error {
		sessions, err := t.SessionsOf(by.User)
		if err != nil {
			return err
		}
		for _, ses := range sessions {
			if which(ses) {
				if err := t.DeleteSession(ses.Hash); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// accountChange is what happens to an account before its person is signed in.
type accountChange func(t *store.Tx) (user string, err error)

// startSession makes a change to an account and signs the browser in to the one that it returns, in one transaction.
// The session that the browser had before ends; the new one has a new secret.
func (a *Authenticator) startSession(ctx context.Context, by paas.Actor, in Browser, change accountChange) (out SignedIn, err error) {
	secret := newSecret(secretBytes)
	err = a.store.Change(ctx, by, func(t *store.Tx) error {
		user, err := change(t)
		if err != nil {
			return err
		}
		if !in.Session.IsZero() {
			if err := t.DeleteSession(hashOf(in.Session)); err != nil {
				return err
			}
		}
		u, err := t.User(user)
		if err != nil {
			return err
		}
		out = SignedIn{User: u, Secret: secret, Lifetime: sessionLife}
		return t.CreateSession(paas.Session{
			Hash:      hashOf(secret),
			User:      u.ID,
			UserAgent: in.UserAgent,
			Addr:      in.Addr,
			How:       u.Factors(),
			Expires:   sessionEnd(t.Now(), t.Now()),
		})
	})
	if err != nil {
		return SignedIn{}, err
	}
	return out, nil
}

// sessionEnd is when a session that is used now ends: after a while of rest, and for good after a week.
func sessionEnd(created, now time.Time) time.Time {
	idle, life := now.Add(sessionIdle), created.Add(sessionLife)
	if life.Before(idle) {
		return life
	}
	return idle
}

// sessionID is the beginning of a hash: it cannot be turned back into the secret.
func sessionID(ses paas.Session) string { return ses.Hash[:sessionIDChars] }
