package auth

import (
	"context"
	"strings"
	"time"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/store"
)

const (
	claimBytes     = 16 // 128 bits
	claimLife      = time.Hour
	minClaimPreset = 12

	// MaxClaimText is how many bytes a claim secret has at most.
	MaxClaimText = 200
)

// Claimed reports whether there is an owner. It cannot stop being so.
func (a *Authenticator) Claimed() (bool, error) {
	if a.claimed.Load() {
		return true, nil
	}
	users, err := a.store.Users()
	if err != nil {
		return false, err
	}
	if len(users) > 0 {
		a.claimed.Store(true)
	}
	return len(users) > 0, nil
}

// IssueClaim offers the installation to the holder of the returned secret, for an hour and once; the claim before it
// is void. Only a claim that the owner chose beforehand stays: then the secret is empty. Conflict when there is an
// owner.
func (a *Authenticator) IssueClaim() (secret paas.Secret, expires time.Time, err error) {
	claimed, err := a.Claimed()
	if err != nil || !claimed && a.preset.Load() {
		return secret, expires, err
	}
	secret, expires = newSecret(claimBytes), a.now().Add(claimLife)
	return secret, expires, a.store.SetClaim(paas.Claim{Hash: hashOf(secret), Expires: expires})
}

// PresetClaim offers the installation for a secret that its owner chose beforehand, valid until used. An empty
// secret, and any once there is an owner, changes nothing; Invalid when the secret is too easy to guess.
func (a *Authenticator) PresetClaim(secret paas.Secret) error {
	claimed, err := a.Claimed()
	if err != nil || secret.IsZero() || claimed {
		return err
	}
	if n := len(secret.Reveal()); n < minClaimPreset || n > MaxClaimText {
		return paas.Invalidf("claim", "choose a longer one, such as four words in a row",
			"a claim secret has at least %d characters", minClaimPreset)
	}
	a.preset.Store(true)
	return a.store.SetClaim(paas.Claim{Hash: hashOf(secret)})
}

// CheckClaim reports whether the secret is that of the open claim. Wrong ones slow their sender down.
func (a *Authenticator) CheckClaim(secret paas.Secret, addr string) error {
	try, err := a.attempts.try("claim " + networkOf(addr))
	if err != nil {
		return err
	}
	claim, ok, err := a.store.Claim()
	if err != nil {
		return err
	}
	if !ok || len(secret.Reveal()) > MaxClaimText || claimHash(secret) != claim.Hash {
		return &paas.Error{
			Kind:  paas.Unauthenticated,
			Field: "claim",
			Msg:   "this claim is not valid",
			Hint:  "it works once and for an hour; a new link is made on the server with: sudo cloudsania doctor --welcome",
		}
	}
	try.undo()
	return nil
}

// NewOwner is what a claim is redeemed with. TOTP and Code, both or none, switch a second factor on.
type NewOwner struct {
	Claim       paas.Secret
	Name, Email string
	Password    paas.Secret
	TOTP        paas.Secret
	Code        string
	Browser     Browser
}

// Claim makes the owner of the installation and signs their browser in.
func (a *Authenticator) Claim(ctx context.Context, in NewOwner) (SignedIn, error) {
	a.claiming.Lock()
	defer a.claiming.Unlock()
	if err := a.CheckClaim(in.Claim, in.Browser.Addr); err != nil {
		return SignedIn{}, err
	}
	by := access.Principal{Kind: access.Claim, Name: in.Name, Addr: in.Browser.Addr}
	if err := access.Authorize(by, access.OwnerCreate, access.Resource{}); err != nil {
		return SignedIn{}, err
	}
	create, err := a.createOwner(ctx, in)
	if err != nil {
		return SignedIn{}, err
	}
	out, err := a.startSession(ctx, paas.System, in.Browser, create)
	if err == nil {
		a.claimed.Store(true)
	}
	return out, err
}

// createOwner checks what makes the owner and returns how it does.
func (a *Authenticator) createOwner(ctx context.Context, in NewOwner) (accountChange, error) {
	second := !in.TOTP.IsZero() && in.Code != ""
	if err := checkPassword(in.Password, in.Email, in.Name, second); err != nil {
		return nil, err
	}
	var step int64
	if second {
		var err error
		if step, err = checkEnrolment(in.TOTP, in.Code, a.now()); err != nil {
			return nil, err
		}
	}
	hash, err := a.passwords.hash(ctx, in.Password)
	if err != nil {
		return nil, err
	}
	return func(t *store.Tx) (string, error) {
		u, err := t.CreateOwner(claimHash(in.Claim), paas.User{Name: in.Name, Email: in.Email, PasswordHash: hash})
		if err != nil || !second {
			return u.ID, err
		}
		return u.ID, enrol(t, u.ID, in.TOTP, step)
	}, nil
}

// claimHash forgives blanks around a secret that was copied by hand.
func claimHash(secret paas.Secret) string {
	return hashOf(paas.NewSecret(strings.TrimSpace(secret.Reveal())))
}
