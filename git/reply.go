package git

import (
	"bytes"
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"

	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/terminal"
)

// reply is the answer to a push: lines for people on side-band 2 while it goes on, the report on side-band 1 at the
// end. A client without side-band gets the report alone. A client that has gone is not an error: what it pushed may go
// on without it. Safe for concurrent use.
type reply struct {
	stall time.Duration
	band  bool // side-band-64k was asked for
	asked bool // a report was

	mu   sync.Mutex
	w    http.ResponseWriter
	rc   *http.ResponseController
	dead bool
	last time.Time // something was sent
}

func newReply(w http.ResponseWriter, q *request, stall time.Duration) *reply {
	w.Header().Set("Content-Type", "application/x-git-receive-pack-result")
	w.Header().Set("X-Accel-Buffering", "no") // for proxies in front of us
	return &reply{stall: stall, band: q.caps["side-band-64k"], asked: q.caps["report-status"],
		w: w, rc: http.NewResponseController(w), last: time.Now()}
}

// say shows a line.
func (o *reply) say(text string) {
	o.send(sideband.ProgressMessage, []byte(terminal.Line(text, maxLineRunes)+"\n"))
}

// explain shows an error in the form of all our messages.
func (o *reply) explain(err error) {
	p := paas.Public(err)
	o.say("error: " + p.Msg)
	if p.Hint != "" {
		o.say("hint:  " + p.Hint)
	}
}

// verdict is what became of a command; an empty reason is success.
type verdict struct {
	command
	reason string
}

// report ends the answer.
func (o *reply) report(unpack string, verdicts []verdict) {
	if o.asked {
		r := packp.ReportStatus{UnpackStatus: terminal.Line(unpack, maxLineRunes)}
		for _, v := range verdicts {
			status := "ok"
			if v.reason != "" {
				status = terminal.Line(v.reason, maxLineRunes)
			}
			r.CommandStatuses = append(r.CommandStatuses, &packp.CommandStatus{ReferenceName: plumbing.ReferenceName(v.name), Status: status})
		}
		var b bytes.Buffer
		if err := r.Encode(&b); err != nil { // only a line too long for a packet, which ours are not
			return
		}
		o.send(sideband.PackData, b.Bytes())
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.band {
		o.write(func() error { return pktline.NewEncoder(o.w).Flush() })
	}
	_ = o.rc.SetWriteDeadline(time.Time{})
}

// send writes to a side-band. Without one there is only the report.
func (o *reply) send(ch sideband.Channel, b []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.band {
		if ch == sideband.PackData {
			o.write(func() error { _, err := o.w.Write(b); return err })
		}
		return
	}
	mux := sideband.NewMuxer(sideband.Sideband64k, o.w)
	for part := range slices.Chunk(b, 32<<10) {
		o.write(func() error { _, err := mux.WriteChannel(ch, part); return err })
	}
}

// write does one write, with a time limit of its own, and flushes. The caller holds the lock.
func (o *reply) write(do func() error) {
	if o.dead {
		return
	}
	_ = o.rc.SetWriteDeadline(time.Now().Add(o.stall)) // not supported by test recorders
	if err := do(); err != nil {
		o.dead = true
		return
	}
	o.last = time.Now()
	_ = o.rc.Flush() // if this fails the next write does too
}

// keepAlive sends an empty packet whenever nothing was sent for a while, as git's own server does, so that no proxy
// between us and the client takes the connection for dead. It stops with the returned function or ctx. Call it only
// when the request is read to its end: HTTP/1.1 answers come after questions.
func (o *reply) keepAlive(ctx context.Context, every time.Duration) (stop func()) {
	if !o.band {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				o.ping(every)
			}
		}
	}()
	return func() { cancel(); <-done }
}

func (o *reply) ping(every time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if time.Since(o.last) >= every/2 {
		o.write(func() error { return pktline.NewEncoder(o.w).Encode([]byte{byte(sideband.PackData)}) })
	}
}

const maxLineRunes = 2000
