package server

import (
	"net/http"
	"time"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/paas"
)

const (
	sessionIdle = 12 * time.Hour
	sessionLife = 7 * 24 * time.Hour
)

// cookieName has the prefix that binds the cookie to this very host wherever browsers can honour it (RFC 6265bis, 4.1.3.2). On a
// secure connection the plain name is never read: an app on a sibling host could set that one.
func cookieName(secure bool) string {
	if secure {
		return "__Host-cs"
	}
	return "cs"
}

// session finds whose browser it is. A session that is not valid any more is the anonymous principal, not an error: the page that was
// asked for says what to do.
func (d *Doors) session(r *http.Request, secure bool) (access.Principal, error) {
	nobody := access.Principal{Addr: addrOf(r)}
	cookie, err := r.Cookie(cookieName(secure))
	if err != nil || cookie.Value == "" || len(cookie.Value) > 100 {
		return nobody, nil
	}
	ses, err := d.Store.Session(hashOf(cookie.Value))
	if paas.IsKind(err, paas.NotFound) {
		return nobody, nil
	}
	if err != nil {
		return nobody, err
	}
	u, err := d.Store.User(ses.User)
	if err != nil {
		return nobody, err
	}
	return d.userPrincipal(u, ses.Hash, nobody.Addr)
}

// keepAlive moves the end of a session that a person just used. Streams do not: a forgotten tab is not somebody at work.
func (d *Doors) keepAlive(hash string) error {
	ses, err := d.Store.Session(hash)
	if err != nil {
		return err
	}
	return d.Store.TouchSession(hash, sessionEnd(ses.Created, d.now()))
}

// sessionEnd is when a session that is used now ends: after a while of rest, and for good after a week.
func sessionEnd(created, now time.Time) time.Time {
	idle, life := now.Add(sessionIdle), created.Add(sessionLife)
	if life.Before(idle) {
		return life
	}
	return idle
}

func (d *Doors) userPrincipal(u paas.User, session, addr string) (access.Principal, error) {
	team, err := d.Store.Team()
	if err != nil {
		return access.Principal{}, err
	}
	return access.Principal{Kind: access.User, ID: u.ID, User: u.ID, Name: u.Name, Role: u.Role, Scope: paas.Path{Team: team.ID}, Session: session, Addr: addr}, nil
}

// startSession signs the browser in with a new id, whatever it had before.
func (s *Server) startSession(c *Call, u paas.User) error {
	if old, err := c.Cookie(cookieName(c.Secure)); err == nil && old.Value != "" {
		if err := s.Store.DeleteSession(hashOf(old.Value)); err != nil {
			return err
		}
	}
	secret, now := newSecret(secretBytes), s.Now()
	ses := paas.Session{Hash: hashOf(secret), User: u.ID, UserAgent: c.Request().UserAgent(), Addr: addrOf(c.Request()), Expires: sessionEnd(now, now)}
	if err := s.Store.CreateSession(ses); err != nil {
		return err
	}
	c.setCookie(secret, int(sessionLife/time.Second))
	return nil
}

func (c *Call) setCookie(value string, maxAge int) {
	c.SetCookie(&http.Cookie{Name: cookieName(c.Secure), Value: value, Path: "/", MaxAge: maxAge, Secure: c.Secure, HttpOnly: true, SameSite: http.SameSiteLaxMode})
}
