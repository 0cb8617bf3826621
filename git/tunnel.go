package git

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// tunnel is an HTTP proxy on the loopback for one clone: it opens connections (CONNECT, RFC 9110 9.3.6) to one host at
// addresses that were looked at before, and to nothing else. TLS stays between git and that host. git's own option for
// pinning addresses would not see redirects, count bytes, or exist before 2.37.
type tunnel struct {
	host  string // "example.com:443"
	addrs []netip.AddrPort
	stall time.Duration
	ln    net.Listener
	wg    sync.WaitGroup
	stop  context.CancelFunc

	mu    sync.Mutex
	left  int64  // bytes that may still come from the host
	other string // host that was asked for in vain
}

const (
	maxTunnels     = 8 // connections of one clone at a time; git uses one or two
	maxHeaderBytes = 16 << 10
)

func openTunnel(ctx context.Context, host string, addrs []netip.AddrPort, maxBytes int64, stall time.Duration) (*tunnel, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("open tunnel: %w", err)
	}
	ctx, stop := context.WithCancel(ctx)
	t := &tunnel{host: host, addrs: addrs, stall: stall, ln: ln, stop: stop, left: maxBytes}
	t.wg.Go(func() { t.accept(ctx) })
	return t, nil
}

func (t *tunnel) addr() string { return t.ln.Addr().String() }

func (t *tunnel) close() {
	t.stop()
	_ = t.ln.Close()
	t.wg.Wait()
}

func (t *tunnel) overLimit() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.left < 0
}

func (t *tunnel) otherHost() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.other
}

func (t *tunnel) accept(ctx context.Context) {
	free := make(chan struct{}, maxTunnels)
	for {
		c, err := t.ln.Accept()
		if err != nil {
			return // closed
		}
		select {
		case free <- struct{}{}:
			t.wg.Go(func() { t.serve(ctx, c); <-free })
		default:
			_ = c.Close()
		}
	}
}

func (t *tunnel) serve(ctx context.Context, c net.Conn) {
	defer func() { _ = c.Close() }()
	defer context.AfterFunc(ctx, func() { _ = c.Close() })()
	_ = c.SetDeadline(time.Now().Add(t.stall))
	in := bufio.NewReaderSize(io.LimitReader(c, maxHeaderBytes), maxHeaderBytes)
	r, err := http.ReadRequest(in)
	if err != nil {
		return
	}
	if r.Method != http.MethodConnect || !strings.EqualFold(r.Host, t.host) || in.Buffered() > 0 { // nothing may come before we have agreed
		t.mu.Lock()
		t.other = r.Host
		t.mu.Unlock()
		_, _ = io.WriteString(c, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		return
	}
	far, err := t.dial(ctx)
	if err != nil {
		_, _ = io.WriteString(c, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		return
	}
	defer func() { _ = far.Close() }()
	defer context.AfterFunc(ctx, func() { _ = far.Close() })()
	if _, err := io.WriteString(c, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return
	}
	l := &link{stall: t.stall}
	l.moved()
	t.wg.Go(func() {
		l.pump(far, c, func(int) bool { return true })
		_, _ = far.Close(), c.Close() // HTTPS ends a connection as a whole
	})
	l.pump(c, far, t.count)
}

func (t *tunnel) dial(ctx context.Context) (net.Conn, error) {
	const patience = 10 * time.Second
	var errs []error
	for _, a := range t.addrs {
		c, err := (&net.Dialer{Timeout: patience}).DialContext(ctx, "tcp", a.String())
		if err == nil {
			return c, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// count takes n bytes off what may still come, and reports whether that was allowed.
func (t *tunnel) count(n int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.left -= int64(n)
	return t.left >= 0
}

// link is a pair of connections, given up when nothing moved in either direction for a while.
type link struct {
	stall time.Duration
	last  atomic.Int64 // Unix nanoseconds
}

func (l *link) moved() { l.last.Store(time.Now().UnixNano()) }

func (l *link) idle() bool { return time.Since(time.Unix(0, l.last.Load())) >= l.stall }

// pump copies until one side ends.
func (l *link) pump(to, from net.Conn, allowed func(int) bool) {
	buf := make([]byte, 32<<10)
	for {
		_ = from.SetReadDeadline(time.Now().Add(l.stall))
		n, err := from.Read(buf)
		if errors.Is(err, os.ErrDeadlineExceeded) && !l.idle() {
			continue
		}
		l.moved()
		if !allowed(n) {
			return
		}
		_ = to.SetWriteDeadline(time.Now().Add(l.stall))
		if _, werr := to.Write(buf[:n]); werr != nil || err != nil {
			return
		}
	}
}
