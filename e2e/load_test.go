package e2e

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// load is visitors who ask for a page at a constant rate, over kept connections, until stopped.
type load struct {
	stopped context.CancelFunc
	wg      sync.WaitGroup
	asked   atomic.Int64
	mu      sync.Mutex
	failed  []string
}

// visit begins perSecond requests a second to the app. An answer of anything but 200 counts as failed, and so does none.
func (w *world) visit(app string, perSecond int) *load {
	ctx, cancel := context.WithCancel(context.Background())
	l := &load{stopped: cancel}
	client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	tick := time.NewTicker(time.Second / time.Duration(perSecond))
	l.wg.Go(func() {
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				l.wg.Go(func() { l.ask(client, w.http, app) })
			}
		}
	})
	return l
}

func (l *load) ask(client *http.Client, port int, app string) {
	l.asked.Add(1)
	req, err := http.NewRequest(http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d/", port), nil)
	if err != nil {
		panic(err)
	}
	req.Host = fmt.Sprintf("%s.localhost:%d", app, port)
	res, err := client.Do(req)
	if err == nil {
		_, err = io.Copy(io.Discard, res.Body)
		res.Body.Close()
		if err == nil && res.StatusCode != 200 {
			err = fmt.Errorf("status %d", res.StatusCode)
		}
	}
	if err != nil {
		l.mu.Lock()
		l.failed = append(l.failed, fmt.Sprintf("%s %v", time.Now().Format("15:04:05.000"), err))
		l.mu.Unlock()
	}
}

// end stops the visitors and fails the test when one of them saw an error.
func (l *load) end(t *testing.T, atLeast int64) {
	t.Helper()
	l.stopped()
	l.wg.Wait()
	if n := l.asked.Load(); n < atLeast {
		t.Errorf("only %d requests were made, want at least %d for the test to mean something", n, atLeast)
	}
	if len(l.failed) > 0 {
		t.Errorf("%d of %d requests failed, the first: %s", len(l.failed), l.asked.Load(), strings.Join(l.failed[:min(5, len(l.failed))], "; "))
	}
}

// stream is a visitor who listens to server-sent events.
type stream struct {
	first string // first event's data
	last  atomic.Value
	count atomic.Int64
	cut   atomic.Bool
	conn  net.Conn
}

// listen opens an event stream of the app; it is read until closed.
func (w *world) listen(t *testing.T, app string) *stream {
	t.Helper()
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", w.http))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "GET /events HTTP/1.1\r\nHost: %s.localhost:%d\r\nAccept: text/event-stream\r\n\r\n", app, w.http)
	r := bufio.NewReader(conn)
	s := &stream{conn: conn}
	s.first, err = s.event(r)
	if err != nil {
		t.Fatalf("open event stream of %s: %v", app, err)
	}
	go func() {
		for {
			data, err := s.event(r)
			if err != nil {
				s.cut.Store(true)
				return
			}
			s.last.Store(data)
			s.count.Add(1)
		}
	}()
	return s
}

func (s *stream) event(r *bufio.Reader) (string, error) {
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return "", err
		}
		if data, ok := strings.CutPrefix(strings.TrimSpace(line), "data: "); ok {
			return data, nil
		}
	}
}

// whole fails the test when the stream was cut or went silent.
func (s *stream) whole(t *testing.T) {
	t.Helper()
	before := s.count.Load()
	eventually(t, 5*time.Second, "an event on a stream opened before", func() bool { return s.cut.Load() || s.count.Load() > before })
	if s.cut.Load() {
		t.Errorf("an event stream was cut after %d events", s.count.Load())
	}
	if last, _ := s.last.Load().(string); last != s.first {
		t.Errorf("a stream began on version %q and went on on %q", s.first, last)
	}
}
