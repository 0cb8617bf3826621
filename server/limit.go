package server

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

const (
	defaultBodyBytes = 1 << 20
	// MaxAppBody is for what brings variables: they may be 1 MiB, and JSON may escape them.
	MaxAppBody = 3 << 20
	// MaxLineNumber is the largest number of a log's line that an address may name.
	MaxLineNumber = 1 << 30
	// MaxUploadBytes is the largest archive that is taken.
	MaxUploadBytes = 2 << 30
	// multipartSlack is for the boundaries and other fields of a form around an archive.
	multipartSlack = 1 << 20

	readDeadline  = 30 * time.Second // for the whole of a small body
	writeDeadline = 2 * time.Minute  // for a small answer, its making included
	restDeadline  = 5 * time.Second  // for what is left of a body that nobody wants
	progressEvery = 30 * time.Second // a stream or upload that moves nothing for this long is cut
)

// maxBody is the route's limit in bytes.
func (c *Call) maxBody() int64 {
	switch {
	case c.route.Upload:
		return MaxUploadBytes + multipartSlack
	case c.route.MaxBody > 0:
		return c.route.MaxBody
	}
	return defaultBodyBytes
}

// limit bounds the body in size and both directions in time. A read deadline lasts no longer than the body: net/http goes on reading to
// notice a visitor who leaves, and would take a deadline for that.
func (c *Call) limit() {
	rc := http.NewResponseController(c.Response().Writer)
	r := c.Request()
	c.wire = r.Body
	moving := c.route.Stream || c.route.Upload
	body := &timedBody{ReadCloser: r.Body, control: rc, moving: moving}
	// Errors of setting deadlines would mean a connection without them, as only tests have.
	if moving {
		_ = rc.SetWriteDeadline(time.Time{})
		c.Response().Writer = &movingWriter{ResponseWriter: c.Response().Writer, control: rc}
	} else {
		_ = rc.SetWriteDeadline(time.Now().Add(writeDeadline))
	}
	if r.Body != nil && r.Body != http.NoBody {
		_ = rc.SetReadDeadline(time.Now().Add(readDeadline))
		r.Body = body
	}
	if c.route.Path != gitPath { // git has limits of its own, for packs
		r.Body = http.MaxBytesReader(c.Response().Writer, r.Body, c.maxBody())
	}
}

// release hands the connection back to net/http. It knows how to answer somebody who is still sending, but only with its own body in
// place; the deadline is for what it reads to be able to keep the connection.
func (c *Call) release() {
	c.Request().Body = c.wire
	// An error would mean a connection without deadlines, as only tests have.
	_ = http.NewResponseController(c.Response().Writer).SetReadDeadline(time.Now().Add(restDeadline))
}

func tooLarge(limit int64) error {
	what := "request"
	if limit >= MaxUploadBytes {
		what, limit = "upload", MaxUploadBytes
	}
	return &paas.Error{Kind: paas.TooLarge, Msg: fmt.Sprintf("the %s is larger than %s", what, size(limit)),
		Hint: "leave out what is not source code: dependencies, build output, media"}
}

// bodyError explains why a body could not be read.
func bodyError(err error) error {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return tooLarge(large.Limit)
	}
	var said *paas.Error
	if errors.As(err, &said) {
		return err
	}
	return &paas.Error{Kind: paas.Invalid, Msg: "the request's body ended early", Hint: "the connection broke or stood still; try again", Err: err}
}

// size writes bytes for people.
func size(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%d GiB", n>>30)
	case n >= 1<<20:
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d KiB", n>>10)
}

// timedBody is a body with a deadline, which ends with it. A moving one gets a new deadline as long as something comes.
type timedBody struct {
	io.ReadCloser
	control *http.ResponseController
	moving  bool
	armed   time.Time
}

func (b *timedBody) Read(p []byte) (int, error) {
	if now := time.Now(); b.moving && now.Sub(b.armed) > time.Second { // not for each read of a fast body
		b.armed = now
		_ = b.control.SetReadDeadline(now.Add(progressEvery)) // fails only where there is no connection
	}
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		_ = b.control.SetReadDeadline(time.Time{})
	}
	return n, err
}

// movingWriter gives every write a deadline of its own, and none to the silence between them.
type movingWriter struct {
	http.ResponseWriter
	control *http.ResponseController
}

func (w *movingWriter) Write(p []byte) (int, error) {
	_ = w.control.SetWriteDeadline(time.Now().Add(progressEvery)) // fails only where there is no connection
	n, err := w.ResponseWriter.Write(p)
	_ = w.control.SetWriteDeadline(time.Time{})
	return n, err
}

// Flush sends what was written so far; a broken connection shows at the next write.
func (w *movingWriter) Flush() { _ = w.FlushError() }

// FlushError is Flush for http.ResponseController.
func (w *movingWriter) FlushError() error {
	_ = w.control.SetWriteDeadline(time.Now().Add(progressEvery)) // fails only where there is no connection
	err := w.control.Flush()
	_ = w.control.SetWriteDeadline(time.Time{})
	return err
}

// Unwrap lets http.ResponseController find the connection.
func (w *movingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
