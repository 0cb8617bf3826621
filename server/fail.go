package server

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/auth"
	"github.com/cloudsania/cloudsania/paas"
)

// redirection is an answer that travels as an error, so that the gate can send a browser elsewhere.
type redirection struct{ to string }

func (r *redirection) Error() string { return "redirect to " + r.to }

// Redirect sends a browser elsewhere, from wherever an error can be returned.
func Redirect(to string) error { return &redirection{to} }

const maxPath = 1000

// IsLocal reports whether an address that came with a request leads to this server, and nowhere else.
func IsLocal(to string) bool {
	return strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "//") && !strings.ContainsAny(to, "\\\r\n") && len(to) <= maxPath
}

// fail answers with err and logs it when somebody has to look at it. It is the only place where a request's error is logged.
func (s *Server) fail(c *Call, err error) {
	var elsewhere *redirection
	if errors.As(err, &elsewhere) {
		c.Response().Header().Set("Location", elsewhere.to)
		c.Response().WriteHeader(http.StatusSeeOther)
		return
	}
	var throttled *auth.Throttled
	if errors.As(err, &throttled) {
		c.Response().Header().Set("Retry-After", strconv.Itoa(int(throttled.Wait/time.Second)+1))
	}
	e := paas.Public(err)
	gone := errors.Is(err, context.Canceled) && c.Request().Context().Err() != nil
	if (e.Kind == paas.Internal || e.Kind == paas.Unavailable) && !gone {
		s.Log.Error("a request failed", "request", c.RequestID(), "method", c.Request().Method, "route", c.route.Path, "err", err)
	}
	if c.Response().Committed || gone {
		return
	}
	if c.route.Page {
		if e.Kind == paas.Unauthenticated && c.Principal.Kind == access.Anonymous && !c.route.Mutates() {
			s.fail(c, Redirect("/login?next="+url.QueryEscape(c.Request().URL.RequestURI())))
			return
		}
		s.FailPage(c, e)
		return
	}
	if e.Kind == paas.Unauthenticated {
		c.Response().Header().Set("WWW-Authenticate", `Bearer realm="cloudsania"`)
	}
	writeError(c.Response(), c.RequestID(), e)
}

// writeError writes the API's one shape of errors.
func writeError(w http.ResponseWriter, id string, e *paas.Error) {
	b, err := json.Marshal(failed(e, id))
	if err != nil {
		panic(err) // strings only
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(e.Kind.HTTPStatus())
	_, _ = w.Write(append(b, '\n')) // a client that is gone needs no answer
}

func failed(e *paas.Error, id string) api.Failed {
	return api.Failed{Error: api.Error{Kind: string(e.Kind), Message: e.Msg, Hint: e.Hint, Field: e.Field, RequestID: id}}
}
