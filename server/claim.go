package server

import (
	"context"
	"strings"
	"time"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/store"
)

const (
	claimBytes     = 16 // 128 bits
	claimLife      = time.Hour
	minClaimPreset = 12
	maxClaimText   = 200
)

// NewClaim offers the installation to whoever has the returned secret, for an hour and once; the claim before it is void. Conflict when
// there is an owner.
func NewClaim(st *store.Store, now time.Time) (secret string, expires time.Time, err error) {
	secret, expires = newSecret(claimBytes), now.Add(claimLife)
	return secret, expires, st.SetClaim(paas.Claim{Hash: hashOf(secret), Expires: expires})
}

// ClaimLink is where the owner-to-be goes with it.
func ClaimLink(origin, secret string) string {
	return strings.TrimSuffix(origin, "/") + "/claim/" + secret
}

// presetClaim offers the installation for a secret that its owner chose beforehand.
func (s *Server) presetClaim(secret paas.Secret) error {
	text := secret.Reveal()
	claimed, err := s.isClaimed()
	if err != nil || text == "" || claimed {
		return err
	}
	if len(text) < minClaimPreset || len(text) > maxClaimText {
		return paas.Invalidf("claim", "choose a longer one, such as four words in a row", "a claim secret has at least %d characters", minClaimPreset)
	}
	return s.Store.SetClaim(paas.Claim{Hash: hashOf(text)})
}

// CheckClaim tells whether the secret is that of the open claim. Wrong ones slow their sender down.
func (s *Server) CheckClaim(c *Call, secret string) error {
	try, err := s.logins.try("claim " + prefixOf(addrOf(c.Request())))
	if err != nil {
		return err
	}
	claim, ok, err := s.Store.Claim()
	if err != nil {
		return err
	}
	if !ok || len(secret) > maxClaimText || hashOf(strings.TrimSpace(secret)) != claim.Hash {
		return &paas.Error{Kind: paas.Unauthenticated, Field: "claim", Msg: "this claim is not valid", Hint: "it works once and for an hour; a new link is made on the server with: sudo cloudsania doctor --welcome"}
	}
	try.forgive()
	return nil
}

// ClaimInstallation makes the owner and signs their browser in.
func (s *Server) ClaimInstallation(c *Call, in api.Claim) (paas.User, error) {
	s.claiming.Lock()
	defer s.claiming.Unlock()
	if err := s.CheckClaim(c, in.Claim); err != nil {
		return paas.User{}, err
	}
	c.Principal = access.Principal{Kind: access.Claim, Name: in.Name, Addr: addrOf(c.Request())}
	if err := access.Authorize(c.Principal, access.OwnerCreate, access.Resource{}); err != nil {
		return paas.User{}, err
	}
	u, err := s.createOwner(c.Request().Context(), in)
	if err != nil {
		return paas.User{}, err
	}
	s.claimed.Store(true)
	return u, s.startSession(c, u)
}

func (s *Server) createOwner(ctx context.Context, in api.Claim) (paas.User, error) {
	second := in.Secret != "" && in.Code != ""
	if err := checkPassword(in.Password, in.Email, in.Name, second); err != nil {
		return paas.User{}, err
	}
	var step int64
	if second {
		var err error
		if step, err = checkEnrolment(in.Secret, in.Code, s.Now()); err != nil {
			return paas.User{}, err
		}
	}
	hash, err := s.passwords.hash(ctx, in.Password)
	if err != nil {
		return paas.User{}, err
	}
	u, err := s.Store.CreateOwner(hashOf(strings.TrimSpace(in.Claim)), paas.User{Name: in.Name, Email: in.Email, PasswordHash: hash})
	if err != nil || !second {
		return u, err
	}
	return s.enrol(u.ID, in.Secret, step)
}

// enrol switches the second factor on, its first code being used up.
func (s *Server) enrol(user, secret string, step int64) (paas.User, error) {
	if err := s.Store.SealTOTP(user, paas.NewSecret(secret)); err != nil {
		return paas.User{}, err
	}
	if _, err := s.Store.UseTOTPStep(user, step); err != nil {
		return paas.User{}, err
	}
	return s.Store.User(user)
}
