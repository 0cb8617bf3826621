package proxy

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"time"
)

// newDashboardProxy brings the dashboard's hosts to control. Control being away is normal: it restarts, it is updated.
func (e *Edge) newDashboardProxy(socket string) *httputil.ReverseProxy {
	dialer := &net.Dialer{Timeout: time.Second}
	return &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			forward(p)
			p.Out.URL.Scheme = "http"
			p.Out.URL.Host = "control"
		},
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return dialer.DialContext(ctx, "unix", socket)
			},
			DisableCompression:     true,
			MaxIdleConnsPerHost:    32,
			IdleConnTimeout:        30 * time.Second,
			ExpectContinueTimeout:  time.Second,
			MaxResponseHeaderBytes: upstreamHeaderSize,
		},
		FlushInterval: flushAfter,
		BufferPool:    e.buffers,
		ErrorLog:      slog.NewLogLogger(e.log.Handler(), slog.LevelDebug),
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() == nil {
				e.log.Debug("control does not answer", "err", err)
			}
			pageControl.send(w, r)
		},
	}
}
