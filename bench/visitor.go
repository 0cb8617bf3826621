package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// visitor asks for pages of one host at an address, over kept connections.
type visitor struct {
	client *http.Client
	addr   string
	host   string
}

// visitor of an app; "" is the dashboard.
func (w *world) visitor(app string) *visitor {
	host := "localhost"
	if app != "" {
		host = app + ".localhost"
	}
	return newVisitor(w.addr(0), fmt.Sprintf("%s:%d", host, w.ports[0]), 1)
}

func newVisitor(addr, host string, connections int) *visitor {
	t := &http.Transport{MaxIdleConnsPerHost: connections, DisableCompression: true}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &visitor{client: &http.Client{Timeout: 30 * time.Second, Transport: t, CheckRedirect: stay}, addr: addr, host: host}
}

const mostRead = 1 << 20

func (v *visitor) get(ctx context.Context, path string) (code int, body string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+v.addr+path, nil)
	if err != nil {
		return 0, "", err
	}
	req.Host = v.host
	res, err := v.client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, mostRead))
	return res.StatusCode, string(b), err
}

// lookEvery is how exactly the moment is known at which new content is there. More often would cost the build its processor time.
const lookEvery = 20 * time.Millisecond

// sees waits until the page at / is 200 and ok says yes to it, and returns when that was.
func (v *visitor) sees(ctx context.Context, ok func(body string) bool) (time.Time, error) {
	defer v.client.CloseIdleConnections()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		code, body, err := v.get(ctx, "/")
		if err == nil && code == http.StatusOK && ok(body) {
			return time.Now(), nil
		}
		select {
		case <-ctx.Done():
			return time.Time{}, fmt.Errorf("the content that was awaited did not come: %w", context.Cause(ctx))
		case <-tick.C:
		}
	}
}
