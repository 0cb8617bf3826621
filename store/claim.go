package store

import (
	"crypto/subtle"

	"github.com/cloudsania/cloudsania/paas"
)

// SetClaim offers this installation to whoever has the secret behind c.Hash, in the place of an older claim. Conflict once there is an
// owner.
func (t *Tx) SetClaim(c paas.Claim) error {
	if c.Hash == "" || len(c.Hash) > 256 {
		return paas.Invalidf("claim", "", "a claim needs the hash of its secret")
	}
	if t.any(userBucket, "") {
		return conflict("sign in as the owner", "this installation has an owner already")
	}
	if err := t.put(metaBucket, "claim", c); err != nil {
		return err
	}
	return t.teamEvent(paas.ClaimOffered{}, "")
}

// Claim that is open now; false when there is none or it has expired.
func (t *Tx) Claim() (paas.Claim, bool, error) {
	c, ok, err := find[paas.Claim](t, metaBucket, "claim")
	if err != nil || !ok || expired(t, c.Expires) {
		return paas.Claim{}, false, err
	}
	return c, true, nil
}

// useClaim consumes the claim if hash is its own.
func (t *Tx) useClaim(hash string) error {
	c, ok, err := t.Claim()
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
