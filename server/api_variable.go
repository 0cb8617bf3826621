package server

import (
	"net/http"

	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/paas"
)

func (s *Server) listVariables(c *Call) error {
	out, err := s.variables(c)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, out)
}

func (s *Server) variables(c *Call) (api.Variables, error) {
	vars, err := s.Store.Variables(c.Target)
	out := api.Variables{Variables: []api.Variable{}}
	for _, v := range vars {
		out.Variables = append(out.Variables, api.Variable{Name: v.Name, Masked: masked, Build: v.Build, Updated: v.Updated})
	}
	return out, err
}

func (s *Server) changeVariables(c *Call) error {
	var in api.ChangeVariables
	if err := c.decode(&in); err != nil {
		return err
	}
	dep, err := s.ChangeVariables(c, in)
	if err != nil {
		return err
	}
	out, err := s.variables(c)
	if err != nil {
		return err
	}
	if dep != nil {
		d := deploymentDTO(*dep, c.EnvName, s.Deployer.URL(c.App))
		out.Deployment = &d
	}
	return c.JSON(http.StatusOK, out)
}

// ChangeVariables changes variables and, unless told to hold or nothing is live, makes a release with them.
func (s *Server) ChangeVariables(c *Call, in api.ChangeVariables) (*paas.Deployment, error) {
	if len(in.Set) == 0 && len(in.Unset) == 0 {
		return nil, paas.Invalidf("set", "name at least one variable", "there is nothing to change")
	}
	before, err := s.Store.AppEnvironment(c.Target)
	if err != nil {
		return nil, err
	}
	old, err := s.Store.Variables(c.Target)
	if err != nil {
		return nil, err
	}
	reachesBuild := map[string]bool{}
	for _, v := range old {
		reachesBuild[v.Name] = v.Build
	}
	var set []paas.Variable
	for _, v := range in.Set {
		build := reachesBuild[v.Name]
		if v.Build != nil {
			build = *v.Build
		}
		set = append(set, paas.Variable{Name: v.Name, Value: paas.NewSecret(v.Value), Build: build})
	}
	if err := s.Store.SetVariables(c.Actor(), c.Target, set, in.Unset); err != nil {
		return nil, err
	}
	after, err := s.Store.AppEnvironment(c.Target)
	if err != nil || in.Hold || after.VarsVersion == before.VarsVersion {
		return nil, err // the same values again need no new release
	}
	return s.Apply(c)
}
