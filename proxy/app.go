package proxy

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"sync"
	"syscall"
	"time"
)

const (
	// holdRefused is how long a request waits for an app that refuses connections: long enough for one that Docker
	// restarts.
	holdRefused = 2 * time.Second
	firstPause  = 20 * time.Millisecond
	longPause   = 200 * time.Millisecond
	// flushAfter is how long bytes of an answer with a known length may wait for more; event streams and answers of
	// unknown length are flushed at once.
	flushAfter  = 50 * time.Millisecond
	copyBufSize = 16 << 10 // a TLS record
)

var (
	errNoUpstream = errors.New("the app has no live version")
	errIsFiles    = errors.New("the app is a directory now")
)

// exchange is one request to an app on its way: the instance that it has claimed can change until an answer begins.
type exchange struct {
	edge *Edge
	host string
	up   upstream
}

type exchangeKey struct{}

// serveApp brings a request to an instance of host's app.
func (e *Edge) serveApp(w http.ResponseWriter, r *http.Request, host string) {
	up, ok := e.claim(host, nil)
	if !ok {
		pageEmpty.send(w, r)
		return
	}
	x := &exchange{edge: e, host: host, up: up}
	defer func() { x.up.in.release() }()
	if up.Dir != "" {
		e.serveFiles(w, r, x.up)
		return
	}
	duplex(w)
	e.apps.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), exchangeKey{}, x)))
}

// duplex lets an answer begin before the request's body has been read. Without it the HTTP/1 server would read and drop
// up to 256 KiB of a body that is on its way to the app. HTTP/2 can do so anyway and says that it does not know the
// call.
func duplex(w http.ResponseWriter) { _ = http.NewResponseController(w).EnableFullDuplex() }

// newAppProxy is the one ReverseProxy for all apps.
func (e *Edge) newAppProxy() *httputil.ReverseProxy {
	return &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			forward(p)
			p.Out.URL.Scheme = "http"
			p.Out.URL.Host = p.In.Host // the transport sets the address
		},
		Transport:     relay{},
		FlushInterval: flushAfter,
		BufferPool:    e.buffers,
		ErrorLog:      slog.NewLogLogger(e.log.Handler(), slog.LevelDebug),
		ModifyResponse: func(res *http.Response) error {
			if res.StatusCode >= http.StatusInternalServerError {
				res.Request.Context().Value(exchangeKey{}).(*exchange).up.in.errors.Add(1)
			}
			return nil
		},
		ErrorHandler: e.failApp,
	}
}

// forward sets the forwarding headers; those that the client sent are removed.
func forward(p *httputil.ProxyRequest) {
	scrub(p.Out.Header)
	p.SetXForwarded()
	if ip := hostOf(p.In.RemoteAddr); ip != "" {
		p.Out.Header.Set("X-Forwarded-For", ip)
		p.Out.Header.Set("X-Real-Ip", ip)
	}
	p.Out.Host = p.In.Host
	p.Out.URL.RawQuery = p.In.URL.RawQuery // as it came: nothing here decides by it
}

func (e *Edge) failApp(w http.ResponseWriter, r *http.Request, err error) {
	x := r.Context().Value(exchangeKey{}).(*exchange)
	switch {
	case errors.Is(err, errIsFiles):
		e.serveFiles(w, r, x.up)
		return
	case errors.Is(err, errNoUpstream):
		pageEmpty.send(w, r)
		return
	case r.Context().Err() != nil: // the client has gone
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	x.up.in.errors.Add(1)
	e.log.Debug("an app did not answer", "host", x.host, "instance", x.up.Instance, "err", err)
	if isDial(err) {
		pageDown.send(w, r)
		return
	}
	pageBroken.send(w, r)
}

// relay sends a request to the claimed instance, and to another one as long as that is safe.
type relay struct{}

func (relay) RoundTrip(req *http.Request) (*http.Response, error) {
	x := req.Context().Value(exchangeKey{}).(*exchange)
	defer func() { x.up.in.requests.Add(1) }()
	body := &replayBody{body: req.Body}
	if req.Body == http.NoBody {
		body.body = nil
	}
	giveUp := time.Now().Add(holdRefused)
	pause := firstPause
	for try := 0; ; try++ {
		res, err := x.up.in.transport.RoundTrip(body.request(req, x.up.Addr.String()))
		if err == nil || !body.rewind() || !repeatable(req, err, try) || req.Context().Err() != nil || time.Now().After(giveUp) {
			return res, err
		}
		failed := x.up.in
		if err := x.move(); err != nil {
			return nil, err
		}
		if x.up.in != failed {
			continue
		}
		select {
		case <-req.Context().Done():
			return nil, err
		case <-time.After(pause):
			pause = min(2*pause, longPause)
		}
	}
}

// move claims again, by the table now in force.
func (x *exchange) move() error {
	up, ok := x.edge.claim(x.host, x.up.in)
	if !ok {
		return errNoUpstream
	}
	x.up.in.release()
	x.up = up
	if up.Dir != "" {
		return errIsFiles
	}
	return nil
}

// repeatable reports whether no app can have acted on req. A failed dial sent nothing. A connection that broke before
// the answer may have carried the request: only a method that is safe to repeat goes out again, and once.
func repeatable(req *http.Request, err error, try int) bool {
	if isDial(err) {
		return true
	}
	switch req.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
	default:
		return false
	}
	return try == 0 && req.Header.Get("Upgrade") == "" && isBroken(err)
}

func isDial(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

func isBroken(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		err.Error() == "http: server closed idle connection" // net/http does not export it
}

// bufferPool lends copy buffers to both reverse proxies.
type bufferPool struct{ pool sync.Pool }

func newBufferPool() *bufferPool {
	return &bufferPool{sync.Pool{New: func() any { b := make([]byte, copyBufSize); return &b }}}
}

func (p *bufferPool) Get() []byte  { return *p.pool.Get().(*[]byte) }
func (p *bufferPool) Put(b []byte) { p.pool.Put(&b) }
