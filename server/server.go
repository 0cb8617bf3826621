package server

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/cloudsania/cloudsania/auth"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/store"
	"github.com/cloudsania/cloudsania/upload"
)

// deployer is what is asked of deploy.
type deployer interface {
	Deploy(ctx context.Context, by paas.Actor, t paas.Target, src paas.Source) (paas.Deployment, error)
	Rollback(ctx context.Context, by paas.Actor, t paas.Target, number int) (paas.Deployment, error)
	Apply(ctx context.Context, by paas.Actor, t paas.Target) (paas.Deployment, error)
	Cancel(ctx context.Context, by paas.Actor, id string) error
	Delete(ctx context.Context, by paas.Actor, app string) error
	URL(app paas.App) string
	Log(id string) ([]paas.LogLine, error)                                                                 // of a deployment, as it is now
	Follow(ctx context.Context, id string, from int, fn func(paas.LogLine) error) (paas.Deployment, error) // until it is done
	AppLogs(ctx context.Context, t paas.Target, o paas.LogOptions, fn func(paas.LogLine) error) error      // until ctx ends when o.Follow
}

// Health tells how the parts around us stand. Nil functions mean that nobody knows.
type Health struct {
	Docker  func(ctx context.Context) (version, api string, err error)
	Edges   func(ctx context.Context) ([]paas.EdgeStatus, error)
	Builder func() BuilderStatus
}

// BuilderStatus is how far this server is with getting ready for builds.
type BuilderStatus struct {
	Ready         bool
	Step, Message string
	Percent       int
	Err           error
}

// usage tells what apps used in the last hour.
type usage interface {
	Load(target paas.Target, may paas.Allowance) paas.Load
}

// Options are what a Server is made of.
type Options struct {
	Data     string // directory of the two sockets
	Origin   string // "https://203-0-113-24.sslip.io": every link is built from it, never from a request's Host
	Domain   string // BASE
	Version  string
	Store    *store.Store
	Auth     *auth.Authenticator
	Doors    *Doors
	Deployer deployer
	Uploads  *upload.Dir
	Git      http.Handler // for /git/; it asks Doors by itself
	Detect   func(fsys fs.FS, settings paas.BuildSettings) (paas.Plan, error)
	Usage    usage
	Health   Health
	EdgeUID  int // user of the edge, besides root and our own
	Log      *slog.Logger
	Now      func() time.Time // nil: time.Now
}

// Server answers on both sockets. Safe for concurrent use.
type Server struct {
	Options
	echo      *echo.Echo
	doc       []byte // the OpenAPI document
	started   time.Time
	web, ctl  *door
	detecting chan struct{}
	streams   chan struct{}
	keys      keyring
	closing   context.Context // ends when Run does: open streams end with it
	close     context.CancelFunc
}

const uploadSweepEvery = time.Hour

// New opens both sockets. Nothing is answered before Run.
func New(o Options) (*Server, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Server{Options: o, started: o.Now(), detecting: make(chan struct{}, 1), streams: make(chan struct{}, maxStreams)}
	s.closing, s.close = context.WithCancel(context.Background())
	table := routes()
	var err error
	if s.doc, err = openAPI(table, o.Version); err != nil {
		return nil, err
	}
	s.echo = s.mount(table)
	if s.ctl, err = openDoor(filepath.Join(o.Data, "control.sock"), 0o600); err != nil {
		return nil, err
	}
	// The edge is another user. Who else connects is turned away by what the kernel says about the peer.
	if s.web, err = openDoor(filepath.Join(o.Data, "web.sock"), 0o666); err != nil {
		return nil, errors.Join(err, s.ctl.Close())
	}
	s.ctl.local, s.web.edgeUID = true, o.EdgeUID
	return s, nil
}

// Run serves until ctx ends. Open streams end at once, other requests get a moment to finish.
func (s *Server) Run(ctx context.Context) error {
	var janitor sync.WaitGroup
	defer janitor.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(ctx, s.close)()
	janitor.Go(func() { s.sweep(ctx) })
	return serveDoors(ctx, s.front(s.echo), s.Log, s.ctl, s.web)
}

// sweep removes old uploads that nothing refers to and sessions that ended.
func (s *Server) sweep(ctx context.Context) {
	t := time.NewTicker(uploadSweepEvery)
	defer t.Stop()
	for {
		if err := s.Uploads.Sweep(s.Now(), s.uploadsInUse); err != nil {
			s.Log.Warn("cannot remove old uploads", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

// uploadsInUse are the uploads that a build was made of or a deployment waits for.
func (s *Server) uploadsInUse() (map[string]bool, error) {
	used := map[string]bool{}
	open, err := s.Store.Unfinished()
	if err != nil {
		return nil, err
	}
	for _, d := range open {
		used[d.Source.Upload] = true
	}
	apps, err := s.Store.Apps()
	if err != nil {
		return nil, err
	}
	for _, a := range apps {
		builds, err := s.Store.Builds(a.ID)
		if err != nil {
			return nil, err
		}
		for _, b := range builds {
			used[b.Source.Upload] = true
		}
	}
	return used, nil
}
