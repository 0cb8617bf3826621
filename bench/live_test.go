package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// dashboard serves one live page, which says what is sent to the returned channel.
func dashboard(t *testing.T) (*browser, chan<- string) {
	t.Helper()
	say := make(chan string)
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `<a href="/apps/shop">Shop</a><a href="/apps/shop/logs"></a><a href="/apps/blog">Blog</a><a href="/apps/shop">Shop</a><span data-stream="/live?a=1&amp;b=2">`)
	})
	mux.HandleFunc("/elsewhere", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `it is renamed <span data-stream="/live?b=2">`)
	})
	mux.HandleFunc("/slow", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("/dead", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "nothing moves here") })
	mux.HandleFunc("/live", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("b") != "2" {
			http.Error(w, "who is that", http.StatusNotFound)
			return
		}
		_ = http.NewResponseController(w).Flush()
		for {
			select {
			case text := <-say:
				event, text, _ := strings.Cut(text, "|")
				fmt.Fprintf(w, "event: %s\ndata: %s\n\n", event, text)
				_ = http.NewResponseController(w).Flush()
				if event == "go" {
					return // what is said next is for the page that comes
				}
			case <-r.Context().Done():
				return
			}
		}
	})
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	origin, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{origin: origin, jar: jar}, say
}

func TestLivePageIsTold(t *testing.T) {
	b, say := dashboard(t)
	p, err := b.look(t.Context(), "/", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	before := p.tab.wire.Load()
	d, err := livePages{p}.show(t.Context(), "renamed", func() error {
		say <- "parts|the same as ever"
		time.Sleep(20 * time.Millisecond)
		say <- "parts|it is renamed"
		return nil
	})
	if err != nil || d < 20*time.Millisecond {
		t.Errorf("told after %s, %v", d, err)
	}
	if sent := int64(len("the same as ever") + len("it is renamed")); p.tab.wire.Load()-before < sent {
		t.Errorf("%d bytes came for more than %d", p.tab.wire.Load()-before, sent)
	}
}

// What changed too much to be sent is loaded again.
func TestLivePageGoesElsewhere(t *testing.T) {
	b, say := dashboard(t)
	p, err := b.look(t.Context(), "/", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	if _, err := (livePages{p}).show(t.Context(), "renamed", func() error { say <- "go|/elsewhere"; return nil }); err != nil {
		t.Errorf("the page that it went to has the text: %v", err)
	}
	if _, err := (livePages{p}).show(t.Context(), "again", func() error { say <- "parts|renamed again"; return nil }); err != nil {
		t.Errorf("the stream of the page that it went to: %v", err)
	}
}

func TestLivePageIsNotTold(t *testing.T) {
	b, say := dashboard(t)
	p, err := b.look(t.Context(), "/", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := (livePages{p}).show(ctx, "renamed", func() error { say <- "parts|the same as ever"; return nil }); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a page that was not told: %v", err)
	}
	if _, err := (livePages{p}).show(t.Context(), "renamed", func() error { return errors.New("refused") }); err == nil {
		t.Error("a change that was refused was measured")
	}
	if err := p.alive(); err != nil {
		t.Errorf("an open stream is not alive: %v", err)
	}
}

func TestPageWithoutStream(t *testing.T) {
	b, _ := dashboard(t)
	if _, err := b.look(t.Context(), "/dead", time.Minute); err == nil || !strings.Contains(err.Error(), "not live") {
		t.Errorf("a page without a stream: %v", err)
	}
	if _, err := b.look(t.Context(), "/missing", time.Minute); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("a page that is missing: %v", err)
	}
}

func TestPageThatTakesTooLong(t *testing.T) {
	b, _ := dashboard(t)
	if _, err := b.look(t.Context(), "/slow", 20*time.Millisecond); err == nil || !strings.Contains(err.Error(), "/slow took too long") {
		t.Errorf("a page that never comes: %v", err)
	}
}

func TestAppsOnAPage(t *testing.T) {
	b, _ := dashboard(t)
	v, err := b.tab().visit(t.Context(), "/")
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(appsOn(v.html), " "); got != "shop blog" {
		t.Errorf("the page links to %q", got)
	}
	if v.wire <= int64(len(v.html)) {
		t.Errorf("%d bytes on the wire for %d of HTML and a header", v.wire, len(v.html))
	}
}
