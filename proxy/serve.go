package proxy

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

func (e *Edge) servePlain(w http.ResponseWriter, r *http.Request)  { e.handle(w, r, false) }
func (e *Edge) serveSecure(w http.ResponseWriter, r *http.Request) { e.handle(w, r, true) }

// handle is the way of every request.
func (e *Edge) handle(w http.ResponseWriter, r *http.Request, secure bool) {
	if e.draining.Load() && r.Header.Get("Upgrade") == "" {
		w.Header().Set("Connection", "close")
	}
	if refuse(w, r) {
		return
	}
	host, ok := NormalizeHost(r.Host)
	if !ok {
		pageBadHost.send(w, r)
		return
	}
	question := strings.HasPrefix(r.URL.Path, "/.well-known/acme-challenge/")
	if a := e.certs.acme.Load(); a != nil && question && a.challenge(w, r) {
		return
	}
	rt := e.router.Load()
	t := rt.targets[host]
	switch {
	case t == nil && rt.table.Generation == 0:
		pageStarting.send(w, r)
	case t == nil:
		pageUnknown.send(w, r)
	case !secure && !question && len(e.https) > 0 && e.certs.ready(rt, host):
		e.toHTTPS(w, r, host, rt.table.TLS.HTTPSPort)
	case t.route == nil:
		duplex(w)
		e.dashboard.ServeHTTP(w, r)
	default:
		e.serveApp(w, r, host)
	}
}

// toHTTPS redirects to the same URL with https. 308 keeps method and body.
func (e *Edge) toHTTPS(w http.ResponseWriter, r *http.Request, host string, port int) {
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port != 0 && port != 443 {
		host += ":" + strconv.Itoa(port)
	}
	to := url.URL{Scheme: "https", Host: host, Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}
	w.Header().Set("Cache-Control", "no-store") // TLS can be switched off again
	http.Redirect(w, r, to.String(), http.StatusPermanentRedirect)
}
