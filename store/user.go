package store

import (
	"errors"
	"fmt"
	"strings"

	"github.com/cloudsania/cloudsania/paas"
)

const (
	maxPersonName = 100
	maxEmail      = 254 // RFC 5321, 4.5.3.1.3
)

// CreateOwner makes the first person in exchange for the claim, which is used up by it. claimHash must be the hash of a valid claim
// (Forbidden); ID, Role and Created are filled in. SealTOTP adds a second factor.
func (t *Tx) CreateOwner(claimHash string, u paas.User) (paas.User, error) {
	u.ID, u.Role, u.TOTP, u.Disabled, u.Epoch, u.Created = paas.NewID("usr"), paas.Owner, false, false, 1, t.now
	if err := checkUser(&u); err != nil {
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
	by := paas.Actor{Kind: paas.ActorClaim, Name: u.Name}
	return u, t.as(by).userEvent("user.created", u, map[string]string{"role": string(u.Role)})
}

// Users by age.
func (t *Tx) Users() ([]paas.User, error) {
	all, err := byAge[userRecord](t, userBucket)
	users := make([]paas.User, len(all))
	for i, r := range all {
		users[i] = r.User
	}
	return users, err
}

// User by id.
func (t *Tx) User(id string) (paas.User, error) {
	r, err := get[userRecord](t, userBucket, id)
	return r.User, err
}

// UserByEmail ignores case.
func (t *Tx) UserByEmail(email string) (paas.User, error) {
	id, ok, err := find[string](t, userEmailBucket, normalEmail(email))
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
	old, err := get[userRecord](t, userBucket, id)
	if err != nil {
		return err
	}
	r := old
	if err := fn(&r.User); err != nil {
		return err
	}
	if r.ID != old.ID || !r.Created.Equal(old.Created) || r.Life != old.Life || r.TOTP && !old.TOTP || r.Role != paas.Owner {
		return paas.Invalidf("", "", "this cannot be changed here")
	}
	if err := checkUser(&r.User); err != nil {
		return err
	}
	changed := changedUser(old.User, r.User)
	if len(changed) == 0 {
		return nil
	}
	r.Epoch = old.Epoch
	if changed["password"] != "" || changed["totp"] != "" || changed["disabled"] != "" {
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

func (t *Tx) changeUser(old, r userRecord, changed map[string]string) error {
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
	if err := t.put(userBucket, r.ID, r); err != nil {
		return err
	}
	return t.userEvent("user.updated", r.User, changed)
}

func (t *Tx) refuseLastOwner(id string) error {
	others := 0
	err := each(t, userBucket, "", func(_ string, r userRecord) error {
		if r.ID != id && r.Role == paas.Owner && !r.Disabled {
			others++
		}
		return nil
	})
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

func (t *Tx) userEvent(action string, u paas.User, detail map[string]string) error {
	at, err := t.teamPath()
	if err != nil {
		return err
	}
	return t.event(action, u.ID, at, detail)
}

// checkUser also puts name and address into the form that they are kept in.
func checkUser(u *paas.User) error {
	u.Name, u.Email = strings.TrimSpace(u.Name), normalEmail(u.Email)
	name, domain, ok := strings.Cut(u.Email, "@")
	if !ok || name == "" || domain == "" || len(u.Email) > maxEmail || strings.ContainsAny(u.Email, " \t\r\n\x00/") {
		return paas.Invalidf("email", "write it like name@example.com", "%q cannot be an e-mail address", paas.Clip(u.Email, 60))
	}
	if len(u.Name) > maxPersonName {
		return paas.Invalidf("name", "", "a name can have at most %d characters", maxPersonName)
	}
	if u.PasswordHash == "" || len(u.PasswordHash) > maxSettingBytes {
		return paas.Invalidf("password", "", "there is no password")
	}
	return nil
}

// changedUser names what is different, without values that are nobody's business.
func changedUser(old, u paas.User) map[string]string {
	out := map[string]string{}
	for name, differs := range map[string]bool{"password": old.PasswordHash != u.PasswordHash, "totp": old.TOTP != u.TOTP,
		"disabled": old.Disabled != u.Disabled, "name": old.Name != u.Name, "email": old.Email != u.Email} {
		if differs {
			out[name] = "changed"
		}
	}
	return out
}

func normalEmail(s string) string { return strings.ToLower(strings.TrimSpace(s)) }
