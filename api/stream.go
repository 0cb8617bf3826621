package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

// errStop ends a stream from inside without being a failure.
var errStop = errors.New("stop")

// stream reads server-sent events of path until fn returns an error or ctx ends. A stream that breaks is taken up again
// after the last event seen; last is its id, "" at first. fn's error ends it and is returned, errStop as nil. A clean
// end of the stream is nil too unless resume is set.
func (c *Client) stream(ctx context.Context, path string, query url.Values, last string, resume bool, fn func(ServerEvent) error) error {
	lost := time.Time{} // when the trouble began
	wait := firstReconnect
	for {
		seen := false
		err := c.listen(ctx, path, query, last, func(e ServerEvent) error {
			seen = true
			if e.ID != "" {
				last = e.ID
			}
			return fn(e)
		})
		if seen {
			lost, wait = time.Time{}, firstReconnect
		}
		var broken *brokenStream
		switch {
		case errors.Is(err, errStop), err == nil && !resume:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && !errors.As(err, &broken) && !paas.IsKind(err, paas.Unavailable):
			return err
		}
		if lost.IsZero() {
			lost = time.Now()
		}
		if !resume || time.Since(lost) > reconnectFor {
			return c.unreachable(err)
		}
		if err := pause(ctx, wait); err != nil {
			return err
		}
		wait = min(2*wait, longestReconnect)
	}
}

// brokenStream is the end of a connection, as opposed to an error that the server or the reader meant.
type brokenStream struct{ err error }

func (b *brokenStream) Error() string { return "stream broke: " + b.err.Error() }
func (b *brokenStream) Unwrap() error { return b.err }

// listen is one connection's worth of a stream. nil means that the server ended it.
func (c *Client) listen(ctx context.Context, path string, query url.Values, last string, fn func(ServerEvent) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	quiet := time.AfterFunc(streamQuiet, cancel) // the server says something every 15 s
	defer quiet.Stop()
	header := http.Header{}
	if last != "" {
		header.Set("Last-Event-ID", last)
	}
	resp, err := c.send(ctx, call{method: http.MethodGet, path: path, query: query, accept: "text/event-stream", header: header})
	if err != nil {
		return &brokenStream{err}
	}
	defer func() { _ = resp.Body.Close() }() // read or given up
	if err := refusal(resp); err != nil {
		return err
	}
	events := NewEventReader(resp.Body, func() { quiet.Reset(streamQuiet) })
	for {
		e, err := events.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return &brokenStream{err}
		}
		if err := event(e, fn); err != nil {
			return err
		}
	}
}

// event hands e on; an error that the server sends inside a stream becomes one here.
func event(e ServerEvent, fn func(ServerEvent) error) error {
	if e.Name != "failed" {
		return fn(e)
	}
	var f Failed
	if err := json.Unmarshal(e.Data, &f); err != nil {
		return &brokenStream{err}
	}
	return &paas.Error{Kind: paas.Kind(f.Error.Kind), Msg: f.Error.Message, Hint: f.Error.Hint, Field: f.Error.Field}
}
