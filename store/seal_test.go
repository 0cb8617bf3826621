package store

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"github.com/cloudsania/cloudsania/paas"
)

func TestSealIsBoundToPlaceAndVersion(t *testing.T) {
	s := got(newSealer(NewKey()))(t)
	other := got(newSealer(NewKey()))(t)
	box := s.seal("ab", "c", 1, []byte("secret"))
	if plain, err := s.open("ab", "c", 1, box); err != nil || string(plain) != "secret" {
		t.Fatalf("%q %v", plain, err)
	}
	if bytes.Equal(box, s.seal("ab", "c", 1, []byte("secret"))) {
		t.Fatal("the same text looks the same twice")
	}
	changed := bytes.Clone(box)
	changed[len(changed)-1] ^= 1
	for name, open := range map[string]func() ([]byte, error){
		"other id":       func() ([]byte, error) { return s.open("ab", "d", 1, box) },
		"other bucket":   func() ([]byte, error) { return s.open("x", "c", 1, box) },
		"moved border":   func() ([]byte, error) { return s.open("a", "bc", 1, box) },
		"older version":  func() ([]byte, error) { return s.open("ab", "c", 2, box) },
		"other key":      func() ([]byte, error) { return other.open("ab", "c", 1, box) },
		"changed":        func() ([]byte, error) { return s.open("ab", "c", 1, changed) },
		"cut":            func() ([]byte, error) { return s.open("ab", "c", 1, box[:20]) },
		"cut to nothing": func() ([]byte, error) { return s.open("ab", "c", 1, nil) },
	} {
		if plain, err := open(); err == nil || plain != nil || !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %q %v", name, plain, err)
		}
	}
}

// Somebody who can write the file but has no key must not be able to give one app another's secrets, or old ones back.
func TestSwappedAndRolledBackSecretsAreRefused(t *testing.T) {
	s := opened(t)
	a, b := newSite(t, s, "a"), newSite(t, s, "b")
	set := func(w site, value string) {
		t.Helper()
		must(t, s.SetVariables(anna, w.target, []paas.Variable{{Name: "TOKEN", Value: paas.NewSecret(value)}}, nil))
	}
	set(a, "of a, old")
	old := sealedBox(t, s, variablesBucket, variablesKey(a.target, 1))
	set(a, "of a, new")
	set(b, "of b, old")
	set(b, "of b, new")
	if v := got(s.Variables(a.target))(t); v[0].Value.Reveal() != "of a, new" {
		t.Fatal("wrong value")
	}
	for name, box := range map[string][]byte{"rolled back": old, "swapped": sealedBox(t, s, variablesBucket, variablesKey(b.target, 2))} {
		must(t, s.update(func(tx *Tx) error { return tx.putRaw(variablesBucket, variablesKey(a.target, 2), box) }))
		if v, err := s.Variables(a.target); !errors.Is(err, ErrCorrupt) || v != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func sealedBox(t *testing.T, s *Store, b bucket, key string) []byte {
	t.Helper()
	var box []byte
	must(t, s.View(func(tx *Tx) error {
		raw, _, err := tx.raw(b, key)
		box = bytes.Clone(raw)
		return err
	}))
	return box
}

// Everything secret that goes in must not be readable in the file.
func TestNoSecretInTheFile(t *testing.T) {
	o := options(t)
	s := withPool(t, mustOpen(t, o))
	const canary = "c4n4ry-in-a-coal-mine"
	w := newSite(t, s, "shop")
	must(t, s.SetVariables(anna, w.target, []paas.Variable{{Name: "A", Value: paas.NewSecret(canary + "variable")}}, nil))
	w.deploy(t)
	u := owner(t, s)
	must(t, s.SealTOTP(u.ID, paas.NewSecret(canary+"totp")))
	must(t, s.SaveIdempotent("k", "p", "r", []byte(`{"token":"`+canary+`answer"}`), 201))
	must(t, s.Close())
	if bytes.Contains(got(os.ReadFile(o.Path))(t), []byte(canary)) {
		t.Fatal("a secret is readable in the file")
	}
	s = mustOpen(t, o)
	if v := got(s.Variables(w.target))(t); v[0].Value.Reveal() != canary+"variable" {
		t.Fatal("the variable was lost")
	}
	if got(s.TOTPSecret(u.ID))(t).Reveal() != canary+"totp" {
		t.Fatal("the second factor was lost")
	}
}
