package page

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/cloudsania/cloudsania/control"
	"github.com/cloudsania/cloudsania/meter"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/server"
	"github.com/cloudsania/cloudsania/ui"
)

const (
	changeGather = 100 * time.Millisecond // changes that come close together are shown together
	quietFor     = 5 * time.Minute        // that a page is not rendered at most: a crash is over some time after the last one
	builderEvery = time.Second            // while the builder is made: its progress is not in the store
	lineGather   = 100 * time.Millisecond // lines reach a page in batches
	linesAtOnce  = 200
)

// errOver ends eachChange: there is nothing more to show.
var errOver = errors.New("over")

// eachChange calls fn at once and then each time something was committed that pages show, or figures of the call's app (of any app
// where the page is not one app's) read differently, until ctx ends or fn fails.
func (f frame) eachChange(ctx context.Context, c *server.Call, fn func() error) error {
	changes, figures := f.ctl.Watch(), f.meter.Figures()
	defer changes.Close()
	defer figures.Close()
	for {
		quiet := quietFor
		if f.preparing() { // asked before the page is made: its last state shall be shown too
			quiet = builderEvery
		}
		if err := fn(); err != nil {
			return err
		}
		if err := nextChange(ctx, changes, figures, c.Target(), quiet); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(changeGather):
		}
		if err := c.Again(); err != nil { // it may have been renamed, or deleted
			return err
		}
	}
}

// nextChange returns when either has something new, or after a while for what changes with time alone; the error is that of ctx.
func nextChange(ctx context.Context, changes control.Changes, figures *meter.Figures, of paas.Target, quiet time.Duration) error {
	either, stop := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() {
		for {
			dirty, err := figures.Wait(either)
			if err != nil {
				return
			}
			if of == (paas.Target{}) || slices.Contains(dirty, of) {
				stop()
				return
			}
		}
	})
	_ = changes.Next(either, quiet)
	stop()
	watching.Wait()
	return ctx.Err()
}

// parts sends what changed on a page that is open.
type parts struct {
	out  *server.Stream
	last [][sha256.Size]byte // what was sent of each part
}

// send renders the live parts of the page and sends those that are not what was sent last.
func (p *parts) send(page ui.Page) error {
	var buf bytes.Buffer
	if err := ui.Live(&buf, page); err != nil {
		return err
	}
	return p.sendHTML(buf.Bytes())
}

// sendHTML is send for parts that were rendered before.
func (p *parts) sendHTML(html []byte) error {
	var changed []byte
	for i, part := range bytes.Split(html, []byte(ui.PartEnd)) {
		sum := sha256.Sum256(part)
		if i < len(p.last) && p.last[i] == sum {
			continue
		}
		if i == len(p.last) {
			p.last = append(p.last, sum)
		}
		p.last[i] = sum
		changed = append(changed, part...)
	}
	if len(changed) == 0 {
		return nil
	}
	return p.out.SendRaw("", "parts", changed)
}

// follower sends the logs of a page's deployments, one after the other.
type follower struct {
	frame frame
	call  *server.Call
	out   *server.Stream

	running sync.WaitGroup
	id      string // of the deployment that is followed
	err     error  // of the last one
}

// begin follows a deployment unless it does already; from says with which line it begins.
func (f *follower) begin(ctx context.Context, id string, from func() (int, error)) error {
	if f.id == id {
		return nil
	}
	first, err := from()
	if err != nil {
		return err
	}
	f.id = id
	f.running.Go(func() { f.err = f.follow(ctx, id, first) }) // ends with the stream or the deployment; a broken one shows as no lines
	return nil
}

// wait returns when nothing is followed any more.
func (f *follower) wait() error {
	f.running.Wait()
	return f.err
}

func (f *follower) follow(ctx context.Context, id string, from int) error {
	lines := make(chan ui.Line, linesAtOnce)
	sent := make(chan error, 1)
	go func() { sent <- sendLines(ctx, f.out, lines) }()
	_, err := f.frame.ctl.Output.Follow(ctx, f.call.Principal, id, from, func(l paas.LogLine) error {
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

// sendLines passes lines on in batches until the channel is closed or ctx ends.
func sendLines(ctx context.Context, out *server.Stream, lines <-chan ui.Line) error {
	waiting := make([]ui.Line, 0, linesAtOnce)
	var gathered <-chan time.Time // nil while nothing waits
	flush := func() error {
		gathered = nil
		if len(waiting) == 0 {
			return nil
		}
		var buf bytes.Buffer
		if err := ui.Lines(&buf, waiting); err != nil {
			return err
		}
		waiting = waiting[:0]
		return out.SendRaw("", "lines", buf.Bytes())
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case l, ok := <-lines:
			if !ok {
				return flush()
			}
			if waiting = append(waiting, l); gathered == nil {
				gathered = time.After(lineGather)
			}
			if len(waiting) == cap(waiting) {
				if err := flush(); err != nil {
					return err
				}
			}
		case <-gathered:
			if err := flush(); err != nil {
				return err
			}
		}
	}
}
