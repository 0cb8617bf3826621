package server

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
)

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
	b := &timedBody{ReadCloser: io.NopCloser(io.LimitReader(zeros{}, 100_000)), control: http.NewResponseController(d), moving: true}
	if n, err := io.Copy(io.Discard, b); n != 100_000 || err != nil {
		t.Fatal(n, err)
	}
	if len(d.read) < 2 || len(d.read) > 10 || !near(d.read[0]) || d.read[len(d.read)-1] != 0 {
		t.Errorf("reading: %v", d.read)
	}
}

// A handler that works for longer than a body may take is not taken for one whose visitor has left: the read deadline ends with the body.
func TestReadDeadlineEndsWithTheBody(t *testing.T) {
	s := &Server{echo: echo.New()}
	for _, rt := range []Route{{}, {Stream: true}, {Upload: true}} {
		d := &timed{}
		q := withPeer(httptest.NewRequest("POST", "/", strings.NewReader(`{"a":1}`)), peer{known: true, root: true})
		c := s.newCall(s.echo.NewContext(q, d), &rt)
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
		c = s.newCall(s.echo.NewContext(withPeer(httptest.NewRequest("GET", "/", nil), peer{known: true}), d), &rt)
		if c.limit(); len(d.read) != 0 {
			t.Errorf("%+v: a deadline for no body: %v", rt, d.read)
		}
	}
}
