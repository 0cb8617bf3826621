package server

import (
	"net/http"
	"time"

	"github.com/cloudsania/cloudsania/auth"
	"github.com/cloudsania/cloudsania/paas"
)

// CookieName has the prefix that binds the cookie to this very host wherever browsers can honour it (RFC 6265bis,
// 4.1.3.2). On a secure connection the plain name is never read: an app on a sibling host could set that one.
func CookieName(secure bool) string {
	if secure {
		return "__Host-cs"
	}
	return "cs"
}

// sessionOf is the secret of the browser's session; empty when it has none.
func sessionOf(r *http.Request, secure bool) paas.Secret {
	cookie, err := r.Cookie(CookieName(secure))
	if err != nil {
		return paas.Secret{}
	}
	return paas.NewSecret(cookie.Value)
}

// Browser is what the request tells about its sender's browser.
func (c *Call) Browser() auth.Browser {
	r := c.Request()
	return auth.Browser{Addr: addrOf(r), UserAgent: r.UserAgent(), Session: sessionOf(r, c.Secure)}
}

// SignedIn makes the browser remember a session that has begun.
func (c *Call) SignedIn(in auth.SignedIn) {
	c.setSession(in.Secret.Reveal(), int(in.Lifetime/time.Second))
}

// SignedOut makes the browser forget its session.
func (c *Call) SignedOut() { c.setSession("", -1) }

func (c *Call) setSession(value string, maxAge int) {
	c.SetCookie(&http.Cookie{
		Name:     CookieName(c.Secure),
		Value:    value,
		Path:     "/",
		MaxAge:   maxAge,
		Secure:   c.Secure,
		HttpOnly: true,
		SameSite: http.SameSiteLaxMode,
	})
}
