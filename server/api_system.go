package server

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/disk"
	"github.com/cloudsania/cloudsania/paas"
)

const healthTimeout = 3 * time.Second // for each part that is asked how it stands

func systemRoutes() []Route {
	return []Route{
		{Method: http.MethodGet, Path: "/api/v1/health", Action: access.HealthRead, Resource: nowhere, Handle: (*Server).health,
			Doc: Doc{ID: "health", Summary: "Tell that control answers", Out: api.Health{}}},
		{Method: http.MethodGet, Path: "/api/v1/openapi.json", Action: access.DocsRead, Resource: nowhere, Handle: (*Server).showOpenAPI,
			Doc: Doc{ID: "openapi", Summary: "This document", Out: map[string]any{}}},
		{Method: http.MethodGet, Path: "/api/v1/system", Action: access.SystemRead, Resource: installation, Handle: (*Server).showSystem,
			Doc: Doc{ID: "showSystem", Summary: "Tell how the installation stands", Out: api.System{}}},
		{Method: http.MethodGet, Path: "/api/v1/builder", Action: access.SystemRead, Resource: installation, Handle: (*Server).showBuilder,
			Doc: Doc{ID: "showBuilder", Summary: "Tell how far the server is with getting ready for builds", Out: api.Builder{}}},
		{Method: http.MethodGet, Path: "/api/v1/events", Action: access.EventList, Resource: nowhere, Handle: (*Server).listEvents,
			Doc: Doc{ID: "listEvents", Summary: "List audit events within the credential's scope, newest first", Out: api.Events{}, Query: []string{"app", "before", "limit"}}},
		{Method: http.MethodGet, Path: "/api/v1/events/verify", Action: access.EventVerify, Resource: installation, Handle: (*Server).verifyEvents,
			Doc: Doc{ID: "verifyEvents", Summary: "Check the whole hash chain of events", Out: api.Verified{}}},
	}
}

func (s *Server) health(c *Call) error { return c.JSON(http.StatusOK, api.Health{Status: "ok"}) }

func (s *Server) showOpenAPI(c *Call) error { return c.Blob(http.StatusOK, "application/json", s.doc) }

func (s *Server) showBuilder(c *Call) error { return c.JSON(http.StatusOK, s.builderDTO()) }

func (s *Server) builderDTO() api.Builder {
	if s.Health.Builder == nil {
		return api.Builder{Message: "unknown"}
	}
	b := s.Health.Builder()
	out := api.Builder{Ready: b.Ready, Step: b.Step, Message: b.Message, Percent: b.Percent}
	if b.Err != nil {
		e := paas.Public(b.Err)
		out.Error, out.Hint = e.Msg, e.Hint
	}
	return out
}

func (s *Server) showSystem(c *Call) error {
	ctx, cancel := context.WithTimeout(c.Request().Context(), healthTimeout)
	defer cancel()
	out := api.System{Version: s.Version, Installation: s.Store.Settings().Installation, URL: s.Origin, Started: s.started.UTC(), Domain: s.Domain, Docker: s.dockerDTO(ctx), Edges: s.edgesDTO(ctx), Builder: s.builderDTO()}
	var err error
	if out.Disk.Total, out.Disk.Available, err = disk.Free(s.Data); err != nil {
		return err
	}
	out.Memory = memory()
	return c.JSON(http.StatusOK, out)
}

func (s *Server) dockerDTO(ctx context.Context) api.Docker {
	if s.Health.Docker == nil {
		return api.Docker{Error: "unknown"}
	}
	version, level, err := s.Health.Docker(ctx)
	if err != nil {
		return api.Docker{Error: paas.Public(err).Msg}
	}
	return api.Docker{OK: true, Version: version, API: level}
}

func (s *Server) edgesDTO(ctx context.Context) []api.Edge {
	out := []api.Edge{}
	if s.Health.Edges == nil {
		return out
	}
	edges, err := s.Health.Edges(ctx)
	if err != nil {
		return out // an empty list says that none answers
	}
	for _, e := range edges {
		one := api.Edge{PID: e.PID, Version: e.Version, Generation: e.Generation, Draining: e.Draining, Fingerprint: e.Fingerprint, Memory: pss(strconv.Itoa(e.PID))}
		for _, n := range e.Active {
			one.Active += n
		}
		for host, c := range e.Certificates {
			if one.Certificates == nil {
				one.Certificates = map[string]api.Certificate{}
			}
			cert := api.Certificate{State: c.State, Issuer: c.Issuer, Error: c.Error}
			if c.Expires > 0 {
				at := time.Unix(c.Expires, 0).UTC()
				cert.Expires = &at
			}
			one.Certificates[host] = cert
		}
		out = append(out, one)
	}
	return out
}

// memory is what proc(5) says; zero where it does not.
func memory() api.Memory {
	return api.Memory{Control: pss("self"), Total: procField("/proc/meminfo", "MemTotal:"), Available: procField("/proc/meminfo", "MemAvailable:")}
}

// pss is a process's share of memory, with what it shares divided among those who share it. 0 when it may not be read.
func pss(pid string) int64 { return procField(fmt.Sprintf("/proc/%s/smaps_rollup", pid), "Pss:") }

// procField finds a "Name:   123 kB" line and returns bytes.
func procField(path, name string) int64 {
	f, err := os.Open(path)
	if err != nil {
		return 0
	}
	defer func() { _ = f.Close() }() // only read
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), name); ok {
			kb, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			if err != nil {
				return 0
			}
			return kb << 10
		}
	}
	return 0
}
