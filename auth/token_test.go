package auth

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/paas"
)

func TestToken(t *testing.T) {
	r := newClaimed(t)
	text, hash := NewToken()
	made, err := r.store.CreateToken(paas.System, paas.Token{
		Name:    "laptop",
		Hash:    hash,
		User:    r.owner.ID,
		Actions: []string{"git.read"},
		Expires: r.clock.now().Add(time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	p, err := r.Token(text, "192.0.2.1")
	if err != nil || p.Kind != access.Token || p.ID != made.ID || p.Name != "laptop" || p.User != r.owner.ID || p.Addr != "192.0.2.1" ||
		p.Scope != made.Scope || !slices.Equal(p.Actions, []access.Action{access.GitRead}) {
		t.Errorf("%+v %v", p, err)
	}
	if used, err := r.store.Token(made.ID); err != nil || used.LastUsed.IsZero() {
		t.Errorf("its use is not on record: %+v %v", used, err)
	}
	other, _ := NewToken()
	for _, wrong := range []string{"", "cs_", other.Reveal(), strings.TrimPrefix(text.Reveal(), tokenPrefix), text.Reveal() + strings.Repeat("x", 1000)} {
		_, err := r.Token(paas.NewSecret(wrong), "")
		fails(t, wrong, err, paas.Unauthenticated, "")
	}
	r.clock.move(time.Hour)
	_, err = r.Token(text, "")
	fails(t, "an expired one", err, paas.Unauthenticated, "")
}
