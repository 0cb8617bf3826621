package docker

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/moby/moby/client"
)

// callTimeout bounds calls that a healthy engine answers within milliseconds; a loaded one takes seconds.
const callTimeout = time.Minute

// Options say which engine to use.
type Options struct {
	Host         string // such as unix:///var/run/docker.sock; "" takes DOCKER_HOST, else the default socket
	Installation string // id of this installation: the label's value on everything made here
	Log          *slog.Logger
}

// Engine is a container engine as one installation sees it.
type Engine struct {
	client       *client.Client
	installation string
	log          *slog.Logger

	mu   sync.Mutex
	seen Info // of the last successful Ping; zero before
}

// Info is what the engine tells about itself.
type Info struct {
	Version, API  string // "20.10.24", the API version both sides speak
	CgroupVersion int    // 1 or 2
	CgroupDriver  string // "cgroupfs" or "systemd"
	StorageDriver string
	CPUs          int
	MemoryBytes   int64
	// ContainerdStore: images live in containerd, where an image's id is its manifest's digest and not its
	// configuration's.
	ContainerdStore bool
}

// Open checks the options. It does not contact the engine: that may come up later than we do.
func Open(o Options) (*Engine, error) {
	if o.Installation == "" {
		return nil, fmt.Errorf("open docker: no installation id")
	}
	opt := client.FromEnv
	if o.Host != "" {
		opt = client.WithHost(o.Host)
	}
	c, err := client.New(opt)
	if err != nil {
		return nil, fmt.Errorf("open docker: %w", err)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Engine{client: c, installation: o.Installation, log: o.Log}, nil
}

// Close lets go of idle connections.
func (e *Engine) Close() error { return e.client.Close() }

// Ping asks the engine who it is. When it does not answer within ten seconds the error is of kind Unavailable.
func (e *Engine) Ping(ctx context.Context) (Info, error) {
	short, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if _, err := e.client.Ping(short, client.PingOptions{NegotiateAPIVersion: true}); err != nil {
		return Info{}, fail(ctx, err, "ask docker")
	}
	r, err := e.client.Info(short, client.InfoOptions{})
	if err != nil {
		return Info{}, fail(ctx, err, "ask docker")
	}
	cgroup, err := strconv.Atoi(r.Info.CgroupVersion)
	if err != nil {
		cgroup = 1 // engines before 20.10 do not say, and know no other
	}
	info := Info{
		Version: r.Info.ServerVersion, API: e.client.ClientVersion(),
		CgroupVersion: cgroup, CgroupDriver: r.Info.CgroupDriver, StorageDriver: r.Info.Driver,
		CPUs: r.Info.NCPU, MemoryBytes: r.Info.MemTotal,
	}
	for _, s := range r.Info.DriverStatus {
		if s[0] == "driver-type" && s[1] == "io.containerd.snapshotter.v1" {
			info.ContainerdStore = true
		}
	}
	e.mu.Lock()
	e.seen = info
	e.mu.Unlock()
	return info, nil
}

// info is the last Ping's answer, asking now when there was none.
func (e *Engine) info(ctx context.Context) (Info, error) {
	e.mu.Lock()
	seen := e.seen
	e.mu.Unlock()
	if seen.Version != "" {
		return seen, nil
	}
	return e.Ping(ctx)
}

// call bounds a short call.
func call(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, callTimeout)
}

// afterwards is a context for cleaning up when ctx may be over already.
func afterwards(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
}
