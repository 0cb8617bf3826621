package server

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"

	"github.com/cloudsania/cloudsania/paas"
)

// contentPolicy lets a page use only what this server itself sends; fonts are ours too.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; font-src 'self'; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// front is what every request meets first, one that matches no route too.
func (s *Server) front(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		head := w.Header()
		setHeaders(head, isSecure(r))
		id := newRequestID()
		head.Set("X-Request-Id", id)
		defer s.recovered(w, r, id)
		if !peerOf(r).known {
			writeError(w, id, &paas.Error{Kind: paas.Forbidden, Msg: "this socket is not for you", Hint: "use sudo, or a token and the server's address"})
			return
		}
		next.ServeHTTP(w, r)
	})
}

func setHeaders(h http.Header, secure bool) {
	h.Set("Content-Security-Policy", contentPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()")
	h.Set("Cache-Control", "no-store")
	if secure {
		h.Set("Strict-Transport-Security", "max-age=31536000") // for this host only: apps below it decide for themselves
	}
}

func newRequestID() string {
	b := make([]byte, 8)
	_, _ = rand.Read(b) // never fails: Go 1.24 crashes by itself
	return hex.EncodeToString(b)
}

// recovered keeps a panic of one request from ending control.
func (s *Server) recovered(w http.ResponseWriter, r *http.Request, id string) {
	p := recover()
	if p == nil {
		return
	}
	if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(p) // net/http's own way to cut a connection
	}
	s.Log.Error("a request panicked", "request", id, "method", r.Method, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
	writeError(w, id, paas.Public(nil))
}
