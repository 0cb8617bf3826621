package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cloudsania/cloudsania/paas"
)

const (
	maxConnections    = 2048 // per socket
	readHeaderTimeout = 10 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 32 << 10
	shutdownGrace     = 20 * time.Second
	maxSocketPath     = 107 // sun_path of unix(7) without its final NUL
)

// socket is a socket of ours.
type socket struct {
	*net.UnixListener
	local   bool // control.sock: its callers are this machine's users; else web.sock
	edgeUID int  // web.sock: who may forward requests, besides root and our own user
	slots   chan struct{}
}

// listen listens at path. A socket that an earlier process left behind is replaced: the database's lock says that it is gone.
func listen(path string, mode fs.FileMode) (*socket, error) {
	if len(path) > maxSocketPath {
		return nil, &paas.Error{Kind: paas.Invalid, Field: "data", Msg: fmt.Sprintf("the path %q is too long for a socket", path),
			Hint: "choose a --data directory with a shorter path"}
	}
	if st, err := os.Lstat(path); err == nil && st.Mode().Type() == fs.ModeSocket {
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("remove old socket: %w", err)
		}
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	if err := os.Chmod(path, mode); err != nil {
		return nil, errors.Join(fmt.Errorf("set mode of socket: %w", err), l.Close())
	}
	return &socket{UnixListener: l, slots: make(chan struct{}, maxConnections)}, nil
}

// peerConn is a connection and who is at its other end.
type peerConn struct {
	net.Conn
	peer peer
	free func()
}

func (v *peerConn) Close() error {
	v.free()
	return v.Conn.Close()
}

// CloseWrite lets net/http end an answer to somebody who is still sending without cutting it off.
func (v *peerConn) CloseWrite() error {
	if c, ok := v.Conn.(*net.UnixConn); ok {
		return c.CloseWrite()
	}
	return nil
}

// Accept waits while there are too many connections.
func (d *socket) Accept() (net.Conn, error) {
	d.slots <- struct{}{}
	free := sync.OnceFunc(func() { <-d.slots })
	c, err := d.AcceptUnix()
	if err != nil {
		free()
		return nil, err
	}
	return &peerConn{Conn: c, peer: d.identify(c), free: free}, nil
}

// peer is who is at the other end of a connection.
type peer struct {
	known bool // may use this socket at all
	root  bool // local administrator: root, or the user that we run as
	edge  bool // forwards for others: its headers say what a visitor's address and scheme are
}

type peerKey struct{}

// peerOf is the connection's peer; the zero peer when the connection is not one of ours.
func peerOf(r *http.Request) peer {
	p, _ := r.Context().Value(peerKey{}).(peer)
	return p
}

// identify asks the kernel who connected (SO_PEERCRED, unix(7)).
func (d *socket) identify(c *net.UnixConn) peer {
	uid, err := peerUID(c)
	if err != nil {
		return peer{}
	}
	own := uid == 0 || uid == os.Geteuid()
	if d.local {
		return peer{known: own, root: own}
	}
	trusted := own || uid == d.edgeUID
	return peer{known: trusted, edge: trusted}
}

func peerUID(c *net.UnixConn) (uid int, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, err
	}
	ctlErr := raw.Control(func(fd uintptr) {
		var cred *unix.Ucred
		if cred, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			uid = int(cred.Uid)
		}
	})
	return uid, errors.Join(ctlErr, err)
}

// httpServer serves one socket. Its handlers set their own deadlines: see limit.go.
func httpServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: readHeaderTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			if v, ok := c.(*peerConn); ok {
				return context.WithValue(ctx, peerKey{}, v.peer)
			}
			return ctx
		},
	}
}

// serveSockets serves until ctx ends or a socket fails, then lets what runs finish for a moment.
func serveSockets(ctx context.Context, h http.Handler, log *slog.Logger, sockets ...*socket) error {
	servers := make([]*http.Server, len(sockets))
	failed := make(chan error, len(sockets))
	for i, d := range sockets {
		srv := httpServer(h, log)
		servers[i] = srv
		go func() { failed <- srv.Serve(d) }()
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	grace, stop := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
	defer stop()
	var cut sync.WaitGroup
	for _, srv := range servers {
		cut.Go(func() {
			if e := srv.Shutdown(grace); e != nil {
				log.Warn("some requests were cut at shutdown", "err", e)
				_ = srv.Close() // what is left after the grace
			}
		})
	}
	cut.Wait()
	if err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}
