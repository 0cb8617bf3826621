package proxy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sort"
	"sync"
	"syscall"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

const (
	askTimeout      = 10 * time.Second
	handoverTimeout = time.Minute
	maxStatusBytes  = 64 << 20
)

// Client is control's side. It speaks to every edge process of a directory: usually one, two or more while one hands
// over. Its methods are safe for concurrent use and return a paas.Error of kind Unavailable when no edge runs.
type Client struct {
	dir string

	applying chan struct{} // holds one token: tables go out in order
	last     uint64        // generation of the newest table sent; guarded by applying
}

// Dial makes a client for the edge processes with their sockets in dir. It does not connect yet.
func Dial(dir string) *Client {
	return &Client{dir: dir, applying: make(chan struct{}, 1)}
}

// Apply returns when every edge process has written table down and put it in force. A table older than one already sent
// is not sent: the newer one includes it.
func (c *Client) Apply(ctx context.Context, table paas.Table) error {
	select {
	case c.applying <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-c.applying }()
	if table.Generation < c.last {
		return nil
	}
	body, err := json.Marshal(table)
	if err != nil {
		return err
	}
	if err := c.each(ctx, askTimeout, func(ctx context.Context, socket string) error {
		return ask(ctx, socket, http.MethodPut, "/table", body, nil)
	}); err != nil {
		return err
	}
	c.last = table.Generation
	return nil
}

// Status is what every edge process reports, the serving one first. An instance has no requests left only when all of
// them say so: if one that lives does not answer, Status fails.
func (c *Client) Status(ctx context.Context) ([]paas.EdgeStatus, error) {
	var mu sync.Mutex
	var all []paas.EdgeStatus
	err := c.each(ctx, askTimeout, func(ctx context.Context, socket string) error {
		var st paas.EdgeStatus
		if err := ask(ctx, socket, http.MethodGet, "/status", nil, &st); err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		all = append(all, st)
		return nil
	})
	sort.Slice(all, func(i, j int) bool {
		if all[i].Draining != all[j].Draining {
			return !all[i].Draining
		}
		return all[i].PID > all[j].PID
	})
	return all, err
}

// Handover lets the serving edge start exe with args, give it the listeners, and drain. It returns when the successor
// accepts requests with the table in force. On an error the old one goes on serving unchanged.
func (c *Client) Handover(ctx context.Context, exe string, args []string) error {
	all, err := c.Status(ctx)
	if err != nil {
		return err
	}
	if len(all) == 0 || all[0].Draining {
		return &paas.Error{Kind: paas.Unavailable, Msg: "no edge that could hand over is running",
			Hint: "start one with \"cloudsania edge\""}
	}
	body, err := json.Marshal(handoverRequest{Exe: exe, Args: args})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, handoverTimeout)
	defer cancel()
	return ask(ctx, filepath.Join(c.dir, fmt.Sprintf("%d%s", all[0].PID, socketSuffix)), http.MethodPost, "/handover", body, nil)
}

// each calls do for every living edge process at once, and removes the sockets of dead ones.
func (c *Client) each(ctx context.Context, timeout time.Duration, do func(ctx context.Context, socket string) error) error {
	sockets, err := filepath.Glob(filepath.Join(c.dir, "[0-9]*"+socketSuffix))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	errs := make([]error, len(sockets))
	dead := make([]bool, len(sockets))
	var wg sync.WaitGroup
	for i, socket := range sockets {
		wg.Go(func() {
			errs[i] = do(ctx, socket)
			if errs[i] != nil && gone(socket) {
				errs[i], dead[i] = nil, true
			}
		})
	}
	wg.Wait()
	living := 0
	for _, d := range dead {
		if !d {
			living++
		}
	}
	if living == 0 {
		return &paas.Error{Kind: paas.Unavailable, Msg: "the edge is not running",
			Hint: "start it with \"cloudsania edge\", or its systemd socket unit"}
	}
	return errors.Join(errs...)
}

// gone reports whether no process listens on socket, and then removes it. It is asked after a failure only: a process
// may die while it is being spoken to.
func gone(socket string) bool {
	conn, err := net.DialTimeout("unix", socket, time.Second)
	switch {
	case err == nil:
		_ = conn.Close()
		return false
	case errors.Is(err, os.ErrNotExist):
		return true
	case errors.Is(err, syscall.ECONNREFUSED):
		_ = os.Remove(socket)
		return true
	}
	return false
}

// ask is one request to one edge process.
func ask(ctx context.Context, socket, method, path string, body []byte, answer any) error {
	var dialer net.Dialer
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", socket)
		}}}
	req, err := http.NewRequestWithContext(ctx, method, "http://edge"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	res, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("ask the edge at %s: %w", filepath.Base(socket), err)
	}
	defer res.Body.Close()
	in := json.NewDecoder(io.LimitReader(res.Body, maxStatusBytes))
	if res.StatusCode >= http.StatusBadRequest {
		wire := wireError{Kind: paas.Internal, Msg: "the edge refused: " + res.Status}
		_ = in.Decode(&wire) // not JSON: then the status has to do
		return &paas.Error{Kind: wire.Kind, Msg: wire.Msg, Hint: wire.Hint, Err: cause(wire.Cause)}
	}
	if answer == nil {
		return nil
	}
	return in.Decode(answer)
}

func cause(text string) error {
	if text == "" {
		return nil
	}
	return errors.New(text)
}
