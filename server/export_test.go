package server

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"
)

// What follows is for the tests in server_test, which need a whole server with its API and pages.

const (
	ContentPolicy = contentPolicy
	StreamRecheck = streamRecheck
)

// Front is the whole way of a request to the routes of a table.
func (s *Server) Front(table []Route) http.Handler { return s.front(s.mount(table)) }

// Table is every address that is answered.
func (s *Server) Table() []Route { return s.table() }

// Mounted is what the router knows.
func (s *Server) Mounted() []*echo.Route { return s.echo.Routes() }

// FillStreams takes every place for a stream.
func (s *Server) FillStreams() {
	for range maxStreams {
		s.streams <- struct{}{}
	}
}

// ServeAt answers local callers at another socket until stop.
func (s *Server) ServeAt(path string, table []Route) (stop func(), err error) {
	l, err := listen(path, 0o600)
	if err != nil {
		return nil, err
	}
	l.local = true
	srv := httpServer(s.Front(table), s.Log)
	go func() { _ = srv.Serve(l) }()
	return func() { _ = srv.Close() }, nil
}

// FromEdge and FromRoot are requests that come over the two sockets.
func FromEdge(q *http.Request) *http.Request { return withPeer(q, peer{known: true, edge: true}) }
func FromRoot(q *http.Request) *http.Request { return withPeer(q, peer{known: true, root: true}) }

func withPeer(q *http.Request, p peer) *http.Request {
	return q.WithContext(context.WithValue(q.Context(), peerKey{}, p))
}

// GitPath is the address of the git remote.
const GitPath = gitPath

// HoldKey, ReleaseKey and HeldKeys are the idempotency keys whose first request is running.
func (s *Server) HoldKey(key string) bool { return s.keys.hold(key) }
func (s *Server) ReleaseKey(key string)   { s.keys.release(key) }
func (s *Server) HeldKeys() int           { return len(s.keys.held) }
