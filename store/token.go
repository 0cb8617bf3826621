package store

import (
	"errors"
	"fmt"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

const maxTokens = 1000

// CreateToken keeps a token under the hash of its secret; ID and Created are filled in. An empty scope is widened to the team, so that a
// scope always names something. Kind "" is a person's when there is a User, else a service's.
func (t *Tx) CreateToken(in paas.Token) (paas.Token, error) {
	if in.Hash == "" || len(in.Hash) > maxHashBytes {
		return paas.Token{}, paas.Invalidf("token", "", "a token needs the hash of its secret")
	}
	if in.Kind == "" && in.User != "" {
		in.Kind = paas.TokenPerson
	} else if in.Kind == "" {
		in.Kind = paas.TokenService
	}
	if err := in.Validate(); err != nil {
		return paas.Token{}, err
	}
	if t.has(tokenHashBucket, in.Hash) {
		return paas.Token{}, conflict("", "there is such a token already")
	}
	if err := t.refuseOver(tokenBucket, maxTokens); err != nil {
		return paas.Token{}, err
	}
	if in.Scope.Team == "" {
		team, err := t.Team()
		if err != nil {
			return paas.Token{}, err
		}
		in.Scope.Team = team.ID
	}
	life, err := t.born()
	if err != nil {
		return paas.Token{}, err
	}
	in.ID, in.Created, in.Life = paas.NewID("tok"), t.now, life
	if err := errors.Join(t.put(tokenBucket, in.ID, in), t.put(tokenHashBucket, in.Hash, in.ID)); err != nil {
		return paas.Token{}, err
	}
	detail := paas.TokenCreated{Name: in.Name, Actions: fmt.Sprint(in.Actions), Expires: stamp(in.Expires)}
	return in, t.event(detail, in.ID, in.Scope)
}

// TokenByHash finds a token by the hash of its secret. Unauthenticated when it has expired or its user is disabled, NotFound when it was
// never made or is revoked.
func (t *Tx) TokenByHash(hash string) (paas.Token, error) {
	id, ok, err := find[string](t, tokenHashBucket, hash)
	if err != nil {
		return paas.Token{}, err
	}
	if !ok {
		return paas.Token{}, &paas.Error{Kind: paas.NotFound, Msg: "there is no such token", Hint: "make a new one"}
	}
	tok, err := t.Token(id)
	if err != nil {
		return paas.Token{}, err
	}
	if err := t.usable(tok); err != nil {
		return paas.Token{}, err
	}
	return tok, nil
}

// Token by id.
func (t *Tx) Token(id string) (paas.Token, error) { return get[paas.Token](t, tokenBucket, id) }

// Tokens by age, expired ones included.
func (t *Tx) Tokens() ([]paas.Token, error) { return byAge[paas.Token](t, tokenBucket) }

// RevokeToken makes a token useless for ever.
func (t *Tx) RevokeToken(id string) error {
	tok, err := t.Token(id)
	if err != nil {
		return err
	}
	if err := errors.Join(t.delete(tokenBucket, id), t.delete(tokenHashBucket, tok.Hash)); err != nil {
		return err
	}
	return t.event(paas.TokenRevoked{Name: tok.Name}, id, tok.Scope)
}

// TouchToken takes note that a token is used. Within a minute of the last time it does nothing.
func (t *Tx) TouchToken(id string) error {
	tok, err := t.Token(id)
	if err != nil || t.now.Sub(tok.LastUsed) < touchEvery {
		return err
	}
	tok.LastUsed = t.now
	return t.keep(tokenBucket, id, tok)
}

func (t *Tx) usable(tok paas.Token) error {
	if expired(t, tok.Expires) {
		return &paas.Error{Kind: paas.Unauthenticated, Hint: "make a new one",
			Msg: fmt.Sprintf("the token %q expired on %s", tok.Name, tok.Expires.Format(time.DateOnly))}
	}
	if tok.User == "" {
		return nil
	}
	u, err := get[userRecord](t, userBucket, tok.User)
	if err == nil && u.Disabled {
		return &paas.Error{Kind: paas.Unauthenticated, Msg: fmt.Sprintf("the owner of the token %q is disabled", tok.Name)}
	}
	return err
}

func stamp(at time.Time) string {
	if at.IsZero() {
		return "never"
	}
	return at.UTC().Format(time.RFC3339)
}
