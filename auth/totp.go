package auth

import (
	"crypto/subtle"
	"net/url"
	"strings"
	"time"

	"github.com/pquerna/otp/hotp"

	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/qr"
)

const (
	totpPeriod   = 30 // seconds, RFC 6238
	totpSkew     = 1  // steps that a clock may be off, either way
	totpBytes    = 20 // RFC 4226, 4: R6
	minTOTPBytes = 16
	totpIssuer   = "Cloudsania"
	maxTOTPText  = 64
)

// Enrolment is what an authenticator app needs to make codes.
type Enrolment struct {
	Secret paas.Secret // base32, for typing
	URI    paas.Secret // otpauth://…, with the secret in it
}

// NewEnrolment makes a fresh second factor. Nothing is kept: it comes back with a code that proves it works. When a
// form has to be filled in again, again is the secret that it brought back, so that the same QR code stays valid;
// anything but a secret of ours is ignored.
func NewEnrolment(email string, again paas.Secret) Enrolment {
	secret := again.Reveal()
	if raw, err := secretAlphabet.DecodeString(strings.ToLower(secret)); err != nil || len(raw) != totpBytes {
		secret = strings.ToUpper(newSecret(totpBytes).Reveal())
	}
	label := totpIssuer
	if email != "" {
		label += ":" + paas.Clip(email, paas.MaxEmail)
	}
	uri := url.URL{Scheme: "otpauth", Host: "totp", Path: "/" + label, RawQuery: "issuer=" + totpIssuer + "&secret=" + secret}
	return Enrolment{Secret: paas.NewSecret(secret), URI: paas.NewSecret(uri.String())}
}

// QR is the enrolment as a code to scan.
func (e Enrolment) QR() (qr.Code, error) { return qr.Encode(e.URI.Reveal()) }

// totpStep finds the time step that a code is of; false when it is of none near now.
func totpStep(secret paas.Secret, code string, now time.Time) (int64, bool) {
	code = strings.ReplaceAll(strings.TrimSpace(code), " ", "")
	at := now.Unix() / totpPeriod
	found, ok := int64(0), false
	for step := at - totpSkew; step <= at+totpSkew; step++ {
		want, err := hotp.GenerateCode(secret.Reveal(), uint64(step))
		if err == nil && subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			found, ok = step, true
		}
	}
	return found, ok
}

// checkEnrolment proves that the authenticator app makes the right codes, and returns the step of the one that it
// showed.
func checkEnrolment(secret paas.Secret, code string, now time.Time) (int64, error) {
	plain := secret.Reveal()
	raw, err := secretAlphabet.DecodeString(strings.ToLower(plain))
	if err != nil || len(raw) < minTOTPBytes || len(plain) > maxTOTPText {
		return 0, paas.Invalidf("secret", "ask for a new one", "this is not the secret of a second factor")
	}
	step, ok := totpStep(secret, code, now)
	if !ok {
		return 0, wrongCode()
	}
	return step, nil
}

func wrongCode() error {
	return paas.Invalidf("code", "type the six digits that the app shows now; the clocks of both devices must be right",
		"this code is not the right one")
}
