package store

import (
	"errors"
	"slices"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

const (
	maxSessions  = 50 // of a user; the oldest makes room
	maxHashBytes = 256
	touchEvery   = time.Minute // a write for each request would wear the disk for nothing
)

// CreateSession keeps a session under the hash of its secret. Epoch and the times are filled in. Conflict when the hash is in use.
func (t *Tx) CreateSession(in paas.Session) error {
	if in.Hash == "" || len(in.Hash) > maxHashBytes || in.Expires.IsZero() {
		return paas.Invalidf("session", "", "a session needs the hash of its secret and an end")
	}
	in.UserAgent, in.Addr = paas.Clip(in.UserAgent, 300), paas.Clip(in.Addr, 100)
	u, err := get[userRecord](t, userBucket, in.User)
	if err != nil {
		return err
	}
	if t.has(sessionBucket, in.Hash) {
		return conflict("", "there is such a session already")
	}
	if err := t.makeRoom(in.User); err != nil {
		return err
	}
	in.Epoch, in.Created, in.Seen, in.Authenticated = u.Epoch, t.now, t.now, t.now
	if err := errors.Join(t.put(sessionBucket, in.Hash, in), t.mark(sessionOfBucket, path(in.User, in.Hash))); err != nil {
		return err
	}
	return t.byPerson(u.User, in.Addr).userEvent(paas.SessionCreated{UserAgent: in.UserAgent}, u.User)
}

// Session by the hash of its secret, if it is valid now: not expired, of the user's present epoch, and the user is not disabled. Else
// NotFound.
func (t *Tx) Session(hash string) (paas.Session, error) {
	found, err := get[paas.Session](t, sessionBucket, hash)
	if err != nil {
		return paas.Session{}, noSession(err)
	}
	u, err := get[userRecord](t, userBucket, found.User)
	if err != nil {
		return paas.Session{}, noSession(err)
	}
	if !valid(t, found, u) {
		return paas.Session{}, noSession(nil)
	}
	return found, nil
}

// TouchSession moves a session's end when it is used. Within a minute of the last time it does nothing.
func (t *Tx) TouchSession(hash string, expires time.Time) error {
	found, err := t.Session(hash)
	if err != nil || t.now.Sub(found.Seen) < touchEvery {
		return err
	}
	found.Seen, found.Expires = t.now, expires
	return t.keep(sessionBucket, hash, found)
}

// DeleteSession signs out. One that is not there is fine.
func (t *Tx) DeleteSession(hash string) error {
	found, ok, err := find[paas.Session](t, sessionBucket, hash)
	if err != nil || !ok {
		return err
	}
	u, err := get[userRecord](t, userBucket, found.User)
	if err != nil {
		return err
	}
	if err := t.deleteSession(found); err != nil {
		return err
	}
	return t.byPerson(u.User, found.Addr).userEvent(paas.SessionEnded{}, u.User)
}

// SessionsOf a user that are valid now, the newest first.
func (t *Tx) SessionsOf(user string) ([]paas.Session, error) {
	u, err := get[userRecord](t, userBucket, user)
	if err != nil {
		return nil, err
	}
	all, err := t.sessionsOf(user)
	all = slices.DeleteFunc(all, func(x paas.Session) bool { return !valid(t, x, u) })
	slices.Reverse(all)
	return all, err
}

// DeleteSessionsOf signs a user out everywhere.
func (t *Tx) DeleteSessionsOf(user string) error {
	u, err := get[userRecord](t, userBucket, user)
	if err != nil {
		return err
	}
	all, err := t.sessionsOf(user)
	if err != nil || len(all) == 0 {
		return err
	}
	for _, x := range all {
		if err := t.deleteSession(x); err != nil {
			return err
		}
	}
	return t.byPerson(u.User, "").userEvent(paas.SessionsEnded{}, u.User)
}

// sessionsOf a user by age, also those that are void.
func (t *Tx) sessionsOf(user string) ([]paas.Session, error) {
	var out []paas.Session
	err := t.eachRaw(sessionOfBucket, path(user, ""), func(key string, _ []byte) error {
		x, err := get[paas.Session](t, sessionBucket, key[len(path(user, "")):])
		out = append(out, x)
		return err
	})
	slices.SortStableFunc(out, func(a, b paas.Session) int { return a.Created.Compare(b.Created) })
	return out, err
}

// makeRoom removes a user's void sessions, and the oldest ones over the limit.
func (t *Tx) makeRoom(user string) error {
	u, err := get[userRecord](t, userBucket, user)
	if err != nil {
		return err
	}
	all, err := t.sessionsOf(user)
	if err != nil {
		return err
	}
	over := len(all) - maxSessions + 1
	for i, x := range all {
		if i < over || !valid(t, x, u) {
			err = errors.Join(err, t.deleteSession(x))
		}
	}
	return err
}

func (t *Tx) deleteSession(x paas.Session) error {
	return errors.Join(t.delete(sessionBucket, x.Hash), t.delete(sessionOfBucket, path(x.User, x.Hash)))
}

func valid(t *Tx, x paas.Session, u userRecord) bool {
	return x.Epoch == u.Epoch && !u.Disabled && !expired(t, x.Expires)
}

// expired reports whether a moment has come; the zero time never does.
func expired(t *Tx, at time.Time) bool { return !at.IsZero() && !t.now.Before(at) }

// noSession hides which part of a session was not found.
func noSession(err error) error {
	if err == nil || paas.IsKind(err, paas.NotFound) {
		return &paas.Error{Kind: paas.NotFound, Msg: "this session has ended", Hint: "sign in again"}
	}
	return err
}
