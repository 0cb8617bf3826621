package page

import (
	"net/http"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/server"
	"github.com/cloudsania/cloudsania/ui"
)

// static is the files of the pages.
type static struct{}

func (h static) routes() []server.Route {
	return []server.Route{{Method: http.MethodGet, Path: ui.StaticPrefix + "*", Action: access.DocsRead, Resource: server.NoResource, Handle: h.show, Unclaimed: true}}
}

// show sends a file. Its name has a hash of its content, so it never changes.
func (static) show(c *server.Call) error {
	a, ok := ui.Static(c.Asked("*"))
	if !ok {
		return server.NothingHere()
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
