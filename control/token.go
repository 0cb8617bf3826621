package control

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/auth"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/store"
)

const (
	// TokenDays is how long a token is valid unless somebody says otherwise.
	TokenDays    = 90
	maxTokenDays = 3650
)

// GitActions are what a token for pushing to an app can do.
var GitActions = []access.Action{access.GitRead, access.GitWrite}

// NewToken is what CreateToken needs. App narrows it to one app (name or id). Days 0 is TokenDays, -1 that it never expires.
type NewToken struct {
	Name, App string
	Actions   []access.Action // none: every action that a token can have
	Days      int
}

// Tokens is what can be done with tokens.
type Tokens struct{ control *Control }

// Create makes a token that can do no more than who asks for it. Its text is returned once and kept nowhere.
func (ts Tokens) Create(ctx context.Context, by access.Principal, in NewToken) (paas.Token, paas.Secret, error) {
	tok := paas.Token{Name: strings.TrimSpace(in.Name), User: by.User}
	var err error
	if tok.Actions, err = grantable(in.Actions); err != nil {
		return tok, paas.Secret{}, err
	}
	if tok.Expires, err = ts.end(in.Days); err != nil {
		return tok, paas.Secret{}, err
	}
	text, hash := auth.NewToken()
	tok.Hash = hash
	err = ts.control.store.Change(ctx, by.Actor(), func(t *store.Tx) error {
		where, err := tokenScope(t, by, in.App)
		if err != nil {
			return err
		}
		if err := access.Authorize(by, access.TokenCreate, where); err != nil {
			return err
		}
		tok.Scope = where.Path
		tok, err = t.CreateToken(tok)
		return err
	})
	return tok, text, err
}

// tokenScope is the team, or the app that a token is narrowed to.
func tokenScope(t *store.Tx, by access.Principal, app string) (access.Resource, error) {
	if app == "" {
		team, err := t.Team()
		return access.Resource{Kind: "page", Asked: "system", Path: paas.Path{Team: team.ID}}, err
	}
	found, err := findApp(t, by, app)
	return found.Resource, err
}

func grantable(actions []access.Action) ([]string, error) {
	all := access.Grantable()
	var out []string
	for _, a := range actions {
		if !slices.Contains(all, a) {
			return nil, paas.Invalidf("actions", fmt.Sprintf("choose from %v", all), "a token cannot have the action %q", paas.Clip(string(a), 40))
		}
		if !slices.Contains(out, string(a)) {
			out = append(out, string(a))
		}
	}
	return out, nil
}

func (ts Tokens) end(days int) (time.Time, error) {
	switch {
	case days == -1:
		return time.Time{}, nil
	case days == 0:
		days = TokenDays
	case days < 0 || days > maxTokenDays:
		return time.Time{}, paas.Invalidf("days", "0 means 90, -1 means for ever", "a token is valid for 1 to %d days", maxTokenDays)
	}
	return ts.control.now().AddDate(0, 0, days), nil
}

// Tokens of the installation, the newest first, expired ones included.
func (ts Tokens) List(by access.Principal) (out []paas.Token, err error) {
	where, err := ts.control.Installation()
	if err != nil {
		return nil, err
	}
	if err := access.Authorize(by, access.TokenList, where); err != nil {
		return nil, err
	}
	out, err = ts.control.store.Tokens()
	slices.Reverse(out)
	return out, err
}

// Token by id.
func (ts Tokens) Get(by access.Principal, id string) (paas.Token, error) {
	where, err := ts.Find(id)
	if err != nil {
		return paas.Token{}, err
	}
	if err := access.Authorize(by, access.TokenList, where); err != nil {
		return paas.Token{}, err
	}
	return ts.control.store.Token(id)
}

// Revoke makes a token useless for ever.
func (ts Tokens) Revoke(ctx context.Context, by access.Principal, id string) error {
	where, err := ts.Find(id)
	if err != nil {
		return err
	}
	if err := access.Authorize(by, access.TokenRevoke, where); err != nil {
		return err
	}
	return ts.control.store.Change(ctx, by.Actor(), func(t *store.Tx) error { return t.RevokeToken(id) })
}

// Find resolves a token's id: tokens belong to the team.
func (ts Tokens) Find(asked string) (r access.Resource, err error) {
	r = access.Absent("token", asked)
	if !paas.IsID("tok", asked) {
		return r, nil
	}
	err = ts.control.store.View(func(t *store.Tx) error {
		_, err := t.Token(asked)
		if paas.IsKind(err, paas.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		team, err := t.Team()
		r = access.Resource{Kind: "token", Asked: asked, Path: paas.Path{Team: team.ID}}
		return err
	})
	return r, err
}
