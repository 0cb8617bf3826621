package server

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/paas"
)

// Route is one address and all that the gate must know of it. Its zero options are the strict ones: JSON, a small body, only once
// there is an owner.
type Route struct {
	Method, Path string
	Action       access.Action
	Resource     func(*Call) (access.Resource, error) // what the action is about; it may fill the Call's Place or Deployment
	Handle       func(*Call) error

	Page      bool  // for people: errors are pages, the body is a form, who is not signed in is sent to the login
	Unclaimed bool  // answers while there is no owner too
	Claiming  bool  // answers only while there is no owner
	Stream    bool  // takes as long as it takes, either way; only progress has a deadline
	Raw       bool  // the body is not JSON (nor a form)
	Upload    bool  // the body is an archive: MaxUploadBytes
	MaxBody   int64 // bytes; 0: 1 MiB

	Doc Doc // of API routes
}

// Doc is what the OpenAPI document says beyond the route itself.
type Doc struct {
	ID, Summary string
	In, Out     any      // zero values of the body's types; nil: none
	Optional    bool     // the body may be left out
	Status      int      // of success; 0: 200, or 204 without Out
	Query       []string // names of query parameters, see queryDocs
	Events      string   // of a stream: what it sends
}

// IsAPI reports whether the route is part of the documented API.
func (r Route) IsAPI() bool { return strings.HasPrefix(r.Path, "/api/") }

// Mutates reports whether a request may change something.
func (r Route) Mutates() bool { return r.Method != http.MethodGet && r.Method != http.MethodHead }

// Status is that of success.
func (r Route) Status() int {
	switch {
	case r.Doc.Status != 0:
		return r.Doc.Status
	case r.Doc.Out == nil && r.Doc.Events == "":
		return http.StatusNoContent
	}
	return http.StatusOK
}

// mount makes the router of exactly these routes.
func (s *Server) mount(table []Route) *echo.Echo {
	e := echo.New()
	e.HTTPErrorHandler = func(_ error, ec echo.Context) { // only the router itself gets here
		c := s.newCall(ec, &Route{Method: ec.Request().Method, Path: ec.Request().URL.Path, Page: !isAPIPath(ec.Request().URL.Path)})
		err := s.firstRun(c)
		if err == nil {
			err = NothingHere()
		}
		s.fail(c, err)
	}
	for _, r := range table {
		e.Add(r.Method, r.Path, func(ec echo.Context) error {
			c := s.newCall(ec, &r)
			defer c.release()
			if err := s.pass(c); err != nil {
				s.fail(c, err)
			}
			return nil
		})
	}
	return e
}

func isAPIPath(path string) bool { return strings.HasPrefix(path, "/api/") }

// NothingHere is the answer for an address that leads nowhere.
func NothingHere() error {
	return &paas.Error{Kind: paas.NotFound, Msg: "there is nothing at this address", Hint: "check the address"}
}
