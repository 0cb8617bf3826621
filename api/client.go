package api

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

const (
	callTimeout      = time.Minute
	maxAnswer        = 32 << 20 // bytes of one JSON answer
	tries            = 3        // of a call whose connection broke
	streamQuiet      = time.Minute
	reconnectFor     = 2 * time.Minute // a restart of control takes seconds
	firstReconnect   = 200 * time.Millisecond
	longestReconnect = 5 * time.Second
)

// Options say where control is: Socket for the machine's own administrator, or URL and Token from anywhere.
type Options struct {
	Socket    string         // path of control.sock; wins over URL
	URL       string         // "https://203-0-113-24.sslip.io"
	Token     paas.Secret    // cs_…; with a socket it narrows what the administrator may do
	Roots     *x509.CertPool // whom to trust instead of the system's authorities; nil: those
	UserAgent string
}

// Client speaks to control. Every method answers failures as *paas.Error. Safe for concurrent use.
type Client struct {
	base  string
	token paas.Secret
	agent string
	http  *http.Client
}

// NewClient checks the options; it does not connect.
func NewClient(o Options) (*Client, error) {
	t := &http.Transport{MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute, TLSHandshakeTimeout: 15 * time.Second,
		DialContext: (&net.Dialer{Timeout: 10 * time.Second}).DialContext, Proxy: http.ProxyFromEnvironment,
		TLSClientConfig: &tls.Config{RootCAs: o.Roots, MinVersion: tls.VersionTLS12}}
	c := &Client{token: o.Token, agent: o.UserAgent, http: &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // a token must never travel to where a redirect points
	}}}
	if o.Socket != "" {
		c.base = "http://control"
		t.Proxy = nil
		t.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, "unix", o.Socket)
		}
		return c, nil
	}
	u, err := url.Parse(o.URL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.RawQuery != "" || u.User != nil || strings.Trim(u.Path, "/") != "" {
		return nil, paas.Invalidf("url", "write it like https://203-0-113-24.sslip.io", "%q is not the address of a server", o.URL)
	}
	c.base = u.Scheme + "://" + u.Host
	return c, nil
}

// call is one request. Zero members are left out.
type call struct {
	method, path string
	query        url.Values
	in           any       // JSON body
	body         io.Reader // or this, with its type and name
	contentType  string
	size         int64
	accept       string
	header       http.Header
}

// do sends the call and decodes the JSON answer into out, when out is not nil. A broken connection is tried again: the
// idempotency key makes that safe for calls that change something.
func (c *Client) do(ctx context.Context, k call, out any) error {
	if k.body == nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, callTimeout)
		defer cancel()
	}
	if k.method != http.MethodGet {
		if k.header == nil {
			k.header = http.Header{}
		}
		k.header.Set("Idempotency-Key", rand.Text())
	}
	wait := firstReconnect
	for try := 1; ; try++ {
		resp, err := c.send(ctx, k)
		if err == nil {
			return answer(resp, out)
		}
		if k.body != nil || try == tries || ctx.Err() != nil {
			return c.unreachable(err)
		}
		if err := pause(ctx, wait); err != nil {
			return err
		}
		wait *= 2
	}
}

// send makes one attempt. The caller closes the body.
func (c *Client) send(ctx context.Context, k call) (*http.Response, error) {
	body, contentType := k.body, k.contentType
	if k.in != nil {
		b, err := json.Marshal(k.in)
		if err != nil {
			return nil, fmt.Errorf("encode request: %w", err)
		}
		body, contentType = bytes.NewReader(b), "application/json"
	}
	address := c.base + Prefix + k.path
	if len(k.query) > 0 {
		address += "?" + k.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, k.method, address, body)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	for name, values := range k.header {
		req.Header[name] = values
	}
	if k.size > 0 {
		req.ContentLength = k.size
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if k.accept != "" {
		req.Header.Set("Accept", k.accept)
	}
	if c.agent != "" {
		req.Header.Set("User-Agent", c.agent)
	}
	if !c.token.IsZero() {
		req.Header.Set("Authorization", "Bearer "+c.token.Reveal())
	}
	return c.http.Do(req)
}

// answer reads what came back.
func answer(resp *http.Response, out any) error {
	defer func() { _ = resp.Body.Close() }() // read or given up
	if err := refusal(resp); err != nil {
		return err
	}
	if out == nil || resp.StatusCode == http.StatusNoContent {
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(out); err != nil {
		return &paas.Error{Kind: paas.Internal, Msg: "the server's answer cannot be read",
			Hint: "is it a Cloudsania server of the same version?", Err: err}
	}
	return nil
}

// refusal turns an answer that is not a success into the *paas.Error that the server meant.
func refusal(resp *http.Response) error {
	if resp.StatusCode < 300 {
		return nil
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	var f Failed
	if json.Unmarshal(b, &f) == nil && f.Error.Kind != "" {
		e := &paas.Error{Kind: paas.Kind(f.Error.Kind), Msg: f.Error.Message, Hint: f.Error.Hint, Field: f.Error.Field}
		if e.Kind == paas.Internal && f.Error.RequestID != "" {
			e.Err = errors.New("request " + f.Error.RequestID)
		}
		return e
	}
	return foreign(resp)
}

// foreign explains an answer that is not from control: the edge's, or another server's.
func foreign(resp *http.Response) error {
	e := &paas.Error{Kind: paas.Internal, Msg: "the server answered " + resp.Status}
	switch {
	case resp.StatusCode < 400:
		e.Kind, e.Hint = paas.Invalid, "use the address it points to: "+paas.Clip(resp.Header.Get("Location"), 100)
	case resp.StatusCode == http.StatusNotFound:
		e.Kind, e.Hint = paas.NotFound, "is this the address of the dashboard? a new server answers only /claim until it has an owner"
	case resp.StatusCode == http.StatusBadGateway, resp.StatusCode == http.StatusServiceUnavailable, resp.StatusCode == http.StatusGatewayTimeout:
		e.Kind, e.Hint = paas.Unavailable, "control is not running or restarting; the apps are not affected"
	}
	return e
}

// unreachable explains a connection that did not come about or broke.
func (c *Client) unreachable(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	var e *paas.Error
	if errors.As(err, &e) {
		return err
	}
	e = &paas.Error{Kind: paas.Unavailable, Msg: "the server does not answer",
		Hint: "is it running, and is the address right?", Err: err}
	var unknown x509.UnknownAuthorityError
	switch {
	case c.base == "http://control":
		e.Msg = "control does not answer on its socket"
		e.Hint = "is it running? start it with: cloudsania serve (or name its directory with --data)"
	case errors.As(err, &unknown):
		e.Msg = "the server's certificate is signed by an authority that this machine does not know"
		e.Hint = "name a file with its authority's certificate in SSL_CERT_FILE, " +
			"after comparing the fingerprint with the one that serve printed"
	}
	return e
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// in builds a query from pairs, leaving empty values out.
func in(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			v.Set(pairs[i], pairs[i+1])
		}
	}
	return v
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}
