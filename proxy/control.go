package proxy

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"

	"github.com/cloudsania/cloudsania/paas"
)

const (
	socketSuffix  = ".sock"
	maxSocketPath = 107 // unix(7)
	maxTableBytes = 64 << 20
	maxAskBytes   = 64 << 10
)

// handoverRequest names the program that is to take over.
type handoverRequest struct {
	Exe  string   `json:"exe"`
	Args []string `json:"args"`
}

// listenSocket opens a unix socket that only our own user and root can connect to. It gets its name when it is ready: a
// client that finds a name that refuses takes it for a dead process's and removes it.
func listenSocket(path string) (net.Listener, error) {
	tmp := path + ".new"
	if len(tmp) > maxSocketPath {
		return nil, &paas.Error{Kind: paas.Invalid, Msg: fmt.Sprintf("the path %q is too long for a socket", paas.Clip(path, 200)),
			Hint: "choose a data directory with a shorter path"}
	}
	for _, p := range []string{tmp, path} { // of an earlier process with our id
		if err := os.Remove(p); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: tmp, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("open the edge's control socket: %w", err)
	}
	l.SetUnlinkOnClose(false) // the name it knows is not the one it has
	if err := errors.Join(os.Chmod(tmp, 0o600), os.Rename(tmp, path)); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func (e *Edge) controlHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /table", e.putTable)
	mux.HandleFunc("GET /status", e.getStatus)
	mux.HandleFunc("POST /handover", e.postHandover)
	return mux
}

func (e *Edge) putTable(w http.ResponseWriter, r *http.Request) {
	var table paas.Table
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxTableBytes)).Decode(&table); err != nil {
		e.refuseControl(w, &paas.Error{Kind: paas.Invalid, Msg: "the table cannot be read", Err: err})
		return
	}
	if err := e.apply(r.Context(), table); err != nil {
		e.refuseControl(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (e *Edge) getStatus(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(e.status()); err != nil {
		e.log.Debug("status not delivered", "err", err)
	}
}

func (e *Edge) status() paas.EdgeStatus {
	rt := e.router.Load()
	st := paas.EdgeStatus{PID: os.Getpid(), Version: e.opts.Version, Generation: rt.table.Generation, Draining: e.draining.Load()}
	st.Active, st.Counters = e.instances.report()
	e.certs.report(rt, &st)
	return st
}

func (e *Edge) postHandover(w http.ResponseWriter, r *http.Request) {
	var ask handoverRequest
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxAskBytes)).Decode(&ask); err != nil || ask.Exe == "" {
		e.refuseControl(w, &paas.Error{Kind: paas.Invalid, Msg: "the handover names no program", Err: err})
		return
	}
	if err := e.handover(r.Context(), ask); err != nil {
		e.refuseControl(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// wireError is a paas.Error on the socket. Both ends are ours, so the cause may travel.
type wireError struct {
	Kind  paas.Kind `json:"kind"`
	Msg   string    `json:"msg"`
	Hint  string    `json:"hint,omitempty"`
	Cause string    `json:"cause,omitempty"`
}

func (e *Edge) refuseControl(w http.ResponseWriter, err error) {
	wire := wireError{Kind: paas.Internal, Msg: "the edge could not do that", Cause: err.Error()}
	var known *paas.Error
	if errors.As(err, &known) {
		wire = wireError{Kind: known.Kind, Msg: known.Msg, Hint: known.Hint}
		if known.Err != nil {
			wire.Cause = known.Err.Error()
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusInternalServerError)
	if err := json.NewEncoder(w).Encode(wire); err != nil {
		e.log.Debug("refusal not delivered", "err", err)
	}
}
