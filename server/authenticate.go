package server

import (
	"net/http"
	"strings"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/paas"
)

// credentialOf tells who asks by the Authorization header (Bearer, or Basic with the token as password) or, on the local socket, by the
// peer. A wrong credential is an error of kind Unauthenticated; none at all is the anonymous principal.
func (s *Server) credentialOf(r *http.Request) (access.Principal, error) {
	text, given, err := credential(r)
	switch {
	case err != nil:
		return access.Principal{}, err
	case given:
		return s.Auth.Token(text, addrOf(r))
	case peerOf(r).root:
		return access.Principal{Kind: access.Root, Name: "root"}, nil
	}
	return access.Principal{Addr: addrOf(r)}, nil
}

// principal is credentialOf and, where that finds none, the browser's session.
func (s *Server) principal(r *http.Request, secure bool) (access.Principal, error) {
	p, err := s.credentialOf(r)
	if err != nil || p.Kind != access.Anonymous || !peerOf(r).edge {
		return p, err
	}
	return s.Auth.Session(sessionOf(r, secure), addrOf(r))
}

// Addr is the visitor's address as the edge saw it, "" for local callers: for handlers that authenticate by themselves.
func Addr(r *http.Request) string { return addrOf(r) }

// credential takes the token out of the header.
func credential(r *http.Request) (token paas.Secret, given bool, err error) {
	head := r.Header.Get("Authorization")
	if head == "" {
		return token, false, nil
	}
	if t, ok := strings.CutPrefix(head, "Bearer "); ok {
		return paas.NewSecret(strings.TrimSpace(t)), true, nil
	}
	if user, pass, ok := r.BasicAuth(); ok {
		if pass == "" || pass == "x-oauth-basic" { // https://TOKEN@host, as some tools write it
			pass = user
		}
		return paas.NewSecret(pass), true, nil
	}
	return token, false, &paas.Error{
		Kind: paas.Unauthenticated,
		Msg:  "this kind of credential is not known here",
		Hint: "send a token: Authorization: Bearer cs_…",
	}
}
