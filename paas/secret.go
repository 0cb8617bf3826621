package paas

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
)

const redacted = "[redacted]"

// Secret is text that cannot be printed, logged or marshalled by accident: every such path gives "[redacted]". The zero value is
// the empty secret. Reveal is the one way to the text, and easy to search for.
type Secret struct{ text string }

// NewSecret wraps text.
func NewSecret(text string) Secret { return Secret{text} }

// Reveal returns the text. Callers pass it on to the one place that needs it and keep no copy.
func (s Secret) Reveal() string { return s.text }

// IsZero reports whether the secret is empty.
func (s Secret) IsZero() bool { return s.text == "" }

func (s Secret) String() string               { return redacted }
func (s Secret) GoString() string             { return redacted }
func (s Secret) Format(f fmt.State, _ rune)   { _, _ = f.Write([]byte(redacted)) }
func (s Secret) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// GenerateSecret makes a secret of 256 random bits as 64 hexadecimal digits: what app.json's generator "secret" stands for.
func GenerateSecret() Secret {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return Secret{hex.EncodeToString(b[:])}
}
