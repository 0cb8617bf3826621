package server

import (
	"crypto/subtle"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/boombuler/barcode/qr"
	"github.com/pquerna/otp/hotp"

	"github.com/cloudsania/cloudsania/paas"
)

const (
	totpPeriod  = 30 // seconds, RFC 6238
	totpSkew    = 1  // steps that a clock may be off, either way
	totpBytes   = 20 // RFC 4226, 4: R6
	totpIssuer  = "Cloudsania"
	maxTOTPText = 64
)

// Enrolment is what an authenticator app needs to make codes.
type Enrolment struct {
	Secret string // base32
	URI    string
}

// NewEnrolment makes a fresh second factor. Nothing is kept: it comes back with a code that proves it works.
func NewEnrolment(email string) Enrolment {
	secret := strings.ToUpper(newSecret(totpBytes))
	label := totpIssuer
	if email != "" {
		label += ":" + email
	}
	uri := url.URL{Scheme: "otpauth", Host: "totp", Path: "/" + label, RawQuery: "issuer=" + totpIssuer + "&secret=" + secret}
	return Enrolment{Secret: secret, URI: uri.String()}
}

// totpStep finds the time step that a code is of; false when it is of none near now.
func totpStep(secret, code string, now time.Time) (int64, bool) {
	code = strings.ReplaceAll(strings.TrimSpace(code), " ", "")
	at := now.Unix() / totpPeriod
	found, ok := int64(0), false
	for step := at - totpSkew; step <= at+totpSkew; step++ {
		want, err := hotp.GenerateCode(secret, uint64(step))
		if err == nil && subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			found, ok = step, true
		}
	}
	return found, ok
}

// checkEnrolment proves that the authenticator app makes the right codes, and returns the step of the one that it showed.
func checkEnrolment(secret, code string, now time.Time) (int64, error) {
	if raw, err := secretAlphabet.DecodeString(strings.ToLower(secret)); err != nil || len(raw) < 16 || len(secret) > maxTOTPText {
		return 0, paas.Invalidf("secret", "ask for a new one", "this is not the secret of a second factor")
	}
	step, ok := totpStep(secret, code, now)
	if !ok {
		return 0, wrongCode()
	}
	return step, nil
}

func wrongCode() error {
	return paas.Invalidf("code", "type the six digits that the app shows now; the clocks of both devices must be right", "this code is not the right one")
}

// QRModules draws text as a QR code: size × size squares, dark tells which are.
func QRModules(text string) (size int, dark func(x, y int) bool, err error) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return 0, nil, fmt.Errorf("draw QR code: %w", err)
	}
	return code.Bounds().Dx(), func(x, y int) bool {
		r, _, _, _ := code.At(x, y).RGBA()
		return r == 0
	}, nil
}

// qrSVG is the code as an SVG element with its quiet zone, readable on any background.
func qrSVG(text string) (string, error) {
	const quiet = 4 // modules, ISO/IEC 18004
	size, dark, err := QRModules(text)
	if err != nil {
		return "", err
	}
	var path strings.Builder
	for y := range size {
		for x := range size {
			if dark(x, y) {
				fmt.Fprintf(&path, "M%d %dh1v1h-1z", x+quiet, y+quiet)
			}
		}
	}
	side := size + 2*quiet
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges" role="img" aria-label="QR code">`+
		`<rect width="%d" height="%d" fill="#fff"/><path fill="#000" d="%s"/></svg>`, side, side, side, side, path.String()), nil
}
