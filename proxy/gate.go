package proxy

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"time"
)

const emptyPoll = 200 * time.Millisecond

// gate counts clients' connections, refuses those over the limits, and knows when none is left. Upgraded connections
// count too: it is the closing of the socket that takes them off.
type gate struct {
	perIP, total int // 0 or less: no limit

	mu   sync.Mutex
	open int
	byIP map[netip.Addr]int
}

func newGate(perIP, total int) *gate {
	return &gate{perIP: perIP, total: total, byIP: map[netip.Addr]int{}}
}

// listener accepts through the gate.
type listener struct {
	*net.TCPListener
	gate *gate
}

// Accept returns the next connection within the limits; others are closed unanswered, which costs a flood more than it
// costs us.
func (l listener) Accept() (net.Conn, error) {
	for {
		c, err := l.AcceptTCP()
		if err != nil {
			return nil, err
		}
		from := origin(c.RemoteAddr())
		if l.gate.enter(from) {
			return &conn{TCPConn: c, gate: l.gate, from: from}, nil
		}
		_ = c.Close()
	}
}

// conn keeps *net.TCPConn's methods, ReadFrom among them: files still go out by sendfile(2).
type conn struct {
	*net.TCPConn
	gate *gate
	from netip.Addr
	once sync.Once
}

func (c *conn) Close() error {
	err := c.TCPConn.Close()
	c.once.Do(func() { c.gate.leave(c.from) })
	return err
}

// origin is what the limit per address counts: an IPv4 address or an IPv6 /64, which is what one customer gets. Invalid
// for loopback, which is exempt: a proxy or a test on this machine speaks for everybody.
func origin(a net.Addr) netip.Addr {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	addr := tcp.AddrPort().Addr().Unmap().WithZone("")
	if addr.IsLoopback() {
		return netip.Addr{}
	}
	if addr.Is6() {
		p, _ := addr.Prefix(64)
		return p.Addr()
	}
	return addr
}

func (g *gate) enter(from netip.Addr) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.total > 0 && g.open >= g.total {
		return false
	}
	if from.IsValid() {
		if g.perIP > 0 && g.byIP[from] >= g.perIP {
			return false
		}
		g.byIP[from]++
	}
	g.open++
	return true
}

func (g *gate) leave(from netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open--
	if !from.IsValid() {
		return
	}
	if g.byIP[from]--; g.byIP[from] <= 0 {
		delete(g.byIP, from)
	}
}

func (g *gate) count() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.open
}

// empty returns when no connection is open, or ctx's error.
func (g *gate) empty(ctx context.Context) error {
	tick := time.NewTicker(emptyPoll)
	defer tick.Stop()
	for g.count() > 0 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	return nil
}
