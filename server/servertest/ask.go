package servertest

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/server"
	"github.com/pquerna/otp/hotp"
)

// Ask is one request; the zero fields are what a browser behind the edge sends over TLS.
type Ask struct {
	Method, Path string
	Body         string // JSON
	Raw          io.Reader
	Local        bool   // control.sock
	Token        string // Bearer
	Cookie       string // session
	Plain        bool   // no TLS
	Header       map[string]string
	Drop         []string // headers to leave out
}

// Reply is what came back.
type Reply struct {
	Status int
	Header http.Header
	Body   string
}

// Do makes the request.
func (r *Rig) Do(a Ask) Reply {
	r.T.Helper()
	resp := r.Open(a)
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		r.T.Fatalf("%s %s: %v", a.Method, a.Path, err)
	}
	return Reply{resp.StatusCode, resp.Header, string(b)}
}

// Open makes the request and leaves the answer's body to the caller.
func (r *Rig) Open(a Ask) *http.Response {
	r.T.Helper()
	resp, err := r.Try(context.Background(), a)
	if err != nil {
		r.T.Fatalf("%s %s: %v", a.Method, a.Path, err)
	}
	return resp
}

// Try is Open for requests that may fail.
func (r *Rig) Try(ctx context.Context, a Ask) (*http.Response, error) {
	if a.Method == "" {
		a.Method = http.MethodGet
	}
	body := a.Raw
	if body == nil && a.Body != "" {
		body = strings.NewReader(a.Body)
	}
	req, err := http.NewRequestWithContext(ctx, a.Method, "http://cloud.test"+a.Path, body)
	if err != nil {
		return nil, err
	}
	if a.Body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if a.Token != "" {
		req.Header.Set("Authorization", "Bearer "+a.Token)
	}
	socket := "control.sock"
	if !a.Local {
		socket = "web.sock"
		req.Header.Set("X-Forwarded-For", "203.0.113.9")
		req.Header.Set("X-Forwarded-Proto", "https")
		if a.Plain {
			req.Header.Set("X-Forwarded-Proto", "http")
		}
		if a.Token == "" {
			req.Header.Set("Sec-Fetch-Site", "same-origin")
		}
	}
	if a.Cookie != "" {
		req.AddCookie(&http.Cookie{Name: server.CookieName(!a.Plain), Value: a.Cookie})
	}
	for k, v := range a.Header {
		req.Header.Set(k, v)
	}
	for _, k := range a.Drop {
		req.Header.Del(k)
	}
	c := SocketClient(filepath.Join(r.Dir, socket))
	defer c.CloseIdleConnections()
	return c.Do(req)
}

// SocketClient talks to the socket at path, and follows no redirects.
func SocketClient(path string) *http.Client {
	return &http.Client{
		Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", path)
		}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Want does the request, fails unless it has that status, and decodes the answer into out.
func (r *Rig) Want(status int, a Ask, out any) Reply {
	r.T.Helper()
	got := r.Do(a)
	if got.Status != status {
		r.T.Fatalf("%s %s: status %d, want %d: %s\n%s", a.Method, a.Path, got.Status, status, got.Body, r.Logs)
	}
	if out != nil {
		if err := json.Unmarshal([]byte(got.Body), out); err != nil {
			r.T.Fatalf("%s %s: %v in %s", a.Method, a.Path, err, got.Body)
		}
	}
	return got
}

// Refused is Want for failures; it returns the error.
func (r *Rig) Refused(status int, a Ask) api.Error {
	r.T.Helper()
	var f api.Failed
	r.Want(status, a, &f)
	if f.Error.Kind == "" || f.Error.Message == "" || f.Error.RequestID == "" {
		r.T.Fatalf("%s %s: not the shape of an error: %+v", a.Method, a.Path, f)
	}
	return f.Error
}

// Client is the machine's administrator.
func (r *Rig) Client() *api.Client {
	r.T.Helper()
	return Must(api.NewClient(api.Options{Socket: filepath.Join(r.Dir, "control.sock")}))(r.T)
}

// ClientWith is a program with a token.
func (r *Rig) ClientWith(token string) *api.Client {
	r.T.Helper()
	return Must(api.NewClient(api.Options{Socket: filepath.Join(r.Dir, "control.sock"), Token: paas.NewSecret(token)}))(r.T)
}

// SSE opens a stream of server-sent events.
func (r *Rig) SSE(a Ask) (events <-chan api.ServerEvent, stop func()) {
	r.T.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	resp, err := r.Try(ctx, a)
	Check(r.T, err)
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" {
		b, _ := io.ReadAll(resp.Body)
		r.T.Fatalf("%s: %d %s", a.Path, resp.StatusCode, b)
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
	r.T.Cleanup(cancel)
	return out, func() { cancel(); _ = resp.Body.Close() }
}

// Next is the next event of a stream.
func Next(t *testing.T, events <-chan api.ServerEvent) api.ServerEvent {
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

// CodeAt is what an authenticator app shows.
func CodeAt(t *testing.T, secret string, at time.Time) string {
	t.Helper()
	return Must(hotp.GenerateCode(secret, uint64(at.Unix()/30)))(t)
}
