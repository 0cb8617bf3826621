package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/control"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/store"
)

// Call is one request on its way through the gate, and what the gate found out about it.
type Call struct {
	echo.Context
	Principal  access.Principal
	Secure     bool            // the visitor's connection is encrypted
	Place      control.Place   // of routes with :app or :deployment: the app in the environment that the query names
	Deployment paas.Deployment // of routes with :deployment

	found  control.Found
	once   *store.Once // nil without an idempotency key
	server *Server
	route  *Route
	wire   io.ReadCloser // the body as it came, without our limits
	raw    []byte        // the body, once read
	read   bool
}

func (s *Server) newCall(ec echo.Context, r *Route) *Call {
	return &Call{Context: ec, Secure: isSecure(ec.Request()), server: s, route: r}
}

// isSecure reports whether the visitor's connection to the edge is encrypted. Only the edge is believed.
func isSecure(r *http.Request) bool {
	return peerOf(r).edge && r.Header.Get("X-Forwarded-Proto") == "https"
}

// addrOf is the visitor's address as the edge saw it, "" for local callers.
func addrOf(r *http.Request) string {
	if !peerOf(r).edge {
		return ""
	}
	all := r.Header.Values("X-Forwarded-For")
	if len(all) == 0 {
		return ""
	}
	last := all[len(all)-1]
	last = strings.TrimSpace(last[strings.LastIndexByte(last, ',')+1:])
	a, err := netip.ParseAddr(last)
	if err != nil {
		return ""
	}
	return a.Unmap().WithZone("").String()
}

// RequestID finds this request in the log.
func (c *Call) RequestID() string { return c.Response().Header().Get("X-Request-Id") }

// Ctx is the context of the request for use cases: changes under it carry the request's id, and its idempotency key.
func (c *Call) Ctx() context.Context {
	return store.WithRequest(c.Request().Context(), store.Request{ID: c.RequestID(), Once: c.once})
}

// Target names the place by ids.
func (c *Call) Target() paas.Target { return c.Place.Target() }

// Addr is the visitor's address as the edge saw it, "" for local callers.
func (c *Call) Addr() string { return addrOf(c.Request()) }

// Asked is a path parameter as it was meant: the router leaves escapes in.
func (c *Call) Asked(name string) string {
	v := c.Param(name)
	if c.Request().URL.RawPath == "" {
		return v
	}
	if plain, err := url.PathUnescape(v); err == nil {
		return plain
	}
	return v
}

// Number is a query parameter as a number of at least low and at most high; def when it is absent.
func (c *Call) Number(name string, def, low, high int) (int, error) {
	text := c.QueryParam(name)
	if text == "" {
		return def, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < low || n > high {
		return 0, paas.Invalidf(name, fmt.Sprintf("give a number from %d to %d", low, high), "%q is not a number that fits", paas.Clip(text, 40))
	}
	return n, nil
}

// Again finds what the address names once more, for streams that go on: it may have been renamed or deleted, or be none of the asker's
// business any longer.
func (c *Call) Again() error {
	r, err := c.route.Resource(c)
	if err != nil {
		return err
	}
	if err := access.Authorize(c.Principal, c.route.Action, r); err != nil {
		return err
	}
	return c.server.findPlace(c)
}

// Route is the address that was asked for.
func (c *Call) Route() *Route { return c.route }

// Sequence is a query parameter as the number of an event; 0 when it is absent.
func (c *Call) Sequence(name string) (uint64, error) {
	text := c.QueryParam(name)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil || n == 0 {
		return 0, paas.Invalidf(name, "take it from the page before", "%q is not the number of an event", paas.Clip(text, 40))
	}
	return n, nil
}

// Moment is a query parameter as a time (RFC 3339); the zero time when it is absent.
func (c *Call) Moment(name string) (time.Time, error) {
	text := c.QueryParam(name)
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return at, paas.Invalidf(name, "write it like 2026-11-23T10:00:00Z", "%q is not a time", paas.Clip(text, 40))
	}
	return at, nil
}

// body is the whole body, for JSON routes.
func (c *Call) body() ([]byte, error) {
	if c.read {
		return c.raw, nil
	}
	body := c.Request().Body
	if c.route.Upload { // whose limit is an archive's
		body = http.MaxBytesReader(c.Response().Writer, body, defaultBodyBytes)
	}
	b, err := io.ReadAll(body)
	if err != nil {
		return nil, bodyError(err)
	}
	c.raw, c.read = b, true
	c.Request().Body = io.NopCloser(bytes.NewReader(b)) // a form is parsed from it after an idempotency key read it
	return b, nil
}

// Decode reads the JSON body strictly: a misspelt member is an error that names it, not a setting that silently does nothing.
func (c *Call) Decode(into any) error {
	b, err := c.body()
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	err = d.Decode(into)
	if err == nil {
		if _, err = d.Token(); errors.Is(err, io.EOF) {
			return nil
		}
		err = errors.New("more than one value")
	}
	return badJSON(err)
}

// DecodeOptional is Decode for bodies that may be left out.
func (c *Call) DecodeOptional(into any) error {
	if b, err := c.body(); err != nil || len(bytes.TrimSpace(b)) == 0 {
		return err
	}
	return c.Decode(into)
}

// badJSON says what is wrong with a body in words that the sender can act on.
func badJSON(err error) error {
	var typ *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	field := ""
	said := "the body is not valid JSON"
	switch name, unknown := strings.CutPrefix(err.Error(), "json: unknown field "); {
	case errors.As(err, &typ):
		field, said = typ.Field, fmt.Sprintf("%q cannot be a %s", typ.Field, typ.Value)
	case errors.As(err, &syntax):
		said = fmt.Sprintf("the body is not valid JSON at byte %d", syntax.Offset)
	case errors.Is(err, io.EOF):
		said = "the body is empty"
	case unknown:
		field = strings.Trim(name, `"`)
		said = fmt.Sprintf("there is no member %q", paas.Clip(field, 60))
	}
	return &paas.Error{Kind: paas.Invalid, Field: field, Msg: said, Hint: "compare with /api/v1/openapi.json", Err: err}
}
