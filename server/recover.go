package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"path/filepath"

	"github.com/cloudsania/cloudsania/paas"
)

// Recover answers every request on both sockets of a data directory whose database is missing or empty with what happened and what to do,
// until ctx ends: apps keep serving meanwhile, and nobody can claim the server anew. page answers people with a browser, and returns false for
// other programs.
func Recover(ctx context.Context, data string, page func(http.ResponseWriter, *http.Request) bool, log *slog.Logger) error {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setHeaders(w.Header(), isSecure(r))
		id := newRequestID()
		w.Header().Set("X-Request-Id", id)
		if !page(w, r) {
			recoveryAnswer(w, r, id, data)
		}
	})
	ctl, err := listen(filepath.Join(data, "control.sock"), 0o600)
	if err != nil {
		return err
	}
	web, err := listen(filepath.Join(data, "web.sock"), 0o666)
	if err != nil {
		return errors.Join(err, ctl.Close())
	}
	ctl.local = true
	return serveSockets(ctx, h, log, ctl, web)
}

// recoveryAnswer tells only the local administrator where the data is.
func recoveryAnswer(w http.ResponseWriter, r *http.Request, id, data string) {
	e := &paas.Error{Kind: paas.Unavailable, Msg: "the database of this server is missing; the apps keep serving",
		Hint: "its administrator restores it from a backup and restarts control"}
	if peerOf(r).root {
		e.Hint = "restore " + filepath.Join(data, "cloudsania.db") + " from a backup and restart control; to give up what was there, remove the file \"installed\" beside it"
	}
	writeError(w, id, e)
}
