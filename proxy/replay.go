package proxy

import (
	"errors"
	"io"
	"net/http"
	"sync"
)

// replayBody lends a request's body to one attempt after the other, as long as none has read from it.
type replayBody struct {
	body io.ReadCloser

	mu      sync.Mutex
	started bool
	loan    *bodyLoan
}

// bodyLoan is the body as one attempt sees it. Closing it closes nothing: the server closes the real one when the
// request ends.
type bodyLoan struct {
	of    *replayBody
	ended bool // guarded by of.mu
}

var errLoanEnded = errors.New("the request moved on")

// request is req for one attempt at addr.
func (b *replayBody) request(req *http.Request, addr string) *http.Request {
	u := *req.URL
	u.Host = addr
	out := req.WithContext(req.Context())
	out.URL = &u
	if b.body != nil {
		b.loan = &bodyLoan{of: b}
		out.Body = b.loan
	}
	return out
}

// rewind ends the current loan and reports whether the body can be lent again.
func (b *replayBody) rewind() bool {
	if b.body == nil {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.loan.ended = true
	return !b.started
}

func (l *bodyLoan) Read(p []byte) (int, error) {
	l.of.mu.Lock()
	if l.ended {
		l.of.mu.Unlock()
		return 0, errLoanEnded
	}
	l.of.started = true
	l.of.mu.Unlock()
	return l.of.body.Read(p)
}

func (l *bodyLoan) Close() error { return nil }
