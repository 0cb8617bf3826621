package page

import (
	"net/http"
	"net/url"

	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/server"
	"github.com/cloudsania/cloudsania/ui"
)

const (
	flashSeconds = 60
	flashRunes   = 300
)

func flashName(secure bool) string { return server.CookieName(secure) + "-said" }

// setFlash keeps a sentence for the next page. It is text and nothing else: whoever forged it would show words, no more.
func setFlash(c *server.Call, text string) {
	if text == "" {
		return
	}
	c.SetCookie(&http.Cookie{Name: flashName(c.Secure), Value: url.QueryEscape(paas.Clip(text, flashRunes)), Path: "/", MaxAge: flashSeconds,
		Secure: c.Secure, HttpOnly: true, SameSite: http.SameSiteStrictMode})
}

// flash takes what was kept.
func flash(c *server.Call) []ui.Flash {
	cookie, err := c.Cookie(flashName(c.Secure))
	if err != nil || cookie.Value == "" {
		return nil
	}
	c.SetCookie(&http.Cookie{Name: flashName(c.Secure), Path: "/", MaxAge: -1, Secure: c.Secure, HttpOnly: true, SameSite: http.SameSiteStrictMode})
	text, err := url.QueryUnescape(cookie.Value)
	if err != nil {
		return nil
	}
	return []ui.Flash{{Text: paas.Clip(text, flashRunes)}}
}
