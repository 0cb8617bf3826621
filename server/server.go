package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/cloudsania/cloudsania/auth"
	"github.com/cloudsania/cloudsania/control"
	"github.com/cloudsania/cloudsania/paas"
)

// answers keeps what requests with an idempotency key got.
type answers interface {
	Idempotent(key, principal, requestHash string) (response []byte, status int, found bool, err error)
	SaveIdempotent(key, principal, requestHash string, response []byte, status int) error
}

// Options are what a Server is made of.
type Options struct {
	Data     string // directory of the two sockets
	Control  *control.Control
	Auth     *auth.Authenticator
	Answers  answers
	Git      http.Handler                 // for /git/; it authenticates by itself
	Routes   []Route                      // of the API and the pages
	FailPage func(c *Call, e *paas.Error) // shows a person what went wrong
	EdgeUID  int                          // user of the edge, besides root and our own
	Log      *slog.Logger
	Now      func() time.Time // nil: time.Now
}

// Server answers on both sockets. Safe for concurrent use.
type Server struct {
	Options
	echo     *echo.Echo
	web, ctl *socket
	streams  chan struct{}
	keys     keyring
	closing  context.Context // ends when Run does: open streams end with it
	close    context.CancelFunc
}

// New opens both sockets. Nothing is answered before Run.
func New(o Options) (*Server, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Server{Options: o, streams: make(chan struct{}, maxStreams)}
	s.closing, s.close = context.WithCancel(context.Background())
	s.echo = s.mount(s.table())
	var err error
	if s.ctl, err = listen(filepath.Join(o.Data, "control.sock"), 0o600); err != nil {
		return nil, err
	}
	// The edge is another user. Who else connects is turned away by what the kernel says about the peer.
	if s.web, err = listen(filepath.Join(o.Data, "web.sock"), 0o666); err != nil {
		return nil, errors.Join(err, s.ctl.Close())
	}
	s.ctl.local, s.web.edgeUID = true, o.EdgeUID
	return s, nil
}

// table is every address that is answered.
func (s *Server) table() []Route { return slices.Concat(s.Routes, s.gitRoutes()) }

// Run serves until ctx ends. Open streams end at once, other requests get a moment to finish.
func (s *Server) Run(ctx context.Context) error {
	defer context.AfterFunc(ctx, s.close)()
	return serveSockets(ctx, s.front(s.echo), s.Log, s.ctl, s.web)
}
