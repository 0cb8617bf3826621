package proxy

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"strconv"
	"strings"

	"github.com/cloudsania/cloudsania/paas"
)

// page is an answer of our own, in the form that the asker reads: HTML in a browser, JSON for a client of an API, else
// text.
type page struct {
	status int
	kind   paas.Kind
	title  string
	hint   string
	retry  int // seconds after which to try again; 0: no use
}

var (
	pageUnknown = page{status: http.StatusNotFound, kind: paas.NotFound, title: "There is no site at this address",
		hint: "Check the spelling. If the site is yours, add this domain to the app in the dashboard."}
	pageEmpty = page{status: http.StatusNotFound, kind: paas.NotFound, title: "Nothing is deployed here yet",
		hint: "The app exists, but has no live version. Push or upload one, and it appears here."}
	pageBadHost  = page{status: http.StatusBadRequest, kind: paas.Invalid, title: "The request names no valid host"}
	pageStarting = page{status: http.StatusServiceUnavailable, kind: paas.Unavailable, title: "This server is starting",
		hint: "It does not know its sites yet. Try again in a few seconds.", retry: 5}
	pageControl = page{status: http.StatusServiceUnavailable, kind: paas.Unavailable, title: "The dashboard is restarting",
		hint: "Apps are not affected: they are being served. This page tries again by itself.", retry: 3}
	pageDown = page{status: http.StatusServiceUnavailable, kind: paas.Unavailable, title: "The app does not answer",
		hint: "It may be starting again. Its owner finds the reason in its log.", retry: 5}
	pageBroken = page{status: http.StatusBadGateway, kind: paas.Failed, title: "The app ended the request without an answer",
		hint: "Its owner finds the reason in its log."}
	pageNoFile = page{status: http.StatusNotFound, kind: paas.NotFound, title: "This page does not exist",
		hint: "The link may be old, or mistyped."}
)

const pageTemplate = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">%s
<title>%s</title><style>
:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;margin:0;min-height:100vh;display:grid;place-items:center}
main{max-width:32rem;padding:2rem}h1{font-size:1.4rem;margin:0 0 .5rem}p{margin:0;opacity:.75}
</style></head><body><main><h1>%s</h1><p>%s</p></main></body></html>
`

// send writes the page. Nothing keeps it: a site that is missing now is there in a minute.
func (p page) send(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if p.retry > 0 {
		h.Set("Retry-After", strconv.Itoa(p.retry))
	}
	var body string
	switch accept := r.Header.Get("Accept"); {
	case strings.Contains(accept, "text/html"):
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
		body = p.html(r.Method == http.MethodGet)
	case strings.Contains(accept, "json"):
		h.Set("Content-Type", "application/json")
		b, err := json.Marshal(map[string]any{"error": map[string]string{"kind": string(p.kind), "message": lower(p.title), "hint": lower(p.hint)}})
		if err != nil {
			panic(err) // strings only
		}
		body = string(b) + "\n"
	default:
		h.Set("Content-Type", "text/plain; charset=utf-8")
		body = strings.TrimSpace(p.title+". "+p.hint) + "\n"
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(p.status)
	if r.Method != http.MethodHead {
		_, _ = w.Write([]byte(body))
	}
}

func (p page) html(reload bool) string {
	refresh := ""
	if p.retry > 0 && reload {
		refresh = fmt.Sprintf(`<meta http-equiv="refresh" content="%d">`, p.retry)
	}
	title, hint := html.EscapeString(p.title), html.EscapeString(p.hint)
	return fmt.Sprintf(pageTemplate, refresh, title, title, hint)
}

// lower turns a sentence for a page into the form of our messages.
func lower(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + strings.TrimSuffix(s[1:], ".")
}
