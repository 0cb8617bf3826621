package server

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"sync"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/store"
)

const (
	// MaxKeyBytes is how long an idempotency key may be.
	MaxKeyBytes   = 200
	maxKeptAnswer = 1 << 20
	// IdempotencyKey is the header that an idempotency key comes in.
	IdempotencyKey = "Idempotency-Key"
)

// keyring knows the idempotency keys whose first request is still running. The zero value is ready; safe for concurrent use.
type keyring struct {
	mu   sync.Mutex
	held map[string]bool
}

// hold takes a key; false when another request has it.
func (k *keyring) hold(key string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.held[key] {
		return false
	}
	if k.held == nil {
		k.held = map[string]bool{}
	}
	k.held[key] = true
	return true
}

func (k *keyring) release(key string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.held, key)
}

// once runs the handler, or repeats the answer that the same principal's request with the same Idempotency-Key got before. Failures are
// not kept: they may be tried again.
func (s *Server) once(c *Call, handle func() error) error {
	key := c.Request().Header.Get(IdempotencyKey)
	if key == "" || !c.route.Mutates() || !c.route.IsAPI() || c.Principal.Kind == access.Anonymous {
		return handle()
	}
	if len(key) > MaxKeyBytes {
		return paas.Invalidf(IdempotencyKey, "a random string of 26 characters does", "an idempotency key has at most %d characters", MaxKeyBytes)
	}
	who := fmt.Sprintf("%s:%s", c.Principal.Kind, c.Principal.ID)
	held := who + " " + key
	if !s.keys.hold(held) {
		return &paas.Error{Kind: paas.Conflict, Msg: "a request with this idempotency key is still running", Hint: "wait for it, then ask again with the same key"}
	}
	defer s.keys.release(held)
	request, err := c.fingerprint()
	if err != nil {
		return err
	}
	old, status, found, err := s.Answers.Idempotent(key, who, request)
	if err != nil {
		return err
	}
	if found {
		c.Response().Header().Set("Idempotent-Replayed", "true")
		return c.Blob(status, "application/json", old)
	}
	c.once = &store.Once{Key: key, Principal: who, RequestHash: request}
	kept := &recorder{ResponseWriter: c.Response().Writer}
	c.Response().Writer = kept
	if err := handle(); err != nil {
		return err
	}
	if kept.body.Len() > maxKeptAnswer || c.Response().Status >= http.StatusMultipleChoices {
		return nil
	}
	if err := s.Answers.SaveIdempotent(key, who, request, kept.body.Bytes(), c.Response().Status); err != nil {
		s.Log.Warn("cannot keep the answer for an idempotency key", "request", c.RequestID(), "err", err) // it was given all the same
	}
	return nil
}

// fingerprint tells requests apart. Of an archive, which is not kept in memory, the size stands for the content.
func (c *Call) fingerprint() (string, error) {
	r := c.Request()
	sum := sha256.New()
	fmt.Fprintf(sum, "%s %s\n%s\n", r.Method, r.URL.RequestURI(), r.Header.Get("Content-Type"))
	if c.route.Upload && !c.IsJSON() {
		fmt.Fprintf(sum, "%d", r.ContentLength)
		return hex.EncodeToString(sum.Sum(nil)), nil
	}
	b, err := c.body()
	if err != nil {
		return "", err
	}
	sum.Write(b)
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// recorder remembers what is written through it.
type recorder struct {
	http.ResponseWriter
	body bytes.Buffer
}

func (k *recorder) Write(p []byte) (int, error) {
	if k.body.Len() <= maxKeptAnswer {
		k.body.Write(p)
	}
	return k.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController find the connection.
func (k *recorder) Unwrap() http.ResponseWriter { return k.ResponseWriter }
