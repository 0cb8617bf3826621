package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

func serve(t *testing.T, h http.HandlerFunc) *Client {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	c, err := NewClient(Options{URL: srv.URL, Token: paas.NewSecret("cs_x"), UserAgent: "test/1"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestClientSendsTokenInTheHeaderOnly(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer cs_x" || strings.Contains(r.URL.String(), "cs_x") || r.Header.Get("User-Agent") != "test/1" {
			t.Errorf("%s %v", r.URL, r.Header)
		}
		if r.URL.EscapedPath() != "/api/v1/apps/shop%2Fweb" || r.URL.Query().Get("env") != "staging" {
			t.Errorf("asked for %s", r.URL)
		}
		fmt.Fprint(w, `{"id":"app_1","name":"web","deployments":[{"id":"dep_1","status":"succeeded"}],"live":null}`)
	})
	got, err := c.App(t.Context(), "shop/web", "staging")
	if err != nil || got.ID != "app_1" || got.Live != nil || !got.Deployments[0].Succeeded() {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestClientGivesBackTheServersError(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(409)
		_ = json.NewEncoder(w).Encode(Failed{Error{Kind: "conflict", Message: `the name "a" is taken`, Hint: "choose another name", Field: "name", RequestID: "77"}})
	})
	_, err := c.CreateApp(t.Context(), CreateApp{Name: "a"})
	var e *paas.Error
	if !errors.As(err, &e) || *e != (paas.Error{Kind: paas.Conflict, Msg: `the name "a" is taken`,
		Hint: "choose another name", Field: "name"}) {
		t.Errorf("%#v", err)
	}
}

func TestClientExplainsForeignAnswers(t *testing.T) {
	tests := []struct {
		status int
		body   string
		want   paas.Kind
	}{
		{502, "<html>", paas.Unavailable},
		{503, "", paas.Unavailable},
		{404, "not found", paas.NotFound},
		{418, "{}", paas.Internal},
		{200, "<html>", paas.Internal},
		{301, "", paas.Invalid},
	}
	for _, tt := range tests {
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if tt.status == 301 {
				w.Header().Set("Location", "https://evil.example/")
			}
			w.WriteHeader(tt.status)
			fmt.Fprint(w, tt.body)
		})
		if _, err := c.Apps(t.Context()); !paas.IsKind(err, tt.want) {
			t.Errorf("%d %q: %v, want %s", tt.status, tt.body, err, tt.want)
		}
	}
}

// A token must not travel to where a redirect points, also not on the same server.
func TestClientFollowsNoRedirect(t *testing.T) {
	var hits atomic.Int32
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		hits.Add(1)
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	})
	if _, err := c.Apps(t.Context()); err == nil || hits.Load() != 1 {
		t.Errorf("%v after %d requests", err, hits.Load())
	}
}

func TestClientTriesAgainWithTheSameKey(t *testing.T) {
	var keys []string
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		keys = append(keys, r.Header.Get("Idempotency-Key"))
		if len(keys) < 3 {
			panic(http.ErrAbortHandler) // the connection breaks
		}
		fmt.Fprint(w, `{"id":"app_1"}`)
	})
	if _, err := c.CreateApp(t.Context(), CreateApp{Name: "a"}); err != nil {
		t.Fatal(err)
	}
	if len(keys) != 3 || keys[0] == "" || keys[0] != keys[1] || keys[1] != keys[2] {
		t.Errorf("keys %q", keys)
	}
	if _, err := c.CreateApp(t.Context(), CreateApp{Name: "a"}); err != nil || keys[3] == keys[0] {
		t.Errorf("another call has the same key: %v", err)
	}
}

func TestClientDoesNotSendAnArchiveTwice(t *testing.T) {
	var hits atomic.Int32
	c := serve(t, func(http.ResponseWriter, *http.Request) {
		hits.Add(1)
		panic(http.ErrAbortHandler)
	})
	_, err := c.DeployArchive(t.Context(), "a", "", "a.zip", strings.NewReader("zip"), 3)
	if !paas.IsKind(err, paas.Unavailable) || hits.Load() != 1 {
		t.Errorf("%v after %d requests", err, hits.Load())
	}
}

func TestClientSaysWhenTheServerIsAway(t *testing.T) {
	c, err := NewClient(Options{Socket: filepath.Join(t.TempDir(), "control.sock")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Apps(t.Context())
	if !paas.IsKind(err, paas.Unavailable) || !strings.Contains(err.Error(), "socket") {
		t.Errorf("%v", err)
	}
	srv := httptest.NewTLSServer(http.NotFoundHandler())
	defer srv.Close()
	if c, err = NewClient(Options{URL: srv.URL}); err != nil {
		t.Fatal(err)
	}
	_, err = c.Apps(t.Context())
	var e *paas.Error
	if !errors.As(err, &e) || !strings.Contains(e.Hint, "SSL_CERT_FILE") {
		t.Errorf("an unknown certificate: %+v", err)
	}
}

func TestClientSpeaksOverASocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, `{"status":"ok"}`) })}
	go func() { _ = srv.Serve(l) }()
	defer srv.Close()
	c, err := NewClient(Options{Socket: path})
	if err != nil {
		t.Fatal(err)
	}
	if h, err := c.Health(t.Context()); err != nil || h.Status != "ok" {
		t.Errorf("%+v %v", h, err)
	}
}

func TestClientRefusesOddAddresses(t *testing.T) {
	for _, u := range []string{"", "example.com", "ftp://example.com", "https://", "https://a@example.com", "https://example.com/x", "https://example.com?token=1", "://"} {
		if _, err := NewClient(Options{URL: u}); !paas.IsKind(err, paas.Invalid) {
			t.Errorf("%q: %v", u, err)
		}
	}
	for _, u := range []string{"https://example.com", "http://localhost:8080/", "https://[::1]:443"} {
		if _, err := NewClient(Options{URL: u}); err != nil {
			t.Errorf("%q: %v", u, err)
		}
	}
}

// A restart of control in the middle of a deployment loses no line and repeats none.
func TestFollowGoesOnWhereItBroke(t *testing.T) {
	var hits atomic.Int32
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		say := func(n int) {
			fmt.Fprintf(w, "id: %d\nevent: deploy.log\ndata: {\"n\":%d,\"text\":\"line %d\"}\n\n", n, n, n)
		}
		switch hits.Add(1) {
		case 1:
			say(0)
			say(1)
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		case 2:
			w.WriteHeader(http.StatusBadGateway) // control is away
		case 3: // a clean end, as at a shutdown
			if r.Header.Get("Last-Event-ID") != "1" {
				t.Errorf("goes on after %q", r.Header.Get("Last-Event-ID"))
			}
			say(2)
		default:
			if r.Header.Get("Last-Event-ID") != "2" {
				t.Errorf("goes on after %q", r.Header.Get("Last-Event-ID"))
			}
			fmt.Fprint(w, "event: deploy.done\ndata: {\"id\":\"dep_1\",\"status\":\"failed\",\"failure\":{\"kind\":\"failed\",\"message\":\"it broke\"}}\n\n")
		}
	})
	var lines []string
	done, err := c.Follow(t.Context(), "dep_1", func(l LogLine) error { lines = append(lines, l.Text); return nil })
	if err != nil || strings.Join(lines, ",") != "line 0,line 1,line 2" {
		t.Errorf("%q, %v", lines, err)
	}
	if e := done.Err(); !paas.IsKind(e, paas.Failed) || e.Error() != "it broke" {
		t.Errorf("%v", e)
	}
}

func TestFollowEndsWithErrorsThatAreMeant(t *testing.T) {
	boom := errors.New("boom")
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.Contains(r.URL.Path, "gone"):
			w.WriteHeader(404)
			fmt.Fprint(w, `{"error":{"kind":"not_found","message":"there is no deployment"}}`)
		case strings.Contains(r.URL.Path, "fails"):
			fmt.Fprint(w, "event: failed\ndata: {\"error\":{\"kind\":\"internal\",\"message\":\"internal error\"}}\n\n")
		default:
			fmt.Fprint(w, "event: deploy.log\ndata: {}\n\n")
		}
	})
	if _, err := c.Follow(t.Context(), "gone", nil); !paas.IsKind(err, paas.NotFound) {
		t.Errorf("gone: %v", err)
	}
	if _, err := c.Follow(t.Context(), "fails", nil); !paas.IsKind(err, paas.Internal) {
		t.Errorf("fails: %v", err)
	}
	if _, err := c.Follow(t.Context(), "reader", func(LogLine) error { return boom }); !errors.Is(err, boom) {
		t.Errorf("reader: %v", err)
	}
}

func TestFollowLogsEndsWithItsContext(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "id: 1\nevent: log.line\ndata: {\"text\":\"hello\"}\n\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err := c.FollowLogs(ctx, "a", "", LogsOptions{Tail: 5}, func(l LogLine) error {
		if l.Text != "hello" {
			t.Errorf("line %+v", l)
		}
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestUploadTravelsAsItIs(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil || string(b) != "the archive" || r.URL.Query().Get("filename") != "my shop.zip" || r.ContentLength != 11 {
			t.Errorf("%q %s %d %v", b, r.URL, r.ContentLength, err)
		}
		w.WriteHeader(202)
		fmt.Fprint(w, `{"id":"dep_1","status":"queued"}`)
	})
	d, err := c.DeployArchive(t.Context(), "a", "", "my shop.zip", io.NopCloser(strings.NewReader("the archive")), 11)
	if err != nil || d.ID != "dep_1" || d.Done() || d.Err() != nil {
		t.Errorf("%+v %v", d, err)
	}
}

func TestDeploymentErr(t *testing.T) {
	for status, want := range map[string]paas.Kind{"superseded": paas.Cancelled, "cancelled": paas.Cancelled, "interrupted": paas.Failed, "failed": paas.Failed} {
		if err := (Deployment{Status: status}).Err(); !paas.IsKind(err, want) {
			t.Errorf("%s: %v", status, err)
		}
	}
	for _, status := range []string{"succeeded", "running", "queued"} {
		if err := (Deployment{Status: status}).Err(); err != nil {
			t.Errorf("%s: %v", status, err)
		}
	}
}
