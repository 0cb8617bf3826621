package paas

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"strings"
	"time"
)

// idAlphabet is Crockford's base32 in lower case: it sorts like the bytes it encodes and has no look-alikes.
var idAlphabet = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

const idBytes = 16

// NewID returns prefix + "_" + 26 characters: 48 bits of milliseconds, then 80 random bits (the layout of a ULID), so that ids
// of one kind sort by age, roughly: order is by Seq. The prefixes are in reserved.go; it panics with another one.
func NewID(prefix string) string {
	if idPrefixes[prefix] == "" {
		panic("no noun has ids that begin with " + prefix)
	}
	var b [idBytes]byte
	binary.BigEndian.PutUint64(b[:8], uint64(time.Now().UnixMilli())<<16)
	if _, err := rand.Read(b[6:]); err != nil {
		panic(err) // crypto/rand never fails on the systems we run on (Go 1.24 crashes by itself)
	}
	return prefix + "_" + idAlphabet.EncodeToString(b[:])
}

// IsID reports whether s is an id of that kind. Only such strings may become part of a host path or a container's name.
func IsID(prefix, s string) bool {
	rest, ok := strings.CutPrefix(s, prefix+"_")
	if !ok || len(rest) != idAlphabet.EncodedLen(idBytes) {
		return false
	}
	_, err := idAlphabet.DecodeString(rest)
	return err == nil
}
