package auth

import (
	"strings"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/paas"
)

const (
	tokenPrefix  = "cs_" // for secret scanners
	maxTokenText = 100
)

// NewToken makes the text of a token and the hash that it is kept under.
func NewToken() (text paas.Secret, hash string) {
	text = paas.NewSecret(tokenPrefix + newSecret(secretBytes).Reveal())
	return text, hashOf(text)
}

// LooksLikeToken reports whether text begins as tokens do.
func LooksLikeToken(text string) bool { return strings.HasPrefix(text, tokenPrefix) }

// Token finds whose token it is, used from that address. Unauthenticated when it is mistyped, expired or revoked.
func (a *Authenticator) Token(text paas.Secret, addr string) (access.Principal, error) {
	if plain := text.Reveal(); !LooksLikeToken(plain) || len(plain) > maxTokenText {
		return access.Principal{}, wrongToken()
	}
	t, err := a.store.TokenByHash(hashOf(text))
	if paas.IsKind(err, paas.NotFound) {
		return access.Principal{}, wrongToken()
	}
	if err != nil {
		return access.Principal{}, err
	}
	if err := t.CheckAddr(addr); err != nil {
		return access.Principal{}, err
	}
	if err := a.store.TouchToken(t.ID); err != nil {
		return access.Principal{}, err
	}
	p := access.Principal{Kind: access.Token, ID: t.ID, Name: t.Name, Scope: t.Scope, User: t.User, Addr: addr}
	for _, action := range t.Actions {
		p.Actions = append(p.Actions, access.Action(action))
	}
	return p, nil
}

func wrongToken() error {
	return &paas.Error{
		Kind: paas.Unauthenticated,
		Msg:  "this token is not valid",
		Hint: "it may be mistyped, expired or revoked; make a new one under Keys or with: cloudsania tokens create",
	}
}
