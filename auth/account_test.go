package auth

import (
	"testing"

	"github.com/cloudsania/cloudsania/paas"
)

func TestPasswordChangeEndsEverySession(t *testing.T) {
	r := newClaimed(t)
	here, there := r.signIn(""), r.signIn("")
	by := r.who(here)
	change := func(old, fresh string) (SignedIn, error) {
		return r.ChangePassword(t.Context(), by, PasswordChange{Password: paas.NewSecret(old), New: paas.NewSecret(fresh)})
	}
	_, err := change("not it at all", "another horse battery")
	fails(t, "a wrong password", err, paas.Forbidden, "password")
	_, err = change(ownerPassword, "short")
	fails(t, "a short one", err, paas.Invalid, "password")
	in, err := change(ownerPassword, "another horse battery")
	if err != nil {
		t.Fatal(err)
	}
	if r.alive(here) || r.alive(there) || !r.alive(in.Secret) {
		t.Error("the sessions from before still work, or the new one does not")
	}
	_, err = r.SignIn(t.Context(), login(ownerEmail, ownerPassword, "", "198.51.100.7"))
	fails(t, "the password from before", err, paas.Unauthenticated, "")
	if _, err := r.SignIn(t.Context(), login(ownerEmail, "another horse battery", "", "198.51.100.7")); err != nil {
		t.Error(err)
	}
}

func TestChangeOfAddressNeedsThePassword(t *testing.T) {
	r := newClaimed(t)
	by := r.who(r.signIn(""))
	name, same, other := "Ada L", "ADA@example.com ", "new@example.com"
	u, err := r.UpdateProfile(t.Context(), by, Profile{Name: &name, Email: &same})
	if err != nil || u.Name != name || u.Email != ownerEmail {
		t.Errorf("the same address, written otherwise: %+v %v", u, err)
	}
	_, err = r.UpdateProfile(t.Context(), by, Profile{Email: &other})
	fails(t, "without the password", err, paas.Forbidden, "password")
	u, err = r.UpdateProfile(t.Context(), by, Profile{Email: &other, Password: paas.NewSecret(ownerPassword)})
	if err != nil || u.Name != name || u.Email != other {
		t.Errorf("%+v %v", u, err)
	}
}

// With a second factor a short password is enough, but then the second factor has to stay.
func TestShortPasswordKeepsTheSecondFactor(t *testing.T) {
	r := newClaimed(t)
	by := r.who(r.signIn(""))
	e, err := r.StartTOTP(by, paas.Secret{})
	if err != nil {
		t.Fatal(err)
	}
	in, err := r.EnableTOTP(t.Context(), by,
		TOTPProof{Secret: e.Secret, Code: codeAt(t, e.Secret, r.clock.now()), Password: paas.NewSecret(ownerPassword)})
	if err != nil {
		t.Fatal(err)
	}
	in, err = r.ChangePassword(t.Context(), r.who(in.Secret),
		PasswordChange{Password: paas.NewSecret(ownerPassword), New: paas.NewSecret("k3vinbac")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.DisableTOTP(t.Context(), r.who(in.Secret), paas.NewSecret("k3vinbac"), Browser{})
	fails(t, "eight characters alone", err, paas.Conflict, "")
}
