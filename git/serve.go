package git

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/cloudsania/cloudsania/paas"
)

// ServeHTTP answers /git/<app>.git/… and /git/<project>/<app>.git/…. Every request needs Basic credentials whose
// password is a token; the user name does not matter.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	noCache(w.Header())
	c, err := parseCall(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	_, token, _ := r.BasicAuth()
	if token == "" {
		s.fail(w, r, &paas.Error{Kind: paas.Unauthenticated, Msg: "a token is needed",
			Hint: "give one as the password; any user name will do"})
		return
	}
	if err := checkName(c.name); err != nil {
		s.fail(w, r, err)
		return
	}
	app, actor, err := s.access.Authorize(r.Context(), r, paas.NewSecret(token), c.name, c.service == receivePack)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if app.ID == "" && c.advertise && c.service == receivePack {
		advertise(w, refs{})
		return
	}
	repo, err := s.repository(app.ID)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	switch {
	case c.advertise && c.service == uploadPack:
		s.advertiseFetch(w, r, repo)
	case c.advertise:
		s.advertisePush(w, r, repo)
	case c.service == uploadPack:
		s.fetch(w, r, repo)
	default:
		s.receive(w, r, repo, app, actor)
	}
}

// fail answers with an error in text/plain, which git clients show line by line after "remote:".
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // the client has gone
	}
	p := paas.Public(err)
	if p.Kind == paas.Internal {
		s.log.Error("request of a git client failed", "path", r.URL.Path, "err", err)
	}
	status := p.Kind.HTTPStatus()
	switch {
	case errors.Is(err, errMethod):
		status = http.StatusMethodNotAllowed
	case errors.Is(err, errContentType):
		status = http.StatusUnsupportedMediaType
	case errors.Is(err, errLFS):
		failLFS(w, p)
		return
	}
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="Cloudsania", charset="UTF-8"`)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "error: %s\n", p.Msg)
	if p.Hint != "" {
		_, _ = fmt.Fprintf(w, "hint:  %s\n", p.Hint)
	}
}

// failLFS answers in the form that git-lfs shows.
func failLFS(w http.ResponseWriter, p *paas.Error) {
	w.Header().Set("Content-Type", "application/vnd.git-lfs+json")
	w.WriteHeader(http.StatusNotImplemented)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": p.Msg + ": " + p.Hint})
}

func noCache(h http.Header) {
	h.Set("Cache-Control", "no-cache, max-age=0, must-revalidate")
	h.Set("Pragma", "no-cache")
	h.Set("Expires", "Fri, 01 Jan 1980 00:00:00 GMT")
}
