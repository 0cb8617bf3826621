package server

import (
	"net/http"

	"github.com/cloudsania/cloudsania/access"
)

const gitPath = "/git/*"

// gitRoutes hand everything below /git/ to the git remote, which asks for each repository by itself. It asks for a token from the
// start: git sends one only when it is asked, and the administrator may have made one before there is an owner.
func (s *Server) gitRoutes() []Route {
	var out []Route
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		out = append(out, Route{Method: method, Path: gitPath, Action: access.GitOpen, Resource: NoResource, Handle: s.serveGit, Stream: true, Raw: true, Unclaimed: true})
	}
	return out
}

func (s *Server) serveGit(c *Call) error {
	s.Git.ServeHTTP(c.Response().Writer, c.Request())
	return nil
}
