package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"html"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"
)

// livePage is a page that somebody looks at: loaded, with its stream of changes open.
type livePage struct {
	where string
	tab   *tab
	stop  context.CancelFunc
	ended chan struct{} // closed when the stream has

	mu      sync.Mutex
	awaited []byte // text that somebody waits for; nil: nobody does
	seen    chan time.Time
	err     error // why the stream ended
}

var streamAddress = regexp.MustCompile(`data-stream="([^"]+)"`)

// look loads a page and opens its stream, as a browser does. It gives up when that takes longer than patience.
func (b *browser) look(ctx context.Context, where string, patience time.Duration) (_ *livePage, err error) {
	p := &livePage{where: where, tab: b.tab(), ended: make(chan struct{})}
	ctx, p.stop = context.WithCancel(ctx)
	late := time.AfterFunc(patience, p.stop)
	defer func() {
		if !late.Stop() && err != nil {
			err = fmt.Errorf("%s took too long: %w", where, err)
		}
		if err != nil {
			p.stop()
		}
	}()
	res, err := p.open(ctx, where)
	if err != nil {
		return nil, err
	}
	go p.follow(ctx, res)
	return p, nil
}

// open loads a page and returns its stream.
func (p *livePage) open(ctx context.Context, where string) (*http.Response, error) {
	v, err := p.tab.visit(ctx, where)
	if err != nil {
		return nil, err
	}
	p.line([]byte(v.html))
	found := streamAddress.FindStringSubmatch(v.html)
	if found == nil {
		return nil, fmt.Errorf("%s is not live: it names no stream", where)
	}
	res, err := p.tab.ask(ctx, http.MethodGet, html.UnescapeString(found[1]), "", nil)
	if err == nil && res.StatusCode != http.StatusOK {
		err = errors.Join(fmt.Errorf("open the stream of %s: %s", where, res.Status), res.Body.Close())
	}
	return res, err
}

// follow reads the stream until it ends, and goes where it says.
func (p *livePage) follow(ctx context.Context, res *http.Response) {
	defer close(p.ended)
	for {
		where, err := p.read(res)
		if err == nil {
			res, err = p.open(ctx, where)
		}
		if err != nil {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.err = err
			return
		}
	}
}

// longestEvent bounds one line of a stream.
const longestEvent = 4 << 20

// read returns the address of a "go" event, or an error when the stream ends.
func (p *livePage) read(res *http.Response) (where string, err error) {
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, longestEvent)
	event := ""
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		switch {
		case name == "event":
			event = value
		case name == "data" && event == "go":
			return value, nil
		case name == "":
			event = ""
		default:
			p.line(lines.Bytes())
		}
	}
	if err := lines.Err(); err != nil {
		return "", err
	}
	return "", errors.New("the stream ended")
}

func (p *livePage) line(text []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.awaited != nil && bytes.Contains(text, p.awaited) {
		p.awaited = nil
		p.seen <- time.Now()
	}
}

// await returns where the moment is told at which text comes. Only the last await of a page is told.
func (p *livePage) await(text string) <-chan time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.awaited, p.seen = []byte(text), make(chan time.Time, 1)
	return p.seen
}

// alive is an error once the stream has ended.
func (p *livePage) alive() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return fmt.Errorf("the page %s: %w", p.where, p.err)
	}
	return nil
}

func (p *livePage) close() {
	p.stop()
	<-p.ended
	p.tab.close()
}

// livePages are all that are open.
type livePages []*livePage

func (all livePages) close() {
	for _, p := range all {
		p.close()
	}
}

// wire is how many bytes each got so far.
func (all livePages) wire() []int64 {
	out := make([]int64, len(all))
	for i, p := range all {
		out[i] = p.tab.wire.Load()
	}
	return out
}

// show returns how long it takes, from before do, until text was told to all of them.
func (all livePages) show(ctx context.Context, text string, do func() error) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, changePatience)
	defer cancel()
	told := make([]<-chan time.Time, len(all))
	for i, p := range all {
		told[i] = p.await(text)
	}
	began := time.Now()
	if err := do(); err != nil {
		return 0, err
	}
	var last time.Time
	for i, p := range all {
		select {
		case at := <-told[i]:
			if at.After(last) {
				last = at
			}
		case <-ctx.Done():
			return 0, errors.Join(fmt.Errorf("the page %s was not told of the change: %w", p.where, ctx.Err()), p.alive())
		}
	}
	return last.Sub(began), nil
}
