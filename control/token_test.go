package control

import (
	"slices"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/paas"
)

func TestCreateToken(t *testing.T) {
	r := newRig(t)
	p := r.app("shop")
	team := paas.Path{Team: r.owner.Scope.Team}
	days := func(n int) time.Time { return r.clock.now().AddDate(0, 0, n) }
	for what, tt := range map[string]struct {
		in      NewToken
		scope   paas.Path
		actions []string
		ends    time.Time
	}{
		"everything":      {NewToken{Name: " laptop "}, team, nil, days(TokenDays)},
		"one app":         {NewToken{Name: "ci", App: "shop", Days: 1}, appPath(p), nil, days(1)},
		"by id, for ever": {NewToken{Name: "ci", App: p.App.ID, Days: -1}, appPath(p), nil, time.Time{}},
		"two actions": {NewToken{Name: "git", Actions: append(slices.Clone(GitActions), access.GitRead), Days: 3650}, team,
			[]string{"git.read", "git.write"}, days(3650)},
	} {
		tok, text, err := r.Tokens.Create(t.Context(), r.owner, tt.in)
		if err != nil || tok.Scope != tt.scope || !slices.Equal(tok.Actions, tt.actions) || !tok.Expires.Equal(tt.ends) || tok.User != r.owner.User {
			t.Errorf("%s: %+v %v", what, tok, err)
		}
		if text.IsZero() || tok.Hash == text.Reveal() {
			t.Errorf("%s: its text is kept", what)
		}
	}
	tokens, err := r.Tokens.List(r.owner)
	if err != nil || len(tokens) != 4 {
		t.Errorf("%d tokens, %v", len(tokens), err)
	}
	for what, tt := range map[string]struct {
		in    NewToken
		kind  paas.Kind
		field string
	}{
		"no name":              {NewToken{Name: " "}, paas.Invalid, "name"},
		"no such action":       {NewToken{Name: "a", Actions: []access.Action{"app.fly"}}, paas.Invalid, "actions"},
		"one that nobody has":  {NewToken{Name: "a", Actions: []access.Action{access.TokenCreate}}, paas.Invalid, "actions"},
		"too long":             {NewToken{Name: "a", Days: 3651}, paas.Invalid, "days"},
		"days below the least": {NewToken{Name: "a", Days: -2}, paas.Invalid, "days"},
		"no such app":          {NewToken{Name: "a", App: "none"}, paas.NotFound, ""},
	} {
		_, _, err := r.Tokens.Create(t.Context(), r.owner, tt.in)
		fails(t, what, err, tt.kind, tt.field)
	}
	_, _, err = r.Tokens.Create(t.Context(), r.only(p), NewToken{Name: "a", App: "shop"})
	fails(t, "a token makes no tokens", err, paas.Forbidden, "")
}

func TestRevokeToken(t *testing.T) {
	r := newRig(t)
	tok, _, err := r.Tokens.Create(t.Context(), r.owner, NewToken{Name: "laptop"})
	r.must(err)
	if got, err := r.Tokens.Get(r.owner, tok.ID); err != nil || got.Name != "laptop" {
		t.Errorf("%+v %v", got, err)
	}
	narrow := r.only(r.app("shop"))
	foreign, absent := r.Tokens.Revoke(t.Context(), narrow, tok.ID), r.Tokens.Revoke(t.Context(), narrow, paas.NewID("tok"))
	if paas.Public(foreign).Kind != paas.Public(absent).Kind {
		t.Errorf("a foreign token answers %v, one that is not there %v", foreign, absent)
	}
	r.must(r.Tokens.Revoke(t.Context(), r.owner, tok.ID))
	fails(t, "a second time", r.Tokens.Revoke(t.Context(), r.owner, tok.ID), paas.NotFound, "")
	_, err = r.Tokens.Get(r.owner, "x")
	fails(t, "no id", err, paas.NotFound, "")
}
