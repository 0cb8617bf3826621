package store

import (
	"crypto/subtle"

	"github.com/cloudsania/cloudsania/paas"
)

// SetClaim offers this installation to whoever has the secret behind c.Hash, in the place of an older claim. Conflict once there is an
// owner.
func (s *Store) SetClaim(c paas.Claim) error {
	if c.Hash == "" || len(c.Hash) > 256 {
		return paas.Invalidf("claim", "", "a claim needs the hash of its secret")
	}
	return s.update(func(t *tx) error {
		if t.any(userBucket, "") {
			return conflict("sign in as the owner", "this installation has an owner already")
		}
		if err := t.put(metaBucket, "claim", c); err != nil {
			return err
		}
		return t.systemEvent("claim.offered", "", nil)
	})
}

// Claim that is open now; false when there is none or it has expired.
func (s *Store) Claim() (paas.Claim, bool, error) {
	var c paas.Claim
	var ok bool
	err := s.view(func(t *tx) (err error) { c, ok, err = t.claim(); return err })
	return c, ok, err
}

func (t *tx) claim() (paas.Claim, bool, error) {
	c, ok, err := find[paas.Claim](t, metaBucket, "claim")
	if err != nil || !ok || expired(t, c.Expires) {
		return paas.Claim{}, false, err
	}
	return c, true, nil
}

// useClaim consumes the claim if hash is its own.
func (t *tx) useClaim(hash string) error {
	c, ok, err := t.claim()
	if err != nil {
		return err
	}
	if t.any(userBucket, "") {
		return conflict("sign in instead", "this installation has an owner already")
	}
	if !ok || subtle.ConstantTimeCompare([]byte(c.Hash), []byte(hash)) != 1 {
		return &paas.Error{Kind: paas.Forbidden, Msg: "this claim link is not valid any more", Hint: "make a new one on the server"}
	}
	return t.delete(metaBucket, "claim")
}
