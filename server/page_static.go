package server

import (
	"net/http"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/ui"
)

func staticRoutes() []Route {
	return []Route{{Method: http.MethodGet, Path: ui.StaticPrefix + "*", Action: access.DocsRead, Resource: nowhere, Handle: (*Server).showStatic, Page: true, Unclaimed: true}}
}

// showStatic sends a file of the pages. Its name has a hash of its content, so it never changes.
func (s *Server) showStatic(c *Call) error {
	a, ok := ui.Static(c.asked("*"))
	if !ok {
		return nothingHere()
	}
	head := c.Response().Header()
	head.Set("Cache-Control", "public, max-age=31536000, immutable")
	body := a.Body
	if a.Gzip != nil {
		head.Set("Vary", "Accept-Encoding")
		if acceptsGzip(c.Request()) {
			head.Set("Content-Encoding", "gzip")
			body = a.Gzip
		}
	}
	return c.Blob(http.StatusOK, a.Type, body)
}
