package server

import (
	"bytes"
	"context"
	"crypto/sha256"
	"time"

	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/ui"
)

const (
	lineGather  = 100 * time.Millisecond // lines reach a page in batches
	linesAtOnce = 200
)

// parts sends what changed on a page that is open.
type parts struct {
	out  *Stream
	last [sha256.Size]byte
}

// send renders the live parts of the page and sends them unless they are what was sent last.
func (p *parts) send(page ui.Page) error {
	var buf bytes.Buffer
	if err := ui.Live(&buf, page); err != nil {
		return err
	}
	sum := sha256.Sum256(buf.Bytes())
	if sum == p.last {
		return nil
	}
	p.last = sum
	return p.out.SendRaw("", "parts", buf.Bytes())
}

// every calls fn at once and then each time the interval has passed, until ctx ends or fn fails.
func every(ctx context.Context, interval time.Duration, fn func() error) error {
	t := time.NewTicker(interval)
	defer t.Stop()
	for {
		if err := fn(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-t.C:
		}
	}
}

// sendLines passes lines on in batches until the channel is closed or ctx ends.
func sendLines(ctx context.Context, out *Stream, lines <-chan ui.Line) error {
	t := time.NewTicker(lineGather)
	defer t.Stop()
	var waiting []ui.Line
	flush := func() error {
		for len(waiting) > 0 {
			n := min(len(waiting), linesAtOnce)
			var buf bytes.Buffer
			if err := ui.Lines(&buf, waiting[:n]); err != nil {
				return err
			}
			if err := out.SendRaw("", "lines", buf.Bytes()); err != nil {
				return err
			}
			waiting = waiting[n:]
		}
		return nil
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case l, ok := <-lines:
			if !ok {
				return flush()
			}
			if waiting = append(waiting, l); len(waiting) >= linesAtOnce {
				if err := flush(); err != nil {
					return err
				}
			}
		case <-t.C:
			if err := flush(); err != nil {
				return err
			}
		}
	}
}

// follow sends a deployment's log from line number from on, until it is done.
func (s *Server) follow(ctx context.Context, out *Stream, id string, from int) error {
	lines := make(chan ui.Line, linesAtOnce)
	sent := make(chan error, 1)
	go func() { sent <- sendLines(ctx, out, lines) }()
	_, err := s.Deployer.Follow(ctx, id, from, func(l paas.LogLine) error {
		select {
		case lines <- deployLines([]paas.LogLine{l}, nil)[0]:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	close(lines)
	if e := <-sent; err == nil {
		err = e
	}
	return err
}
