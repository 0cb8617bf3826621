package proxy

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Watch tells when edge processes come and go. Use it from one goroutine.
type Watch struct {
	dir     string
	epoll   int         // epoll(7) on the two below
	events  *os.File    // the same, for the runtime to wait for
	sockets int         // inotify(7) on dir: a socket gets its name when its process accepts control
	alive   map[int]int // process ids → pidfd_open(2), which is readable when the process has ended; -1 for one that had already
}

// Watch begins to watch. What happens from now on is told by Next, so ask for the Status between the two. Close it after use.
func (c *Client) Watch() (*Watch, error) {
	sockets, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("watch the edge: %w", err)
	}
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("watch the edge: %w", err), unix.Close(sockets))
	}
	err = unix.SetNonblock(epoll, true) // waiting for a blocking file would hold a thread
	w := &Watch{dir: c.dir, epoll: epoll, events: os.NewFile(uintptr(epoll), "edge events"), sockets: sockets, alive: map[int]int{}}
	if err == nil {
		err = w.add(sockets)
	}
	if err == nil {
		_, err = unix.InotifyAddWatch(sockets, c.dir, unix.IN_MOVED_TO|unix.IN_ONLYDIR)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("watch %s: %w", c.dir, err), w.Close())
	}
	return w, nil
}

// Close ends the watch.
func (w *Watch) Close() error {
	errs := []error{w.events.Close(), unix.Close(w.sockets)}
	for _, fd := range w.alive {
		if fd >= 0 {
			errs = append(errs, unix.Close(fd))
		}
	}
	return errors.Join(errs...)
}

// Next returns when an edge process has begun to accept control, or one has ended, since Next returned last. It may also return for
// nothing. When ctx ends first it returns its error, and can be called again.
func (w *Watch) Next(ctx context.Context) error {
	ended, err := w.follow()
	if err != nil || ended {
		return err
	}
	if err := w.events.SetReadDeadline(time.Time{}); err != nil {
		return fmt.Errorf("watch the edge: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = w.events.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	conn, err := w.events.SyscallConn()
	if err != nil {
		return fmt.Errorf("watch the edge: %w", err)
	}
	var ready [8]unix.EpollEvent
	n := 0
	err = conn.Read(func(uintptr) bool {
		n, _ = unix.EpollWait(w.epoll, ready[:], 0)
		return n > 0
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("watch the edge: %w", err)
	}
	for _, e := range ready[:n] {
		w.take(int(e.Fd))
	}
	return nil
}

// take takes note of what happened on fd, so that it is told once.
func (w *Watch) take(fd int) {
	if fd == w.sockets {
		var events [4096]byte
		_, _ = unix.Read(fd, events[:]) // which ones follow finds
	}
	for pid, of := range w.alive {
		switch {
		case of == fd: // the process has ended; follow finds it once more where its socket is left
			_ = unix.Close(fd)
			delete(w.alive, pid)
		case of < 0 && fd == w.sockets: // the new socket may be of a process with the same id
			delete(w.alive, pid)
		}
	}
}

// follow begins to watch processes whose sockets are new, and tells whether one of them has ended before it could.
func (w *Watch) follow() (ended bool, err error) {
	sockets, err := filepath.Glob(filepath.Join(w.dir, "[0-9]*"+socketSuffix))
	if err != nil {
		return false, err
	}
	for _, s := range sockets {
		pid, err := strconv.Atoi(strings.TrimSuffix(filepath.Base(s), socketSuffix))
		if _, known := w.alive[pid]; known || err != nil {
			continue
		}
		fd, err := unix.PidfdOpen(pid, 0)
		switch {
		case errors.Is(err, unix.ESRCH):
			w.alive[pid], ended = -1, true
		case err != nil:
			return ended, fmt.Errorf("watch the edge with process id %d: %w", pid, err)
		default:
			w.alive[pid] = fd
			if err := w.add(fd); err != nil {
				return ended, err
			}
		}
	}
	return ended, nil
}

func (w *Watch) add(fd int) error {
	err := unix.EpollCtl(w.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
	if err != nil {
		return fmt.Errorf("watch the edge: %w", err)
	}
	return nil
}
