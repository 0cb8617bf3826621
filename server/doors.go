package server

import (
	"context"
	"net/http"
	"net/netip"
	"strings"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/auth"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/store"
)

// Doors tells who is behind a request, and what git may do for them. It needs nothing but the store, so that the git remote can have
// it before there is a Server. Safe for concurrent use.
type Doors struct {
	Auth    *auth.Authenticator
	Store   *store.Store
	Subnets func(ctx context.Context) ([]netip.Prefix, error) // that new networks keep away from; nil: none are known
}

// Authenticate tells who asks by the Authorization header (Bearer, or Basic with the token as password) or, on the local socket, by
// the peer. Sessions do not count: they are for pages, and this is for other programs' protocols. A wrong credential is an error of
// kind Unauthenticated; none at all is the anonymous principal.
func (d *Doors) Authenticate(r *http.Request) (access.Principal, error) {
	text, given, err := credential(r)
	switch {
	case err != nil:
		return access.Principal{}, err
	case given:
		return d.Auth.Token(text, addrOf(r))
	case peerOf(r).root:
		return access.Principal{Kind: access.Root, Name: "root"}, nil
	}
	return access.Principal{Addr: addrOf(r)}, nil
}

// principal is Authenticate and, where that finds nobody, the browser's session.
func (d *Doors) principal(r *http.Request, secure bool) (access.Principal, error) {
	p, err := d.Authenticate(r)
	if err != nil || p.Kind != access.Anonymous || !peerOf(r).edge {
		return p, err
	}
	return d.Auth.Session(sessionOf(r, secure), addrOf(r))
}

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
