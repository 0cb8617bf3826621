package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/paas"
)

const (
	maxStreams      = 1000 // open at once, each with two goroutines
	streamHeartbeat = 15 * time.Second
	streamRecheck   = 5 * time.Second       // a revoked session or token loses its streams within this
	streamExpiry    = time.Minute           // one that has expired, within this
	streamGather    = 30 * time.Millisecond // lines that come close together travel together
	streamRetryMs   = 2000
	maxStreamReply  = 1 << 20
)

// Stream is an answer of server-sent events (HTML standard, 9.2). Send may be called from several goroutines.
type Stream struct {
	mu      sync.Mutex
	w       http.ResponseWriter
	control *http.ResponseController
	started bool
	flushAt *time.Timer // nil: nothing waits to be flushed
	err     error
}

// Stream answers with server-sent events until run returns; its context ends when the visitor goes, may not see this any longer, or
// control shuts down. An error before anything was sent is an ordinary answer, one after that an event "failed".
func (c *Call) Stream(run func(ctx context.Context, out *Stream) error) error {
	s := c.server
	select {
	case s.streams <- struct{}{}:
		defer func() { <-s.streams }()
	default:
		return &paas.Error{Kind: paas.Unavailable, Msg: "too many live views are open", Hint: "close some tabs and try again"}
	}
	ctx, cancel := context.WithCancel(c.Request().Context())
	defer cancel()
	defer context.AfterFunc(s.closing, cancel)()
	out := &Stream{w: c.Response().Writer, control: http.NewResponseController(c.Response().Writer)}
	var heartbeats sync.WaitGroup
	heartbeats.Go(func() { s.heartbeat(ctx, c, out, cancel) })
	err := run(ctx, out)
	ended := ctx.Err() != nil
	cancel()
	heartbeats.Wait()
	defer out.finish()
	if err == nil || ended && errors.Is(err, context.Canceled) {
		out.start()
		c.Response().Committed = true
		return nil
	}
	if !out.begun() {
		return err
	}
	c.Response().Committed = true
	if out.broken() {
		return nil // nobody is there to be told
	}
	_ = out.Send("", "failed", failed(paas.Public(err), c.RequestID())) // the stream ends either way
	return err
}

// heartbeat keeps the connection from looking dead, and ends it when it should not be open any more.
func (s *Server) heartbeat(ctx context.Context, c *Call, out *Stream, cancel func()) {
	epoch, asked := s.Auth.Epoch(), s.Now()
	start := time.NewTimer(streamGather) // who waits for a first line shall see that the stream is open
	defer start.Stop()
	recheck := time.NewTicker(streamRecheck)
	defer recheck.Stop()
	beat := time.NewTicker(streamHeartbeat)
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-start.C:
			out.start()
		case <-recheck.C:
			now, current := s.Now(), s.Auth.Epoch()
			if current == epoch && now.Sub(asked) < streamExpiry {
				continue
			}
			if epoch, asked = current, now; !s.stillMay(c) {
				cancel()
				return
			}
		case <-beat.C:
			if out.comment() != nil {
				cancel()
				return
			}
		}
	}
}

// stillMay asks again what the gate asked when the stream was opened.
func (s *Server) stillMay(c *Call) bool {
	p, err := s.principal(c.Request(), c.Secure)
	if err != nil || p.Kind != c.Principal.Kind || p.ID != c.Principal.ID {
		return false
	}
	again := &Call{Context: c.Context, Principal: p, Secure: c.Secure, server: s, route: c.route}
	r, err := c.route.Resource(again)
	return err == nil && access.Authorize(p, c.route.Action, r) == nil
}

// start sends the headers, once.
func (o *Stream) start() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.begin() {
		o.flush()
	}
}

// begin writes the headers unless that was done. The caller holds the lock.
func (o *Stream) begin() bool {
	if o.started {
		return false
	}
	o.started = true
	h := o.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // for a proxy of the user's own in front of the edge
	o.w.WriteHeader(http.StatusOK)
	_, o.err = fmt.Fprintf(o.w, "retry: %d\n\n", streamRetryMs)
	return true
}

func (o *Stream) begun() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.started
}

func (o *Stream) broken() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err != nil
}

// Send sends an event with v as JSON. Id and name may be empty. The error of a broken connection stays.
func (o *Stream) Send(id, name string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode event: %w", err)
	}
	return o.SendRaw(id, name, data)
}

// SendRaw sends an event with data as it is; line feeds in it are kept.
func (o *Stream) SendRaw(id, name string, data []byte) error {
	if len(data) > maxStreamReply {
		return fmt.Errorf("send event: %d bytes are too many", len(data))
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.begin()
	if o.err != nil {
		return o.err
	}
	_, o.err = o.w.Write(frame(id, name, data))
	if o.flushAt == nil && o.err == nil {
		o.flushAt = time.AfterFunc(streamGather, func() {
			o.mu.Lock()
			defer o.mu.Unlock()
			if o.flushAt != nil {
				o.flush()
			}
		})
	}
	return o.err
}

// comment is a line that means nothing.
func (o *Stream) comment() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.begin()
	if o.err == nil {
		_, o.err = fmt.Fprint(o.w, ": alive\n\n")
		o.flush()
	}
	return o.err
}

// flush sends what was written. The caller holds the lock.
func (o *Stream) flush() {
	o.flushAt = nil
	if err := o.control.Flush(); err != nil && o.err == nil {
		o.err = err
	}
}

// finish flushes and makes sure that no timer touches the connection after the handler.
func (o *Stream) finish() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.flushAt != nil {
		o.flushAt.Stop()
		o.flush()
	}
}

// frame is an event on the wire. Id and name are ours; a line end in them would forge another field.
func frame(id, name string, data []byte) []byte {
	var b []byte
	if id != "" {
		b = fmt.Appendf(b, "id: %s\n", oneLine(id))
	}
	if name != "" {
		b = fmt.Appendf(b, "event: %s\n", oneLine(name))
	}
	start := 0
	for i, ch := range data {
		if ch == '\n' || ch == '\r' {
			b = append(append(append(b, "data: "...), data[start:i]...), '\n')
			start = i + 1
		}
	}
	return append(append(append(b, "data: "...), data[start:]...), "\n\n"...)
}

func oneLine(s string) string {
	for i, ch := range s {
		if ch == '\n' || ch == '\r' || ch == 0 {
			return s[:i]
		}
	}
	return s
}
