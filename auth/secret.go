package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"

	"github.com/cloudsania/cloudsania/paas"
)

const secretBytes = 32

// secretAlphabet survives a double click and being read aloud.
var secretAlphabet = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// newSecret is so many random bytes as text.
func newSecret(bytes int) paas.Secret {
	b := make([]byte, bytes)
	_, _ = rand.Read(b) // never fails: Go 1.24 crashes by itself
	return paas.NewSecret(secretAlphabet.EncodeToString(b))
}

// hashOf is how a session, token or claim is kept: a plain hash is enough, because the secret is random.
func hashOf(secret paas.Secret) string {
	sum := sha256.Sum256([]byte(secret.Reveal()))
	return hex.EncodeToString(sum[:])
}
