package rest

import (
	"net/http"
	"time"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/control"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/server"
)

// system is how the installation stands, and what the API is.
type system struct {
	ctl     *control.Control
	version string
	doc     *document
}

// document is the OpenAPI document, which describes the route that serves it too.
type document struct{ json []byte }

func (h system) routes() []server.Route {
	return []server.Route{
		{Method: http.MethodGet, Path: "/api/v1/health", Action: access.HealthRead, Resource: server.NoResource, Handle: h.health,
			Doc: server.Doc{ID: "health", Summary: "Tell that control answers", Out: api.Health{}}},
		{Method: http.MethodGet, Path: "/api/v1/openapi.json", Action: access.DocsRead, Resource: server.NoResource, Handle: h.openAPI,
			Doc: server.Doc{ID: "openapi", Summary: "This document", Out: map[string]any{}}},
		{Method: http.MethodGet, Path: "/api/v1/system", Action: access.SystemRead, Resource: server.Installation, Handle: h.show,
			Doc: server.Doc{ID: "showSystem", Summary: "Tell how the installation stands", Out: api.System{}}},
		{Method: http.MethodGet, Path: "/api/v1/builder", Action: access.SystemRead, Resource: server.Installation, Handle: h.builder,
			Doc: server.Doc{ID: "showBuilder", Summary: "Tell how far the server is with getting ready for builds", Out: api.Builder{}}},
	}
}

func (h system) health(c *server.Call) error {
	return c.JSON(http.StatusOK, api.Health{Status: "ok"})
}

func (h system) openAPI(c *server.Call) error {
	return c.Blob(http.StatusOK, "application/json", h.doc.json)
}

func (h system) builder(c *server.Call) error {
	return c.JSON(http.StatusOK, builderDTO(h.ctl.System.Builder()))
}

func (h system) show(c *server.Call) error {
	s, err := h.ctl.System.State(c.Ctx(), c.Principal)
	if err != nil {
		return err
	}
	out := api.System{Version: h.version, Installation: s.Installation, URL: h.ctl.System.Origin(), Started: s.Started, Domain: h.ctl.System.Domain(),
		Memory: api.Memory{Control: s.Memory.Control, Total: s.Memory.Total, Available: s.Memory.Available},
		Disk:   api.Disk{Total: s.DiskTotal, Available: s.Free},
		Docker: api.Docker{OK: s.EngineErr == nil, Version: s.Engine, API: s.EngineAPI}, Edges: []api.Edge{}, Builder: builderDTO(s.Builder)}
	if s.EngineErr != nil {
		out.Docker.Error = paas.Public(s.EngineErr).Msg
	}
	for _, e := range s.Edges {
		out.Edges = append(out.Edges, edgeDTO(e))
	}
	return c.JSON(http.StatusOK, out)
}

func builderDTO(b control.BuilderStatus) api.Builder {
	out := api.Builder{Ready: b.Ready, Step: b.Step, Message: b.Message, Percent: b.Percent}
	if b.Err != nil {
		e := paas.Public(b.Err)
		out.Error, out.Hint = e.Msg, e.Hint
	}
	return out
}

func edgeDTO(e control.Edge) api.Edge {
	out := api.Edge{PID: e.PID, Version: e.Version, Generation: e.Generation, Draining: e.Draining, Fingerprint: e.Fingerprint, Memory: e.Memory}
	for _, n := range e.Active {
		out.Active += n
	}
	for host, c := range e.Certificates {
		if out.Certificates == nil {
			out.Certificates = map[string]api.Certificate{}
		}
		cert := api.Certificate{State: c.State, Issuer: c.Issuer, Error: c.Error}
		if c.Expires > 0 {
			at := time.Unix(c.Expires, 0).UTC()
			cert.Expires = &at
		}
		out.Certificates[host] = cert
	}
	return out
}
