package proxy

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/cloudsania/cloudsania/paas"
)

// Names of the inherited sockets (LISTEN_FDNAMES, sd_listen_fds(3)). goName is a pipe: a successor begins to accept
// when it ends.
const (
	httpName    = "http"
	httpsName   = "https"
	goName      = "go"
	firstFD     = 3
	maxListenFD = 64
)

// inherited are the sockets that systemd or an older edge passed to us.
type inherited struct {
	http, https []*net.TCPListener
	start       *os.File // nil: begin at once
}

func (in *inherited) close() {
	for _, l := range append(in.http, in.https...) {
		_ = l.Close()
	}
	if in.start != nil {
		_ = in.start.Close()
	}
}

// takeInherited reads LISTEN_FDS and removes the variables, so that no child thinks they are its own. A parent that
// starts us directly cannot know our pid before: LISTEN_PID may be missing, but when it is there it must be ours. Names
// that are not ours, such as the socket unit's own that systemd gives by default, count by their order: HTTP first,
// then HTTPS.
func takeInherited() (in inherited, err error) {
	count, pid, names := os.Getenv("LISTEN_FDS"), os.Getenv("LISTEN_PID"), os.Getenv("LISTEN_FDNAMES")
	for _, name := range []string{"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"} {
		if err := os.Unsetenv(name); err != nil {
			return in, err
		}
	}
	if count == "" || (pid != "" && pid != strconv.Itoa(os.Getpid())) {
		return in, nil
	}
	n, err := strconv.Atoi(count)
	if err != nil || n < 0 || n > maxListenFD {
		return in, fmt.Errorf("LISTEN_FDS=%q is not a number of sockets", count)
	}
	defer func() {
		if err != nil {
			in.close()
		}
	}()
	list := strings.Split(names, ":")
	for i := range n {
		name := [2]string{httpName, httpsName}[i%2]
		if i < len(list) && (list[i] == httpName || list[i] == httpsName || list[i] == goName) {
			name = list[i]
		}
		if err := in.take(uintptr(firstFD+i), name); err != nil {
			return in, fmt.Errorf("inherited socket %d %q: %w", i, name, err)
		}
	}
	return in, nil
}

func (in *inherited) take(fd uintptr, name string) error {
	syscall.CloseOnExec(int(fd))
	f := os.NewFile(fd, name)
	if f == nil {
		return errors.New("not open")
	}
	if name == goName {
		in.start = f
		return nil
	}
	l, err := net.FileListener(f)
	if err := errors.Join(err, f.Close()); err != nil { // FileListener made its own copy
		return err
	}
	tcp, ok := l.(*net.TCPListener)
	if !ok {
		return errors.Join(fmt.Errorf("a %s socket, not a TCP one", l.Addr().Network()), l.Close())
	}
	if name == httpsName {
		in.https = append(in.https, tcp)
	} else {
		in.http = append(in.http, tcp)
	}
	return nil
}

// bind opens addr unless the sockets for it were inherited or it is empty.
func bind(have []*net.TCPListener, addr string) ([]*net.TCPListener, error) {
	if len(have) > 0 || addr == "" {
		return have, nil
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, bindError(addr, err)
	}
	return []*net.TCPListener{l.(*net.TCPListener)}, nil
}

func bindError(addr string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return &paas.Error{Kind: paas.Unavailable, Msg: fmt.Sprintf("another program is using %q", addr), Err: err,
			Hint: "stop that program, or choose other addresses for --http and --https"}
	case errors.Is(err, syscall.EACCES):
		return &paas.Error{Kind: paas.Forbidden, Msg: fmt.Sprintf("not allowed to listen on %q", addr), Err: err,
			Hint: "ports below 1024 need the socket unit, CAP_NET_BIND_SERVICE, or root"}
	}
	return fmt.Errorf("listen on %s: %w", addr, err)
}

// dup is a copy of the listener's descriptor for a child. net's own File would switch the shared socket to blocking
// mode.
func dup(l *net.TCPListener, name string) (*os.File, error) {
	raw, err := l.SyscallConn()
	if err != nil {
		return nil, err
	}
	fd, dupErr := -1, error(nil)
	err = raw.Control(func(s uintptr) { fd, dupErr = unix.FcntlInt(s, unix.F_DUPFD_CLOEXEC, 0) })
	if err := errors.Join(err, dupErr); err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}
