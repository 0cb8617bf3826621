package proxy

import (
	"net/http"
	"strings"
)

const (
	maxHeaderBytes  = 32 << 10
	maxHeaderFields = 100
	maxURLBytes     = 16 << 10
)

// refuse answers requests that go to no app, and reports whether it did.
func refuse(w http.ResponseWriter, r *http.Request) bool {
	switch {
	case r.Method == http.MethodConnect || r.Method == http.MethodTrace:
		w.Header().Set("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")
		http.Error(w, "this method is not served here", http.StatusMethodNotAllowed)
	case len(r.RequestURI) > maxURLBytes:
		http.Error(w, "the address is too long", http.StatusRequestURITooLong)
	case len(r.Header) > maxHeaderFields:
		http.Error(w, "too many header fields", http.StatusRequestHeaderFieldsTooLarge)
	default:
		return false
	}
	return true
}

// scrub takes out what only we may say to an app: who the client is and how it connected. Spellings with underscores go
// too, since CGI and WSGI make both the same.
func scrub(h http.Header) {
	for key := range h {
		if ours(key) {
			delete(h, key)
		}
	}
	// HTTP/2 in clear by upgrade would be a tunnel past every rule here.
	if strings.Contains(strings.ToLower(h.Get("Upgrade")), "h2c") {
		delete(h, "Upgrade")
		delete(h, "Connection")
		delete(h, "Http2-Settings")
	}
}

func ours(key string) bool {
	switch key[0] {
	case 'X', 'x', 'F', 'f', 'P', 'p':
	default:
		return false
	}
	key = strings.ReplaceAll(strings.ToLower(key), "_", "-")
	switch key {
	case "forwarded", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "x-original-url", "x-rewrite-url", "x-original-host",
		"proxy": // CGI would make it HTTP_PROXY (httpoxy)
		return true
	}
	return strings.HasPrefix(key, "x-forwarded") || strings.HasPrefix(key, "x-webauth-")
}
