package git

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

// body is what a client sends: unzipped, limited in size, given up when nothing comes. It keeps how it ended, because a
// pack that looks complete may still be followed by a broken connection.
type body struct {
	mu    sync.Mutex // a run of git that has ended may still be reading
	r     io.Reader
	left  int64
	err   error // sticky; io.EOF after a clean end
	limit int64
}

// newBody wraps r's body for reading up to limit unzipped bytes.
func newBody(w http.ResponseWriter, r *http.Request, limit int64, stall time.Duration) (*body, error) {
	b := &body{r: &stalling{r: r.Body, rc: http.NewResponseController(w), after: stall}, left: limit, limit: limit}
	switch enc := r.Header.Get("Content-Encoding"); enc {
	case "", "identity":
	case "gzip", "x-gzip":
		z, err := gzip.NewReader(b.r)
		if err != nil {
			return nil, paas.Invalidf("", "use a git client", "the request is not valid gzip")
		}
		b.r = z
	default:
		return nil, paas.Invalidf("", "use gzip or none", "the content encoding %q is not supported", paas.Clip(enc, 40))
	}
	return b, nil
}

// errTooLong ends a body that is longer than its limit.
var errTooLong = errors.New("the request is longer than its limit")

func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.r.Read(p)
	b.left -= int64(n)
	switch {
	case b.left < 0:
		b.err = errTooLong
		return 0, b.err
	case err != nil:
		b.err = err
	}
	return n, err
}

// finish makes sure that the body ends here, cleanly: a push that breaks off after its last byte but before the end of
// the request never gets an answer, so it must not take effect either.
func (b *body) finish() error {
	var one [1]byte
	n, err := io.ReadFull(b, one[:])
	switch {
	case n > 0:
		return paas.Invalidf("", "use a git client", "the request goes on after its end")
	case errors.Is(err, io.EOF):
		return nil
	}
	return err
}

// tooLong reports whether the limit ended the body.
func (b *body) tooLong() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return errors.Is(b.err, errTooLong)
}

// broken returns what ended the connection, or nil.
func (b *body) broken() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err == nil || errors.Is(b.err, io.EOF) || errors.Is(b.err, errTooLong) {
		return nil
	}
	return b.err
}

// drain reads on for a while after we have answered, because a client that still sends might otherwise be cut off
// before it reads why.
func (b *body) drain(max int64, patience time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil && !errors.Is(b.err, errTooLong) {
		return
	}
	buf := make([]byte, 32<<10)
	for end := time.Now().Add(patience); max > 0 && time.Now().Before(end); {
		n, err := b.r.Read(buf)
		if err != nil {
			return
		}
		max -= int64(n)
	}
}

// stalling gives each read of a request a time limit of its own, so that a slow upload may take hours and a dead one
// not.
type stalling struct {
	r     io.Reader
	rc    *http.ResponseController
	after time.Duration
	done  bool
}

func (s *stalling) Read(p []byte) (int, error) {
	if !s.done {
		_ = s.rc.SetReadDeadline(time.Now().Add(s.after)) // not supported by test recorders, which do not stall
	}
	n, err := s.r.Read(p)
	if err != nil && !s.done {
		s.done = true
		// From here on the server watches the connection for the client's leaving, which must not time out.
		_ = s.rc.SetReadDeadline(time.Time{})
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = fmt.Errorf("nothing came for %v: %w", s.after, err)
	}
	return n, err
}
