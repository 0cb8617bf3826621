package paas

import "testing"

func TestGeneratedSecretsDiffer(t *testing.T) {
	a, b := GenerateSecret().Reveal(), GenerateSecret().Reveal()
	if len(a) != 64 || a == b {
		t.Errorf("%q and %q", a, b)
	}
}
