package proxy

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

const (
	dialTimeout = 3 * time.Second
	// Shorter than the keep-alive timeout of the common app servers (gunicorn 2 s; Node, uvicorn, Apache 5 s): we close
	// first, so a request that cannot be repeated is not sent into a connection that the app is just closing.
	idleUpstream       = 1800 * time.Millisecond
	idlePerInstance    = 128
	upstreamHeaderSize = 256 << 10
)

// instance is what this process knows of one running copy, for as long as a table names it or a request is on it.
type instance struct {
	id        string
	active    atomic.Int64 // requests and streams in progress
	retired   atomic.Bool  // the table in force gives it nothing new
	requests  atomic.Int64
	received  atomic.Int64 // bytes from clients
	sent      atomic.Int64
	errors    atomic.Int64
	transport *http.Transport // one per instance: a connection is never reused for an instance that gets the address later

	mu   sync.Mutex
	dir  string // build id that root is
	root *os.Root
}

func newInstance(id string) *instance {
	in := &instance{id: id}
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}
	in.transport = &http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := dialer.DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return &meteredConn{Conn: c, in: in}, nil
		},
		DisableCompression:     true,
		MaxIdleConnsPerHost:    idlePerInstance,
		IdleConnTimeout:        idleUpstream,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: upstreamHeaderSize,
	}
	return in
}

// release ends a claim.
func (in *instance) release() {
	if in.active.Add(-1) == 0 && in.retired.Load() {
		in.rest()
	}
}

// rest gives back what an instance without requests holds. A later request opens it again; one that has just claimed it
// keeps it.
func (in *instance) rest() {
	in.transport.CloseIdleConnections()
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.root != nil && in.active.Load() == 0 {
		_ = in.root.Close()
		in.root = nil
	}
}

// open is the directory of build dir below staticRoot, confined: no link leads out of it.
func (in *instance) open(staticRoot, dir string) (*os.Root, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.root != nil && in.dir == dir {
		return in.root, nil
	}
	root, err := os.OpenRoot(filepath.Join(staticRoot, dir))
	if err != nil {
		return nil, err
	}
	if in.root != nil {
		_ = in.root.Close()
	}
	in.root, in.dir = root, dir
	return root, nil
}

func (in *instance) counters() paas.EdgeCounters {
	return paas.EdgeCounters{Requests: in.requests.Load(), Received: in.received.Load(), Sent: in.sent.Load(), Errors: in.errors.Load()}
}

// meteredConn counts what goes to and comes from an instance, upgraded connections included.
type meteredConn struct {
	net.Conn
	in *instance
}

func (c *meteredConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.in.sent.Add(int64(n))
	return n, err
}

func (c *meteredConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.in.received.Add(int64(n))
	return n, err
}

// CloseWrite lets a half-closed stream end in the way it would without us.
func (c *meteredConn) CloseWrite() error {
	if cw, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return cw.CloseWrite()
	}
	return nil
}

// instances are all that tables named and that may still have requests.
type instances struct {
	mu  sync.Mutex
	all map[string]*instance
}

func newInstances() *instances { return &instances{all: map[string]*instance{}} }

// get is the one instance of that id, made when it is new.
func (s *instances) get(id string) *instance {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := s.all[id]
	if in == nil {
		in = newInstance(id)
		s.all[id] = in
	}
	return in
}

// settle is called once a table is in force: instances that it does not route to are retired, and forgotten when it
// does not name them at all and nothing is left on them.
func (s *instances) settle(live, draining map[string]bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, in := range s.all {
		in.retired.Store(!live[id])
		if live[id] || in.active.Load() > 0 {
			continue
		}
		in.rest()
		if !draining[id] {
			delete(s.all, id)
		}
	}
}

func (s *instances) report() (active map[string]int, counters map[string]paas.EdgeCounters) {
	s.mu.Lock()
	defer s.mu.Unlock()
	active, counters = make(map[string]int, len(s.all)), make(map[string]paas.EdgeCounters, len(s.all))
	for id, in := range s.all {
		active[id], counters[id] = int(in.active.Load()), in.counters()
	}
	return active, counters
}
