package page

import (
	"bytes"
	"net/http"
	"strings"

	"github.com/cloudsania/cloudsania/ui"
)

// Recovery tells a person with a browser that the database is missing; false for everything else, such as programs. Where the data
// is stays between us and the administrator's socket.
func Recovery(w http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodGet {
		return false
	}
	if name, ok := strings.CutPrefix(r.URL.Path, ui.StaticPrefix); ok {
		a, found := ui.Static(name)
		if found {
			w.Header().Set("Content-Type", a.Type)
			_, _ = w.Write(a.Body) // a visitor who is gone needs no answer
		}
		return found
	}
	if !strings.Contains(r.Header.Get("Accept"), "text/html") {
		return false
	}
	var buf bytes.Buffer
	if ui.Render(&buf, ui.RecoveryPage{Bare: ui.Bare{Title: "The database is missing"}}) != nil {
		return false // the plain answer says the same
	}
	w.Header().Set("Content-Type", "text/html; charset=UTF-8")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = w.Write(buf.Bytes())
	return true
}
