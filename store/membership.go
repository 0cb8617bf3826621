package store

import (
	"errors"
	"fmt"

	"github.com/cloudsania/cloudsania/paas"
)

// Memberships of a person by age.
func (t *Tx) Memberships(user string) ([]paas.Membership, error) {
	out, err := list[paas.Membership](t, membershipBucket, path(user, ""))
	paas.SortByAge(out)
	return out, err
}

// Roles that exist, by age.
func (t *Tx) Roles() ([]paas.RoleDefinition, error) { return byAge[paas.RoleDefinition](t, roleBucket) }

// Join gives a person a role at a place, instead of the one that they had at that very place. NotFound for an unknown role.
func (t *Tx) Join(user string, at paas.Path, role paas.Role) (paas.Membership, error) {
	u, err := t.User(user)
	if err != nil {
		return paas.Membership{}, err
	}
	if !t.has(roleBucket, string(role)) {
		return paas.Membership{}, notFound("role", string(role))
	}
	m, err := t.join(u.ID, at, role)
	if err != nil {
		return m, err
	}
	return m, t.event(paas.MembershipGranted{Role: role}, u.ID, at)
}

func (t *Tx) join(user string, at paas.Path, role paas.Role) (paas.Membership, error) {
	all, err := t.Memberships(user)
	if err != nil {
		return paas.Membership{}, err
	}
	for _, m := range all {
		if m.Path == at {
			m.Role = role
			return m, t.put(membershipBucket, path(user, m.ID), m)
		}
	}
	life, err := t.born()
	m := paas.Membership{ID: paas.NewID("mem"), User: user, Path: at, Role: role, Created: t.now, Life: life}
	return m, errors.Join(err, t.put(membershipBucket, path(user, m.ID), m))
}

// Leave ends a membership. The last owner who can sign in cannot leave the team (Conflict).
func (t *Tx) Leave(user, membership string) error {
	m, err := get[paas.Membership](t, membershipBucket, path(user, membership))
	if err != nil {
		return err
	}
	if m.Role == paas.Owner && m.Path == (paas.Path{Team: m.Path.Team}) {
		if err := t.refuseLastOwner(user); err != nil {
			return err
		}
	}
	if err := t.delete(membershipBucket, path(user, membership)); err != nil {
		return err
	}
	return t.event(paas.MembershipEnded{Role: m.Role}, user, m.Path)
}

// person is a user's record with the role that the person has in the team.
func (t *Tx) person(id string) (userRecord, error) {
	r, err := get[userRecord](t, userBucket, id)
	if err != nil {
		return r, err
	}
	return r, t.fillRole(&r)
}

func (t *Tx) fillRole(r *userRecord) error {
	all, err := t.Memberships(r.ID)
	for _, m := range all {
		if m.Path == (paas.Path{Team: m.Path.Team}) {
			r.Role = m.Role
		}
	}
	return err
}

// builtInRoles are made with the installation.
func (t *Tx) builtInRoles() error {
	life, err := t.born()
	owner := paas.RoleDefinition{Name: paas.Owner, Actions: []string{"*"}, BuiltIn: true, Created: t.now, Life: life}
	return errors.Join(err, t.put(roleBucket, string(owner.Name), owner))
}

// moveIdentities gives the identities in now to a person; one that another person has is a Conflict.
func (t *Tx) moveIdentities(user string, was, now []paas.Identity) error {
	for _, i := range was {
		if err := t.delete(identityBucket, path(i.Provider, i.Subject)); err != nil {
			return err
		}
	}
	for _, i := range now {
		key := path(i.Provider, i.Subject)
		if t.has(identityBucket, key) {
			return &paas.Error{Kind: paas.Conflict, Field: "identities", Hint: "remove it there first",
				Msg: fmt.Sprintf("another person signs in as %q of %q already", paas.Clip(i.Subject, 60), i.Provider)}
		}
		if err := t.put(identityBucket, key, user); err != nil {
			return err
		}
	}
	return nil
}
