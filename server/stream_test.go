package server

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/paas"
)

// sse opens a stream and reads events on a channel, which is closed at its end.
func (r *rig) sse(a ask) (<-chan api.ServerEvent, func()) {
	r.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	resp, err := r.try(ctx, a)
	if err != nil {
		r.t.Fatal(err)
	}
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" {
		b, _ := io.ReadAll(resp.Body)
		r.t.Fatalf("%s: %d %s", a.path, resp.StatusCode, b)
	}
	out := make(chan api.ServerEvent, 1000)
	go func() {
		defer close(out)
		for events := api.NewEventReader(resp.Body, nil); ; {
			e, err := events.Next()
			if err != nil {
				return
			}
			out <- e
		}
	}()
	r.t.Cleanup(cancel)
	return out, func() { cancel(); _ = resp.Body.Close() }
}

func next(t *testing.T, events <-chan api.ServerEvent) api.ServerEvent {
	t.Helper()
	select {
	case e, ok := <-events:
		if !ok {
			t.Fatal("the stream ended")
		}
		return e
	case <-time.After(20 * time.Second):
		t.Fatal("nothing came")
	}
	return api.ServerEvent{}
}

func ended(t *testing.T, events <-chan api.ServerEvent, within time.Duration) {
	t.Helper()
	for end := time.After(within); ; {
		select {
		case _, ok := <-events:
			if !ok {
				return
			}
		case <-end:
			t.Fatal("the stream goes on")
		}
	}
}

func (r *rig) deployment(a paas.App) paas.Deployment {
	r.t.Helper()
	dep, err := r.deploy.Deploy(context.Background(), paas.System, r.target(a), paas.Source{Kind: paas.SourceGit})
	if err != nil {
		r.t.Fatal(err)
	}
	return dep
}

func TestDeploymentStream(t *testing.T) {
	r := newClaimed(t)
	dep := r.deployment(r.app("shop"))
	path := "/api/v1/deployments/" + dep.ID + "/log/stream"
	r.deploy.say(dep.ID, paas.StepSource, "one\x1b]0;title\x07\x1b[31mred\x1b[0m\u202e")
	events, stop := r.sse(ask{path: path, local: true})
	if e := next(t, events); e.Name != "deploy.stage" || !strings.Contains(string(e.Data), `"source"`) {
		t.Errorf("%s %s", e.Name, e.Data)
	}
	if e := next(t, events); e.Name != "deploy.log" || e.ID != "0" || !strings.Contains(string(e.Data), `"onered"`) {
		t.Errorf("%s %s %s", e.Name, e.ID, e.Data)
	}
	r.deploy.say(dep.ID, paas.StepSource, "two\r\nthree")
	if e := next(t, events); e.ID != "1" || !strings.Contains(string(e.Data), `"two\nthree"`) {
		t.Errorf("%s %s", e.ID, e.Data)
	}
	stop()
	r.deploy.say(dep.ID, paas.StepBuild, "three")
	events, _ = r.sse(ask{path: path, local: true, header: map[string]string{"Last-Event-ID": "1"}})
	if e := next(t, events); e.Name != "deploy.stage" {
		t.Errorf("%s %s", e.Name, e.Data)
	}
	if e := next(t, events); e.ID != "2" {
		t.Errorf("it does not go on where it broke: %s %s", e.ID, e.Data)
	}
	r.deploy.finish(t, dep.ID, paas.StatusCancelled, &paas.Failure{Kind: paas.Cancelled, Message: "stopped by Ada"})
	if e := next(t, events); e.Name != "deploy.done" || !strings.Contains(string(e.Data), "stopped by Ada") || !strings.Contains(string(e.Data), `"cancelled"`) {
		t.Errorf("%s %s", e.Name, e.Data)
	}
	ended(t, events, 10*time.Second)
	// the same by the client, and as JSON
	n := 0
	done, err := r.control().Follow(t.Context(), dep.ID, func(api.LogLine) error { n++; return nil })
	if err != nil || n != 3 || !done.Done() {
		t.Errorf("%d lines, %+v, %v", n, done, err)
	}
	log, err := r.control().DeploymentLog(t.Context(), dep.ID, 1)
	if err != nil || len(log.Lines) != 2 || log.Lines[0].N != 1 || log.Lines[1].Step != "build" {
		t.Errorf("%+v %v", log, err)
	}
}

func TestAppLogStream(t *testing.T) {
	r := newClaimed(t)
	r.app("shop")
	at := time.Date(2026, 11, 23, 10, 0, 0, 5, time.UTC)
	r.deploy.app = []paas.LogLine{{Time: at, Process: "web", Stream: "stdout", Text: "one"}, {Time: at.Add(time.Second), Text: "two"}}
	events, _ := r.sse(ask{path: "/api/v1/apps/shop/logs/stream", local: true})
	first := next(t, events)
	if first.Name != "log.line" || first.ID != at.Format(time.RFC3339Nano) || !strings.Contains(string(first.Data), `"process":"web"`) {
		t.Errorf("%+v %s", first, first.Data)
	}
	next(t, events)
	events, _ = r.sse(ask{path: "/api/v1/apps/shop/logs/stream", local: true, header: map[string]string{"Last-Event-ID": first.ID}})
	if e := next(t, events); !strings.Contains(string(e.Data), "two") {
		t.Errorf("it does not go on after the last one: %s", e.Data)
	}
	log, err := r.control().Logs(t.Context(), "shop", "", api.LogsOptions{Tail: 1})
	if err != nil || len(log.Lines) != 1 || log.Lines[0].Text != "two" {
		t.Errorf("%+v %v", log, err)
	}
	r.refused(400, ask{path: "/api/v1/apps/shop/logs?tail=0", local: true})
	r.refused(400, ask{path: "/api/v1/apps/shop/logs?since=yesterday", local: true})
	r.deploy.mu.Lock()
	r.deploy.appErr = &paas.Error{Kind: paas.Conflict, Msg: "nothing is live yet"}
	r.deploy.mu.Unlock()
	if e := r.refused(409, ask{path: "/api/v1/apps/shop/logs/stream", local: true}); e.Message != "nothing is live yet" {
		t.Errorf("an error before the first line: %+v", e)
	}
}

// Who loses the right to look loses the stream: within seconds, not at the next reconnect.
func TestStreamsEndWithTheirCredential(t *testing.T) {
	r := newClaimed(t)
	a := r.app("shop")
	dep := r.deployment(a)
	path := "/api/v1/deployments/" + dep.ID + "/log/stream"
	cookie, text := r.session(), r.token(r.pathOf(a))
	bySession, _ := r.sse(ask{path: path, cookie: cookie})
	byToken, _ := r.sse(ask{path: path, token: text})
	stays, _ := r.sse(ask{path: path, local: true})
	if err := r.Store.DeleteSessionsOf(r.owner.ID); err != nil {
		t.Fatal(err)
	}
	tok, err := r.Store.TokenByHash(hashOf(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Store.RevokeToken(paas.System, tok.ID); err != nil {
		t.Fatal(err)
	}
	ended(t, bySession, streamRecheck+3*time.Second)
	ended(t, byToken, streamRecheck+3*time.Second)
	r.deploy.say(dep.ID, paas.StepSource, "still here")
	if e := next(t, stays); e.Name != "deploy.stage" {
		t.Errorf("%+v", e)
	}
}

// A quiet stream says at once that it is open.
func TestQuietStreamOpens(t *testing.T) {
	r := newClaimed(t)
	dep := r.deployment(r.app("shop"))
	begin := time.Now()
	_, stop := r.sse(ask{path: "/api/v1/deployments/" + dep.ID + "/log/stream", local: true})
	stop()
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
}

// Shutting down ends streams at once and lets a request that runs finish; the client takes the stream up again at the next control.
func TestShutdown(t *testing.T) {
	r := newRig(t)
	r.claimIt()
	stop := r.run()
	dep := r.deployment(r.app("shop"))
	events, _ := r.sse(ask{path: "/api/v1/deployments/" + dep.ID + "/log/stream", local: true})
	begin := time.Now()
	stop()
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("shutting down took %s with an open stream", took)
	}
	ended(t, events, time.Second)
	if _, err := net.Dial("unix", filepath.Join(r.dir, "web.sock")); err == nil {
		t.Error("the socket still answers")
	}
}

func TestTooManyStreams(t *testing.T) {
	r := newClaimed(t)
	dep := r.deployment(r.app("shop"))
	for range maxStreams {
		r.streams <- struct{}{}
	}
	if e := r.refused(503, ask{path: "/api/v1/deployments/" + dep.ID + "/log/stream", local: true}); e.Hint == "" {
		t.Errorf("%+v", e)
	}
}

// An error in the middle of a stream is told in the stream, without its cause.
func TestStreamFailsInTheMiddle(t *testing.T) {
	r := newClaimed(t)
	table := []Route{{Method: "GET", Path: "/api/v1/x", Action: "health.read", Resource: nowhere, Stream: true, Handle: func(s *Server, c *Call) error {
		return s.Stream(c, func(_ context.Context, out *Stream) error {
			if err := out.Send("1\nevent: forged", "a\nb", "x"); err != nil {
				return err
			}
			return errors.New("secret cause")
		})
	}}}
	d, err := openDoor(filepath.Join(r.dir, "x.sock"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	d.local = true
	srv := httpServer(r.front(r.mount(table)), r.Log)
	go func() { _ = srv.Serve(d) }()
	defer srv.Close()
	resp, err := socketClient(filepath.Join(r.dir, "x.sock")).Get("http://control/api/v1/x")
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	want := "retry: 2000\n\nid: 1\nevent: a\ndata: \"x\"\n\nevent: failed\ndata: "
	if !strings.HasPrefix(string(b), want) || strings.Contains(string(b), "secret") || !strings.Contains(r.logs.String(), "secret cause") {
		t.Errorf("%q", b)
	}
}

func TestFrame(t *testing.T) {
	for in, want := range map[string]string{"a": "data: a\n\n", "a\nb": "data: a\ndata: b\n\n", "a\r\nb": "data: a\ndata: \ndata: b\n\n", "": "data: \n\n", "x\n\nevent: y": "data: x\ndata: \ndata: event: y\n\n"} {
		if got := string(frame("", "", []byte(in))); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// timed records the deadlines that are set on it.
type timed struct {
	http.ResponseWriter
	read, write []time.Duration // from then on; 0: none
}

func from(t time.Time) time.Duration {
	if t.IsZero() {
		return 0
	}
	return time.Until(t)
}

func (d *timed) SetReadDeadline(t time.Time) error  { d.read = append(d.read, from(t)); return nil }
func (d *timed) SetWriteDeadline(t time.Time) error { d.write = append(d.write, from(t)); return nil }
func (d *timed) Write(p []byte) (int, error)        { return len(p), nil }
func (d *timed) Flush()                             {}

// A stream has a deadline while it moves and none while it is quiet; an upload has one for each step.
func TestProgressDeadlines(t *testing.T) {
	near := func(d time.Duration) bool { return d > progressEvery-5*time.Second && d <= progressEvery }
	d := &timed{}
	w := &movingWriter{ResponseWriter: d, control: http.NewResponseController(d)}
	if _, err := w.Write([]byte("x")); err != nil || len(d.write) != 2 || !near(d.write[0]) || d.write[1] != 0 {
		t.Errorf("writing: %v %v", d.write, err)
	}
	if w.Flush(); len(d.write) != 4 || !near(d.write[2]) || d.write[3] != 0 {
		t.Errorf("flushing: %v", d.write)
	}
	b := &timedBody{ReadCloser: io.NopCloser(io.LimitReader(endless{}, 100_000)), control: http.NewResponseController(d), moving: true}
	if n, err := io.Copy(io.Discard, b); n != 100_000 || err != nil {
		t.Fatal(n, err)
	}
	if len(d.read) < 2 || len(d.read) > 10 || !near(d.read[0]) || d.read[len(d.read)-1] != 0 {
		t.Errorf("reading: %v", d.read)
	}
}

// A handler that works for longer than a body may take is not taken for one whose visitor has left: the read deadline ends with the body.
func TestReadDeadlineEndsWithTheBody(t *testing.T) {
	r := newRig(t)
	r.claimIt()
	for _, rt := range []Route{{}, {Stream: true}, {Upload: true}} {
		d := &timed{}
		q := withPeer(httptest.NewRequest("POST", "/", strings.NewReader(`{"a":1}`)), peer{known: true, root: true})
		c := r.newCall(r.echo.NewContext(q, d), &rt)
		c.limit()
		if len(d.read) == 0 || d.read[0] <= 0 {
			t.Errorf("%+v: a body without a deadline: %v", rt, d.read)
		}
		if _, err := c.body(); err != nil {
			t.Fatal(err)
		}
		if d.read[len(d.read)-1] != 0 {
			t.Errorf("%+v: the deadline outlives the body: %v", rt, d.read)
		}
		d.read = nil
		c = r.newCall(r.echo.NewContext(withPeer(httptest.NewRequest("GET", "/", nil), peer{known: true}), d), &rt)
		if c.limit(); len(d.read) != 0 {
			t.Errorf("%+v: a deadline for no body: %v", rt, d.read)
		}
	}
}
