package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"github.com/cloudsania/cloudsania/paas"
)

const (
	argonSalt = 16 // bytes
	argonKey  = 32

	hashesAtOnce   = 2 // a flood of logins must not become a flood of memory
	hashesWaiting  = 32
	hashPatience   = 10 * time.Second
	maxPassword    = 128
	minPassword    = 15 // alone (NIST SP 800-63B-4, 3.1.1.2)
	minPasswordTwo = 8  // beside a second factor
)

// MinPassword is how many characters a password must have.
func MinPassword(secondFactor bool) int {
	if secondFactor {
		return minPasswordTwo
	}
	return minPassword
}

// checkPassword tells whether a new password will do. There are no rules about what it is made of: length is what
// helps.
func checkPassword(secret paas.Secret, email, name string, secondFactor bool) error {
	password := secret.Reveal()
	n, least := utf8.RuneCountInString(password), MinPassword(secondFactor)
	switch {
	case n < least && !secondFactor:
		return paas.Invalidf("password", "four words in a row do; with a second factor 8 characters are enough",
			"a password has at least %d characters", least)
	case n < least:
		return paas.Invalidf("password", "four words in a row do", "a password has at least %d characters", least)
	case len(password) > maxPassword:
		return paas.Invalidf("password", "shorten it", "a password has at most %d characters", maxPassword)
	case !utf8.ValidString(password):
		return paas.Invalidf("password", "choose another", "this password cannot be typed")
	case guessable(password, email, name):
		return paas.Invalidf("password", "choose something that nobody would try first", "this password is easy to guess")
	}
	return nil
}

// guessable finds passwords that are one character over and over, a short run repeated, or the person's own name or
// address.
func guessable(password, email, name string) bool {
	p := strings.ToLower(password)
	for _, own := range []string{email, name, name + name, "cloudsania"} {
		if own != "" && strings.ReplaceAll(p, strings.ToLower(own), "") == "" {
			return true
		}
	}
	for period := 1; period <= 4 && period < len(p); period++ {
		if strings.HasPrefix(strings.Repeat(p[:period], len(p)/period+1), p) {
			return true
		}
	}
	return strings.Contains("01234567890123456789 abcdefghijklmnopqrstuvwxyz qwertyuiopasdfghjklzxcvbnm", p)
}

// costs are those of argon2id.
type costs struct {
	memory  uint32 // KiB
	time    uint32
	threads uint8
}

// todaysCosts are OWASP's first choice: one hash takes 19 MiB for about 50 ms.
var todaysCosts = costs{memory: 19 << 10, time: 2, threads: 1}

// passwords hashes and checks, a few at a time.
type passwords struct {
	costs   costs // of new hashes
	slots   chan struct{}
	waiting atomic.Int32
	dummy   string // hash that matches no password: checked for unknown people, so that they take as long as known ones
}

func newPasswords(c costs) *passwords {
	dummy := phc{costs: c, salt: make([]byte, argonSalt), key: make([]byte, argonKey)}
	return &passwords{costs: c, slots: make(chan struct{}, hashesAtOnce), dummy: dummy.String()}
}

// enter waits for a slot.
func (p *passwords) enter(ctx context.Context) (leave func(), err error) {
	busy := &paas.Error{Kind: paas.Throttled, Msg: "too many people are signing in at this moment", Hint: "try again in a few seconds"}
	if p.waiting.Add(1) > hashesWaiting {
		p.waiting.Add(-1)
		return nil, busy
	}
	defer p.waiting.Add(-1)
	t := time.NewTimer(hashPatience)
	defer t.Stop()
	select {
	case p.slots <- struct{}{}:
		return func() { <-p.slots }, nil
	case <-t.C:
		return nil, busy
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// hash makes the PHC string of a password.
func (p *passwords) hash(ctx context.Context, password paas.Secret) (string, error) {
	leave, err := p.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	h := phc{costs: p.costs, salt: make([]byte, argonSalt)}
	_, _ = rand.Read(h.salt) // never fails: Go 1.24 crashes by itself
	h.key = h.derive(password.Reveal(), argonKey)
	return h.String(), nil
}

// verify checks a password against a PHC string; "" matches none, and takes as long. stale says that the string has
// other costs than today's.
func (p *passwords) verify(ctx context.Context, hash string, secret paas.Secret) (ok, stale bool, err error) {
	known := hash != ""
	if !known {
		hash = p.dummy
	}
	h, err := decodeHash(hash)
	if err != nil {
		return false, false, err
	}
	password := secret.Reveal()
	if len(password) > maxPassword {
		password, known = "", false // as long a wait, and wrong
	}
	leave, err := p.enter(ctx)
	if err != nil {
		return false, false, err
	}
	defer leave()
	ok = subtle.ConstantTimeCompare(h.derive(password, len(h.key)), h.key) == 1 && known
	return ok, h.costs != p.costs, nil
}

// phc is a decoded hash.
type phc struct {
	costs
	salt, key []byte
}

// derive computes the key of a password, of so many bytes.
func (h phc) derive(password string, bytes int) []byte {
	return argon2.IDKey([]byte(password), h.salt, h.time, h.memory, h.threads, uint32(bytes))
}

func (h phc) String() string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.memory, h.time, h.threads,
		b64.EncodeToString(h.salt), b64.EncodeToString(h.key))
}

func decodeHash(s string) (h phc, err error) {
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return h, fmt.Errorf("decode password hash: unknown format")
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.memory, &h.time, &h.threads); err != nil {
		return h, fmt.Errorf("decode password hash: %w", err)
	}
	if h.memory > 1<<20 || h.time == 0 || h.time > 100 || h.threads == 0 {
		return h, fmt.Errorf("decode password hash: costs out of range")
	}
	if h.salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil {
		return h, fmt.Errorf("decode password hash: %w", err)
	}
	if h.key, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil || len(h.key) == 0 {
		return h, fmt.Errorf("decode password hash: no key: %w", err)
	}
	return h, nil
}
