package store

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/cloudsania/cloudsania/disk"
	"github.com/cloudsania/cloudsania/paas"
)

const maxKeyFileBytes = 4096

// Key seals the secrets of one installation. It cannot be printed. The zero value is no key: Open refuses it.
type Key struct {
	b [chacha20poly1305.KeySize]byte
}

// NewKey returns a random key.
func NewKey() Key {
	var k Key
	if _, err := rand.Read(k.b[:]); err != nil {
		panic(err) // crypto/rand never fails on the systems we run on
	}
	return k
}

// IsZero reports whether there is no key.
func (k Key) IsZero() bool { return k == Key{} }

func (k Key) String() string             { return "[redacted]" }
func (k Key) GoString() string           { return "[redacted]" }
func (k Key) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[redacted]")) }
func (k Key) LogValue() slog.Value       { return slog.StringValue("[redacted]") }

// LoadKey reads a key file: 32 bytes in base64, readable by its owner alone. Every error says what is wrong with the file; a missing
// one has fs.ErrNotExist in its chain.
func LoadKey(path string) (Key, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a fifo in its place would wait for ever
	if err != nil {
		return Key{}, keyFileError(path, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Key{}, keyFileError(path, err)
	}
	if !info.Mode().IsRegular() {
		return Key{}, keyError("put the key file there", "%q is not a file", path)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return Key{}, keyError(fmt.Sprintf("run: chmod 600 %s; if others had accounts on this machine, count the secrets as known", path),
			"the key file %q can be read by others than its owner (mode %04o)", path, mode)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxKeyFileBytes))
	if err != nil {
		return Key{}, keyFileError(path, err)
	}
	raw, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(text)))
	if err != nil || len(raw) != chacha20poly1305.KeySize {
		return Key{}, keyError("put back the copy that was kept of it; a new key cannot open the secrets",
			"the key file %q is damaged: it must hold %d bytes in base64", path, chacha20poly1305.KeySize)
	}
	k := Key{[chacha20poly1305.KeySize]byte(raw)}
	if k.IsZero() {
		return Key{}, keyError("put back the copy that was kept of it", "the key file %q holds only zeros", path)
	}
	return k, nil
}

// CreateKey makes a key and its file, and the directory around it. An existing file is a Conflict and stays as it is.
func CreateKey(path string) (Key, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return Key{}, fmt.Errorf("make the key's directory: %w", err)
	}
	k := NewKey()
	err := disk.WriteNew(path, []byte(base64.StdEncoding.EncodeToString(k.b[:])+"\n"))
	if errors.Is(err, fs.ErrExist) {
		return Key{}, &paas.Error{Kind: paas.Conflict, Msg: fmt.Sprintf("there is a key file %q already", path),
			Hint: "it is never replaced: without it the secrets are lost", Err: err}
	}
	if err != nil {
		return Key{}, noSpace(fmt.Errorf("write the key file: %w", err))
	}
	return k, nil
}

func keyFileError(path string, err error) error {
	e := keyError("put back the copy that was kept of it; a new key cannot open the secrets", "the key file %q cannot be read", path)
	if errors.Is(err, fs.ErrNotExist) {
		e.Msg = fmt.Sprintf("the key file %q is missing", path)
	}
	e.Err = err
	return e
}

func keyError(hint, format string, args ...any) *paas.Error {
	return &paas.Error{Kind: paas.Unavailable, Msg: fmt.Sprintf(format, args...), Hint: "apps keep serving; " + hint}
}
