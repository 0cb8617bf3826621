package server

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/store"
)

const (
	tokenPrefix = "cs_" // for secret scanners
	secretBytes = 32
)

// secretAlphabet survives a double click and a spoken line.
var secretAlphabet = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// newSecret is fresh randomness as text.
func newSecret(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b) // never fails: Go 1.24 crashes by itself
	return secretAlphabet.EncodeToString(b)
}

// hashOf is how a secret of ours is kept: it has so much randomness that a plain hash is enough.
func hashOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// Doors tells who is behind a request, and what git may do for them. It needs nothing but the store, so that the git remote can have
// it before there is a Server. Safe for concurrent use.
type Doors struct {
	Store   *store.Store
	Now     func() time.Time                                  // nil: time.Now
	Subnets func(ctx context.Context) ([]netip.Prefix, error) // that new networks keep away from; nil: none are known
}

func (d *Doors) now() time.Time {
	if d.Now == nil {
		return time.Now()
	}
	return d.Now()
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
		return d.token(text, addrOf(r))
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
	return d.session(r, secure)
}

// credential takes the token out of the header.
func credential(r *http.Request) (token string, given bool, err error) {
	head := r.Header.Get("Authorization")
	if head == "" {
		return "", false, nil
	}
	if t, ok := strings.CutPrefix(head, "Bearer "); ok {
		return strings.TrimSpace(t), true, nil
	}
	if user, pass, ok := r.BasicAuth(); ok {
		if pass == "" || pass == "x-oauth-basic" { // https://TOKEN@host, as some tools write it
			pass = user
		}
		return pass, true, nil
	}
	return "", false, &paas.Error{Kind: paas.Unauthenticated, Msg: "this kind of credential is not known here", Hint: "send a token: Authorization: Bearer cs_…"}
}

func wrongToken() error {
	return &paas.Error{Kind: paas.Unauthenticated, Msg: "this token is not valid",
		Hint: "it may be mistyped, expired or revoked; make a new one under Keys or with: cloudsania tokens create"}
}

// token finds whose token it is.
func (d *Doors) token(text, addr string) (access.Principal, error) {
	if !strings.HasPrefix(text, tokenPrefix) || len(text) > 100 {
		return access.Principal{}, wrongToken()
	}
	t, err := d.Store.TokenByHash(hashOf(text))
	if paas.IsKind(err, paas.NotFound) {
		return access.Principal{}, wrongToken()
	}
	if err != nil {
		return access.Principal{}, err
	}
	if err := d.Store.TouchToken(t.ID); err != nil {
		return access.Principal{}, err
	}
	p := access.Principal{Kind: access.Token, ID: t.ID, Name: t.Name, Scope: t.Scope, User: t.User, Addr: addr}
	for _, a := range t.Actions {
		p.Actions = append(p.Actions, access.Action(a))
	}
	return p, nil
}
