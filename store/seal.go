package store

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/cloudsania/cloudsania/paas"
)

// sealer encrypts what must not be readable in the file or a snapshot of it: XChaCha20-Poly1305, a random nonce before the ciphertext.
type sealer struct{ aead cipher.AEAD }

func newSealer(k Key) (sealer, error) {
	aead, err := chacha20poly1305.NewX(k.b[:])
	return sealer{aead}, err
}

// seal binds plain to the place and version that it is written for.
func (s sealer) seal(b bucket, id string, version uint64, plain []byte) []byte {
	nonce := make([]byte, chacha20poly1305.NonceSizeX, chacha20poly1305.NonceSizeX+len(plain)+s.aead.Overhead())
	if _, err := rand.Read(nonce); err != nil {
		panic(err) // crypto/rand never fails on the systems we run on
	}
	return s.aead.Seal(nonce, nonce, plain, sealedFor(b, id, version))
}

// open refuses a box that was sealed for another place or an older version: rows cannot be swapped or rolled back.
func (s sealer) open(b bucket, id string, version uint64, box []byte) ([]byte, error) {
	if len(box) < chacha20poly1305.NonceSizeX {
		return nil, unsealable(b, id)
	}
	nonce, sealed := box[:chacha20poly1305.NonceSizeX], box[chacha20poly1305.NonceSizeX:]
	plain, err := s.aead.Open(nil, nonce, sealed, sealedFor(b, id, version))
	if err != nil {
		return nil, unsealable(b, id)
	}
	return plain, nil
}

func unsealable(b bucket, id string) error {
	return &paas.Error{Kind: paas.Unavailable, Msg: fmt.Sprintf("the sealed %s of %q cannot be opened", b, id),
		Hint: "it was sealed with another key, or moved or changed in the database file", Err: ErrCorrupt}
}

// sealedFor is the additional data of the AEAD: bucket, id and version, each with its length, so that no two places read the same.
func sealedFor(b bucket, id string, version uint64) []byte {
	var out []byte
	for _, part := range []string{string(b), id} {
		out = binary.BigEndian.AppendUint64(out, uint64(len(part)))
		out = append(out, part...)
	}
	return binary.BigEndian.AppendUint64(append(out, 0, 0, 0, 0, 0, 0, 0, 8), version)
}
