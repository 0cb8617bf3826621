package cli

import (
	"errors"
	"testing"

	"github.com/cloudsania/cloudsania/paas"
)

func TestExitCodesTellKindsApart(t *testing.T) {
	for kind, want := range map[paas.Kind]int{
		paas.Invalid: 2, paas.NotFound: 3, paas.Unauthenticated: 4, paas.Conflict: 5, paas.Unavailable: 6, paas.Failed: 7,
	} {
		if got := report(&paas.Error{Kind: kind, Msg: "x"}); got != want {
			t.Errorf("exit code of %s = %d, want %d", kind, got, want)
		}
	}
	if got := report(errors.New("x")); got != 1 {
		t.Errorf("exit code of an unknown error = %d, want 1", got)
	}
}
