package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestDriveCountsWhatWasAnswered(t *testing.T) {
	var asked atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.Host != "app.localhost" {
			t.Errorf("asked for host %q", r.Host)
		}
		time.Sleep(5 * time.Millisecond)
		_, _ = io.WriteString(w, "hello")
	}))
	defer s.Close()
	l, err := drive(t.Context(), strings.TrimPrefix(s.URL, "http://"), "app.localhost", 4, 300*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if l.p50 < 5 || l.p99 < l.p50 || l.perSecond > 4000/5 || l.perSecond*0.3 > float64(asked.Load()) {
		t.Errorf("%+v of %d requests that took 5 ms each, four at a time", l, asked.Load())
	}
}

func TestDriveFailsOnAnAnswerThatIsNotGood(t *testing.T) {
	var n atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if n.Add(1) > 10 {
			w.WriteHeader(http.StatusBadGateway)
		}
	}))
	defer s.Close()
	if l, err := drive(t.Context(), strings.TrimPrefix(s.URL, "http://"), "x", 2, 100*time.Millisecond); err == nil {
		t.Errorf("%+v with errors among the answers", l)
	}
}

func TestVisitorSeesTheNewContent(t *testing.T) {
	began := time.Now()
	const after = 150 * time.Millisecond
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if time.Since(began) < after {
			_, _ = io.WriteString(w, "old")
			return
		}
		_, _ = io.WriteString(w, "new")
	}))
	defer s.Close()
	v := newVisitor(strings.TrimPrefix(s.URL, "http://"), "x", 1)
	at, err := v.sees(t.Context(), func(body string) bool { return body == "new" })
	if took := at.Sub(began); err != nil || took < after {
		t.Errorf("seen after %s, %v; it came after %s", took, err, after)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if at, err := v.sees(ctx, func(body string) bool { return body == "newer" }); err == nil {
		t.Errorf("saw at %s what never came", at)
	}
}
