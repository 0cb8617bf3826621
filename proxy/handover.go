package proxy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/run"
)

const (
	successorTimeout = 30 * time.Second // for a new binary to start and read its table
	successorPoll    = 20 * time.Millisecond
)

// handover starts the successor with copies of our listeners, makes sure that it has the table in force, signals it to
// start, and stops accepting: at every moment some process accepts, and all use one table. Until the signal nothing
// here has changed.
func (e *Edge) handover(ctx context.Context, ask handoverRequest) error {
	select {
	case e.handovers <- struct{}{}:
		defer func() { <-e.handovers }()
	default:
		return &paas.Error{Kind: paas.Conflict, Msg: "a handover is already under way"}
	}
	if e.draining.Load() {
		return &paas.Error{Kind: paas.Conflict, Msg: "this edge has handed over already"}
	}
	pid, word, err := e.startSuccessor(ask)
	if err != nil {
		return &paas.Error{Kind: paas.Failed, Msg: "the new edge could not be started",
			Hint: "the old one goes on serving", Err: err}
	}
	defer word.Close()
	if err := e.release(ctx, pid); err != nil {
		_ = syscall.Kill(pid, syscall.SIGKILL) // it has served no request yet
		return &paas.Error{Kind: paas.Failed, Msg: "the new edge did not become ready",
			Hint: "the old one goes on serving; its log has the reason", Err: err}
	}
	notify(pid)
	e.log.Info("handed over; draining", "successor", pid, "connections", e.gate.count())
	return nil
}

// startSuccessor runs the program in a session of its own, with our environment. The signal to start is the end of the
// pipe.
func (e *Edge) startSuccessor(ask handoverRequest) (pid int, word *os.File, err error) {
	var files []*os.File
	var names []string
	defer func() {
		for _, f := range files {
			_ = f.Close() // the child has its own
		}
		if err != nil && word != nil {
			_ = word.Close()
		}
	}()
	pass := func(ls []*net.TCPListener, name string) error {
		for _, l := range ls {
			f, err := dup(l, name)
			if err != nil {
				return err
			}
			files, names = append(files, f), append(names, name)
		}
		return nil
	}
	if err := errors.Join(pass(e.http, httpName), pass(e.https, httpsName)); err != nil {
		return 0, nil, fmt.Errorf("copy the listeners: %w", err)
	}
	start, word, err := os.Pipe()
	if err != nil {
		return 0, nil, err
	}
	files, names = append(files, start), append(names, goName)
	env := append(os.Environ(), fmt.Sprintf("LISTEN_FDS=%d", len(files)), "LISTEN_FDNAMES="+strings.Join(names, ":"))
	pid, err = run.Detach(run.Cmd{Path: ask.Exe, Args: ask.Args, Env: env, ExtraFiles: files, Stdout: os.Stdout, Stderr: os.Stderr})
	return pid, word, err
}

// release waits for the successor, then passes on: from the check of its table to the closing of our listeners no table
// can change.
func (e *Edge) release(ctx context.Context, pid int) error {
	ctx, cancel := context.WithTimeout(ctx, successorTimeout)
	defer cancel()
	socket := filepath.Join(e.opts.Data, fmt.Sprintf("%d%s", pid, socketSuffix))
	if err := awaitSuccessor(ctx, pid, socket); err != nil {
		return err
	}
	select {
	case e.changes <- struct{}{}:
		defer func() { <-e.changes }()
	case <-ctx.Done():
		return ctx.Err()
	}
	// It read the file when it started; a table that came since was sent to this process only.
	table, err := json.Marshal(e.router.Load().table)
	if err != nil {
		return err
	}
	if err := ask(ctx, socket, http.MethodPut, "/table", table, nil); err != nil {
		return fmt.Errorf("give it the table: %w", err)
	}
	e.draining.Store(true)
	for _, l := range append(e.http, e.https...) {
		_ = l.Close() // ours alone: the socket lives on in the successor
	}
	close(e.handed)
	return nil
}

// awaitSuccessor returns when the process answers on its socket, or an error when it ends or is too slow.
func awaitSuccessor(ctx context.Context, pid int, socket string) error {
	tick := time.NewTicker(successorPoll)
	defer tick.Stop()
	for {
		var st paas.EdgeStatus
		if err := ask(ctx, socket, http.MethodGet, "/status", nil, &st); err == nil && st.PID == pid {
			return nil
		}
		if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			return errors.New("it ended right after its start")
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for it: %w", ctx.Err())
		case <-tick.C:
		}
	}
}
