package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cloudsania/cloudsania/api"
)

// browser is signed in to the dashboard. Each tab of it has a connection of its own, whose bytes are counted.
type browser struct {
	origin *url.URL
	jar    http.CookieJar
}

// signIn claims the installation as its owner would in a browser.
func (w *world) signIn(ctx context.Context) (*browser, error) {
	control, err := w.client()
	if err != nil {
		return nil, err
	}
	link, err := control.IssueClaim(ctx)
	if err != nil {
		return nil, err
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	b := &browser{origin: &url.URL{Scheme: "http", Host: fmt.Sprintf("localhost:%d", w.ports[0])}, jar: jar}
	body, err := json.Marshal(api.Claim{Claim: path.Base(link.URL), Name: "Ada Lovelace", Email: "ada@example.com", Password: "four ordinary words do"})
	if err != nil {
		return nil, err
	}
	t := b.tab()
	defer t.close()
	res, err := t.ask(ctx, http.MethodPost, "/api/v1/claim", "application/json", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusCreated {
		said, _ := io.ReadAll(io.LimitReader(res.Body, mostSaid))
		return nil, fmt.Errorf("claim the installation: %s\n%s", res.Status, said)
	}
	return b, nil
}

// tab is one page's worth of connections.
type tab struct {
	browser *browser
	client  *http.Client
	wire    atomic.Int64 // bytes that came, headers and framing included
}

func (b *browser) tab() *tab {
	t := &tab{browser: b}
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, addr)
		return counted{conn, &t.wire}, err
	}
	transport := &http.Transport{DialContext: dial, DisableCompression: true}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	t.client = &http.Client{Transport: transport, Jar: b.jar, CheckRedirect: stay}
	return t
}

func (t *tab) close() { t.client.CloseIdleConnections() }

// counted adds up what is read from a connection.
type counted struct {
	net.Conn
	bytes *atomic.Int64
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.bytes.Add(int64(n))
	return n, err
}

func (t *tab) ask(ctx context.Context, method, where, kind string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, t.browser.origin.String()+where, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Origin", t.browser.origin.String())
	req.Header.Set("Accept", "text/html")
	req.Header.Set("Accept-Encoding", "gzip")
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	return t.client.Do(req)
}

// visit is one page, loaded to its end.
type visit struct {
	took time.Duration
	wire int64
	html string
}

func (t *tab) visit(ctx context.Context, where string) (visit, error) {
	before, began := t.wire.Load(), time.Now()
	res, err := t.ask(ctx, http.MethodGet, where, "", nil)
	if err != nil {
		return visit{}, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	v := visit{took: time.Since(began), wire: t.wire.Load() - before}
	if err != nil {
		return v, fmt.Errorf("load %s: %w", where, err)
	}
	if v.html, err = decoded(res, raw); err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("load %s: %s\n%s", where, res.Status, end(v.html))
	}
	return v, err
}

func decoded(res *http.Response, raw []byte) (string, error) {
	if !strings.EqualFold(res.Header.Get("Content-Encoding"), "gzip") {
		return string(raw), nil
	}
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return "", fmt.Errorf("decompress: %w", err)
	}
	b, err := io.ReadAll(z)
	return string(b), err
}
