package store

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cloudsania/cloudsania/paas"
)

// CreateOwner makes the first person in exchange for the claim, which is used up by it. claimHash must be the hash of a valid claim
// (Forbidden); ID, Role and Created are filled in. SealTOTP adds a second factor.
func (t *Tx) CreateOwner(claimHash string, u paas.User) (paas.User, error) {
	u.ID, u.Role, u.TOTP, u.Disabled, u.Epoch, u.Created = paas.NewID("usr"), paas.Owner, false, false, 1, t.now
	u = u.Trimmed()
	if err := u.Validate(); err != nil {
		return paas.User{}, err
	}
	if err := t.useClaim(claimHash); err != nil {
		return paas.User{}, err
	}
	life, err := t.born()
	if err != nil {
		return paas.User{}, err
	}
	u.Life = life
	if err := errors.Join(t.put(userBucket, u.ID, userRecord{User: u}), t.put(userEmailBucket, u.Email, u.ID)); err != nil {
		return paas.User{}, err
	}
	team, err := t.teamPath()
	if err != nil {
		return paas.User{}, err
	}
	if _, err := t.join(u.ID, team, u.Role); err != nil {
		return paas.User{}, err
	}
	by := paas.Actor{Kind: paas.ActorClaim, Name: u.Name}
	return u, t.as(by).userEvent(paas.UserCreated{Role: u.Role}, u)
}

// Users by age.
func (t *Tx) Users() ([]paas.User, error) {
	all, err := byAge[userRecord](t, userBucket)
	users := make([]paas.User, len(all))
	for i := range all {
		err = errors.Join(err, t.fillRole(&all[i]))
		users[i] = all[i].User
	}
	return users, err
}

// User by id.
func (t *Tx) User(id string) (paas.User, error) {
	r, err := t.person(id)
	return r.User, err
}

// UserByEmail ignores case.
func (t *Tx) UserByEmail(email string) (paas.User, error) {
	id, ok, err := find[string](t, userEmailBucket, paas.NormalEmail(email))
	if err == nil && !ok {
		err = notFound("user", email)
	}
	if err != nil {
		return paas.User{}, err
	}
	return t.User(id)
}

// UpdateUser changes a person; fn must not change ID and Created. A change of password, second factor or Disabled raises Epoch by itself,
// which voids the sessions. Switching TOTP off forgets the secret; it is switched on with SealTOTP alone. The last owner who can sign in
// cannot be disabled (Conflict).
func (t *Tx) UpdateUser(id string, fn func(*paas.User) error) error {
	old, err := t.person(id)
	if err != nil {
		return err
	}
	r := old
	r.Identities = slices.Clone(old.Identities)
	if err := fn(&r.User); err != nil {
		return err
	}
	if r.ID != old.ID || !r.Created.Equal(old.Created) || r.Life != old.Life || r.TOTP && !old.TOTP || r.Role != old.Role {
		return paas.Invalidf("", "", "this cannot be changed here")
	}
	r.User = r.Trimmed()
	if err := r.Validate(); err != nil {
		return err
	}
	changed := changedUser(old.User, r.User)
	if changed == (paas.UserUpdated{}) {
		return nil
	}
	r.Epoch = old.Epoch
	if changed.Password != "" || changed.TOTP != "" || changed.Disabled != "" {
		r.Epoch++
	}
	return t.changeUser(old, r, changed)
}

// userRecord adds the state of the second factor.
type userRecord struct {
	paas.User
	TOTPVersion uint64 // that the secret is sealed for
	TOTPStep    int64  // that was used last
}

func (t *Tx) changeUser(old, r userRecord, changed paas.UserUpdated) error {
	if r.Disabled && !old.Disabled {
		if err := t.refuseLastOwner(r.ID); err != nil {
			return err
		}
	}
	if !r.TOTP && old.TOTP {
		if err := t.delete(totpBucket, r.ID); err != nil {
			return err
		}
	}
	if r.Email != old.Email {
		if t.has(userEmailBucket, r.Email) {
			return &paas.Error{Kind: paas.Conflict, Field: "email", Msg: fmt.Sprintf("the address %q is in use", r.Email)}
		}
		if err := errors.Join(t.delete(userEmailBucket, old.Email), t.put(userEmailBucket, r.Email, r.ID)); err != nil {
			return err
		}
	}
	if err := t.moveIdentities(r.ID, old.Identities, r.Identities); err != nil {
		return err
	}
	if err := t.put(userBucket, r.ID, r); err != nil {
		return err
	}
	return t.userEvent(changed, r.User)
}

func (t *Tx) refuseLastOwner(id string) error {
	others := 0
	all, err := t.Users()
	for _, u := range all {
		if u.ID != id && u.Role == paas.Owner && !u.Disabled {
			others++
		}
	}
	if err == nil && others == 0 {
		err = conflict("make another owner first", "this is the last owner who can sign in")
	}
	return err
}

// byPerson makes the person the actor of what the system does for them.
func (t *Tx) byPerson(u paas.User, addr string) *Tx {
	if t.by.Kind != paas.ActorSystem {
		return t
	}
	return t.as(paas.Actor{Kind: paas.ActorUser, ID: u.ID, Name: u.Name, Addr: addr})
}

func (t *Tx) userEvent(detail paas.EventDetail, u paas.User) error {
	at, err := t.teamPath()
	if err != nil {
		return err
	}
	return t.event(detail, u.ID, at)
}

// changedUser names what is different, without values that are nobody's business.
func changedUser(old, u paas.User) paas.UserUpdated {
	mark := func(differs bool) string {
		if differs {
			return "changed"
		}
		return ""
	}
	return paas.UserUpdated{
		Name:       mark(old.Name != u.Name),
		Email:      mark(old.Email != u.Email),
		Password:   mark(old.PasswordHash != u.PasswordHash),
		TOTP:       mark(old.TOTP != u.TOTP),
		Disabled:   mark(old.Disabled != u.Disabled),
		Identities: mark(!slices.Equal(old.Identities, u.Identities)),
	}
}
