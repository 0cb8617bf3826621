package server

import (
	"net/http"
	"slices"

	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/paas"
)

func (s *Server) listReleases(c *Call) error {
	p, err := s.Store.AppEnvironment(c.Target)
	if err != nil {
		return err
	}
	rels, err := s.Store.Releases(c.Target)
	if err != nil {
		return err
	}
	out := api.Releases{Releases: []api.Release{}}
	for _, r := range rels {
		one, err := s.releaseDTO(r, p.Live)
		if err != nil {
			return err
		}
		out.Releases = append(out.Releases, one)
	}
	return c.JSON(http.StatusOK, out)
}

func (s *Server) releaseDTO(r paas.Release, live string) (api.Release, error) {
	out := api.Release{ID: r.ID, Number: r.Number, Build: r.Build, Live: r.ID == live, Limits: limitsDTO(r.Limits), Variables: slices.Clone(r.VariableNames),
		Actor: actorDTO(r.Actor), Note: r.Note, Created: r.Created}
	if out.Variables == nil {
		out.Variables = []string{}
	}
	b, err := s.Store.Build(r.Build)
	if paas.IsKind(err, paas.NotFound) {
		return out, nil // old builds are removed; the release remains as history
	}
	if err != nil {
		return out, err
	}
	src := sourceDTO(b.Source)
	out.Source, out.Kept = &src, true
	return out, nil
}

func (s *Server) rollback(c *Call) error {
	var in api.Rollback
	if err := c.decodeOptional(&in); err != nil {
		return err
	}
	if in.Version < 0 {
		return paas.Invalidf("version", "give a number, or 0 for the one before", "there are no versions below 1")
	}
	dep, err := s.Deployer.Rollback(c.Request().Context(), c.Actor(), c.Target, in.Version)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusAccepted, deploymentDTO(dep, c.EnvName, s.Deployer.URL(c.App)))
}
