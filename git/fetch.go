package git

import (
	"errors"
	"net/http"
	"time"

	"github.com/go-git/go-git/v5/plumbing/format/pktline"

	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/run"
)

// maxFetchBytes is how long a fetch's wants and haves may be, unzipped.
const maxFetchBytes = 16 << 20

// advertiseFetch answers info/refs of a fetch or clone.
func (s *Server) advertiseFetch(w http.ResponseWriter, r *http.Request, repo *repo) {
	version := protocol(r)
	w.Header().Set("Content-Type", "application/x-git-upload-pack-advertisement")
	if version != "version=2" {
		e := pktline.NewEncoder(w)
		_ = e.Encodef("# service=%s\n", uploadPack) // a client that has gone needs no answer
		_ = e.Flush()
	}
	s.upload(w, r, s.uploadPack(repo, version, "--advertise-refs"))
}

// fetch answers one round of a fetch: the protocol keeps no state between them.
func (s *Server) fetch(w http.ResponseWriter, r *http.Request, repo *repo) {
	in, err := newBody(w, r, maxFetchBytes, s.o.Stall)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	release, err := s.slot(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	defer release()
	w.Header().Set("Content-Type", "application/x-git-upload-pack-result")
	w.Header().Set("X-Accel-Buffering", "no")
	c := s.uploadPack(repo, protocol(r))
	c.Stdin, c.Limits = in, s.limits()
	s.upload(w, r, c)
}

func (s *Server) uploadPack(repo *repo, version string, args ...string) run.Cmd {
	args = append([]string{"upload-pack", "--strict", "--stateless-rpc"}, args...)
	c := s.command(append(args, repo.dir)...)
	if version != "" {
		c.Env = append(c.Env[:len(c.Env):len(c.Env)], "GIT_PROTOCOL="+version)
	}
	return c
}

// upload runs git with its output going to the client. Errors from here on are told to the client by git itself.
func (s *Server) upload(w http.ResponseWriter, r *http.Request, c run.Cmd) {
	rc := http.NewResponseController(w)
	c.Stdout = &flushing{w: w, rc: rc, stall: s.o.Stall}
	err := run.Run(r.Context(), c)
	_ = rc.SetWriteDeadline(time.Time{})
	var exit *run.ExitError
	switch {
	case err == nil, r.Context().Err() != nil:
	case errors.As(err, &exit) && !exit.OOM:
		s.log.Info("fetch ended early", "err", err) // clients close the connection as soon as they have what they need
	default:
		s.log.Warn("fetch failed", "err", paas.Public(err).Msg, "cause", err)
	}
}

// protocol is the client's Git-Protocol when it is one that git knows; anything else is version 0.
func protocol(r *http.Request) string {
	switch v := r.Header.Get("Git-Protocol"); v {
	case "version=1", "version=2":
		return v
	}
	return ""
}

// flushing sends each write at once, and gives it a time limit.
type flushing struct {
	w     http.ResponseWriter
	rc    *http.ResponseController
	stall time.Duration
}

func (f *flushing) Write(p []byte) (int, error) {
	_ = f.rc.SetWriteDeadline(time.Now().Add(f.stall)) // not supported by test recorders
	n, err := f.w.Write(p)
	if err != nil {
		return n, err
	}
	return n, f.rc.Flush()
}
