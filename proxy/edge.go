package proxy

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cloudsania/cloudsania/paas"
)

const (
	readHeaderTimeout = 10 * time.Second // also bounds the TLS handshake
	keepAliveTimeout  = 2 * time.Minute
	maxStreamsPerConn = 128
	defaultPerIP      = 200
	defaultConns      = 10_000
	defaultStopGrace  = 10 * time.Second
	// A handed-over edge drains without cutting; only a stream that never ends is closed here.
	drainCap = 24 * time.Hour
	// A predecessor signals within milliseconds of our being ready. When it hangs, serving without its signal is better
	// than not serving.
	startCap = time.Minute
	loadCap  = 10 * time.Second
)

// Options say where an edge lives and listens.
type Options struct {
	Data       string // the edge's own directory: table, certificates, sockets; made when missing
	StaticRoot string // builds of static sites are directories in it, named by build id
	Control    string // unix socket that the dashboard's requests go to
	HTTP       string // address for plain HTTP; "" for none; not used when the socket was inherited
	HTTPS      string // the same for TLS
	Version    string // for the status
	ConnsPerIP int    // connections at once from one address (IPv6: /64), loopback excepted; 0 for 200, below for no limit
	Conns      int    // at once in all; 0 for 10,000, below for no limit
	// StopGrace is how long Run lets requests in progress end after its context has; 0 for 10 s. It has no part in a
	// handover.
	StopGrace time.Duration
	Log       *slog.Logger
}

// Edge is one edge process: listeners, the table in force, and who is on which instance.
type Edge struct {
	opts      Options
	log       *slog.Logger
	http      []*net.TCPListener
	https     []*net.TCPListener
	start     *os.File // ends when we may accept; nil: at once
	socket    string
	control   net.Listener
	gate      *gate
	instances *instances
	buffers   *bufferPool
	gzips     *gzipPool
	apps      *httputil.ReverseProxy
	dashboard *httputil.ReverseProxy
	certs     *certs
	router    atomic.Pointer[router]
	draining  atomic.Bool   // it only drains: every answer says Connection: close
	handed    chan struct{} // closed when a successor has the listeners and the table file
	changes   chan struct{} // holds one token: table changes and handovers one at a time
	handovers chan struct{} // holds one token
}

// Listen takes inherited sockets (LISTEN_FDS; names "http" and "https") or binds, loads the last table and opens the
// control socket. It starts nothing. A damaged table is put aside and logged; the edge then begins empty.
func Listen(opts Options) (*Edge, error) {
	e := &Edge{opts: opts, log: opts.Log, instances: newInstances(), buffers: newBufferPool(), gzips: newGzipPool(),
		handed: make(chan struct{}), changes: make(chan struct{}, 1), handovers: make(chan struct{}, 1)}
	e.gate = newGate(orDefault(opts.ConnsPerIP, defaultPerIP), orDefault(opts.Conns, defaultConns))
	if opts.StopGrace == 0 {
		e.opts.StopGrace = defaultStopGrace
	}
	if err := os.MkdirAll(opts.Data, 0o700); err != nil {
		return nil, fmt.Errorf("make the edge's directory: %w", err)
	}
	if err := e.listen(); err != nil {
		e.close()
		return nil, err
	}
	e.apps = e.newAppProxy()
	e.dashboard = e.newDashboardProxy(opts.Control)
	e.certs = newCerts(opts.Data, e.ports(), e.router.Load, e.log)
	if err := e.restore(); err != nil {
		e.close()
		return nil, err
	}
	return e, nil
}

func orDefault(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

func (e *Edge) listen() error {
	in, err := takeInherited()
	if err != nil {
		return err
	}
	e.http, e.https, e.start = in.http, in.https, in.start
	if e.http, err = bind(in.http, e.opts.HTTP); err != nil {
		return err
	}
	if e.https, err = bind(in.https, e.opts.HTTPS); err != nil {
		return err
	}
	if len(e.http)+len(e.https) == 0 {
		return &paas.Error{Kind: paas.Invalid, Msg: "the edge has no address to listen on",
			Hint: "give --http or --https"}
	}
	e.socket = filepath.Join(e.opts.Data, fmt.Sprintf("%d%s", os.Getpid(), socketSuffix))
	e.control, err = listenSocket(e.socket)
	return err
}

// Addrs are where the edge listens, for plain HTTP and for TLS.
func (e *Edge) Addrs() (plain, secure []net.Addr) {
	for _, l := range e.http {
		plain = append(plain, l.Addr())
	}
	for _, l := range e.https {
		secure = append(secure, l.Addr())
	}
	return plain, secure
}

func (e *Edge) ports() acmePorts {
	var p acmePorts
	for _, l := range e.http[:min(1, len(e.http))] {
		a := l.Addr().(*net.TCPAddr)
		if p.http = a.Port; !a.IP.IsUnspecified() {
			p.host = a.IP.String()
		}
	}
	for _, l := range e.https[:min(1, len(e.https))] {
		p.https = l.Addr().(*net.TCPAddr).Port
	}
	return p
}

// Run serves until ctx ends or a successor has taken over and nothing is left to drain. It must be called once, and
// closes what Listen opened.
func (e *Edge) Run(ctx context.Context) error {
	defer e.close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	control := &http.Server{Handler: e.controlHandler(), ReadHeaderTimeout: readHeaderTimeout, ErrorLog: e.quiet()}
	var g errgroup.Group
	g.Go(func() error {
		if err := control.Serve(e.control); !errors.Is(err, http.ErrServerClosed) {
			cancel()
			return fmt.Errorf("serve the control socket: %w", err)
		}
		return nil
	})
	g.Go(func() error {
		err := e.serve(ctx)
		// The caller of a handover gets its answer, even when there was nothing to drain.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), e.opts.StopGrace)
		defer cancel()
		if control.Shutdown(ctx) != nil {
			_ = control.Close()
		}
		return err
	})
	return g.Wait()
}

// serve is the data path's life: the signal to start, certificates, requests, drain.
func (e *Edge) serve(ctx context.Context) error {
	if err := e.awaitStart(ctx); err != nil {
		return nil // stopped before it began
	}
	certCtx, stopCerts := context.WithCancel(ctx)
	certsDone := make(chan struct{})
	go func() {
		defer close(certsDone)
		e.certs.Run(certCtx)
	}()
	defer func() {
		stopCerts()
		<-certsDone
	}()
	select {
	case <-e.certs.loaded:
	case <-time.After(loadCap):
		e.log.Warn("reading the certificates takes long; serving meanwhile")
	case <-ctx.Done():
		return nil
	}
	plain, secure := e.server(e.servePlain), e.server(e.serveSecure)
	secure.TLSConfig = e.certs.config()
	failed := make(chan error, len(e.http)+len(e.https))
	var serving errgroup.Group
	for _, l := range e.http {
		serving.Go(func() error { return report(failed, plain.Serve(listener{l, e.gate})) })
	}
	for _, l := range e.https {
		serving.Go(func() error { return report(failed, secure.ServeTLS(listener{l, e.gate}, "", "")) })
	}
	notify(os.Getpid())
	e.log.Info("serving", "http", e.http != nil, "https", e.https != nil, "generation", e.router.Load().table.Generation)
	var err error
	select {
	case err = <-failed:
	case <-e.handed:
		stopCerts()
		e.drain(ctx)
	case <-ctx.Done():
	}
	e.stop(plain, secure)
	_ = serving.Wait() // how they ended is in failed
	return err
}

// report passes on how a server ended, unless it was told to.
func report(failed chan<- error, err error) error {
	if !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
		failed <- err
	}
	return nil
}

// awaitStart waits for a predecessor to stop accepting. It has not, when it died: then its end of the pipe is closed as
// well.
func (e *Edge) awaitStart(ctx context.Context) error {
	if e.start == nil {
		return nil
	}
	said := make(chan struct{})
	go func() {
		defer close(said)
		_, _ = e.start.Read(make([]byte, 1)) // a byte or the end: both mean go
	}()
	defer func() {
		_ = e.start.Close() // ends the read, too
		<-said
	}()
	select {
	case <-said:
	case <-time.After(startCap):
		e.log.Warn("the old edge did not say when to start; starting")
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

func (e *Edge) server(handler http.HandlerFunc) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: readHeaderTimeout,
		IdleTimeout:       keepAliveTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: maxStreamsPerConn},
		ErrorLog:          e.quiet(),
	}
}

// quiet drops what clients cause: broken handshakes, malformed requests.
func (e *Edge) quiet() *log.Logger { return slog.NewLogLogger(e.log.Handler(), slog.LevelDebug) }

// drain waits until the last connection is closed. None is closed here: each answer says Connection: close (HTTP/2:
// GOAWAY), so that no request meets a closing connection; idle ones end by their time-out.
func (e *Edge) drain(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, drainCap)
	defer cancel()
	if err := e.gate.empty(ctx); err != nil {
		e.log.Warn("stopped with connections still open", "connections", e.gate.count())
	}
}

// stop closes the listeners and idle connections and gives the others the grace time.
func (e *Edge) stop(servers ...*http.Server) {
	e.draining.Store(true)
	ctx, cancel := context.WithTimeout(context.Background(), e.opts.StopGrace)
	defer cancel()
	for _, s := range servers {
		_ = s.Shutdown(ctx) // what is left is closed below
	}
	_ = e.gate.empty(ctx) // upgraded connections, which Shutdown does not know
	for _, s := range servers {
		_ = s.Close()
	}
}

// close gives back what Listen opened.
func (e *Edge) close() {
	for _, l := range append(e.http, e.https...) {
		_ = l.Close()
	}
	if e.start != nil {
		_ = e.start.Close()
	}
	if e.control != nil {
		_ = e.control.Close()
		_ = os.Remove(e.socket)
	}
}
