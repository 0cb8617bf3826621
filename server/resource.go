package server

import (
	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/paas"
)

// NoResource is for actions that are about no particular thing.
func NoResource(*Call) (access.Resource, error) { return access.Resource{}, nil }

// Installation is the whole of it: only a scope of the team contains it.
func Installation(c *Call) (access.Resource, error) { return c.server.Control.Installation() }

// Self is the account of whoever asks.
func Self(c *Call) (access.Resource, error) {
	return access.Resource{Kind: "account", Asked: "me", Owner: c.Principal.User}, nil
}

// NewApp is where an app that names no project would be.
func NewApp(c *Call) (access.Resource, error) { return c.server.Control.WhereNew("") }

// TheApp is the app of :app, a name or an id. A call that goes on stays with the app that it found: it may be renamed.
func TheApp(c *Call) (access.Resource, error) {
	asked := c.Asked("app")
	if c.found.App.ID != "" {
		asked = c.found.App.ID
	}
	found, err := c.server.Control.FindApp(c.Principal, asked)
	c.found = found
	return found.Resource, err
}

// TheDeployment is the deployment of :deployment; it is as visible as its app.
func TheDeployment(c *Call) (access.Resource, error) {
	found, err := c.server.Control.FindDeployment(c.Asked("deployment"))
	c.found, c.Deployment = found, found.Deployment
	return found.Resource, err
}

// TheToken is the token of :token.
func TheToken(c *Call) (access.Resource, error) {
	return c.server.Control.Tokens.Find(c.Asked("token"))
}

// TheSession is one of the asker's own sessions.
func TheSession(c *Call) (access.Resource, error) {
	asked := c.Asked("session")
	sessions, err := c.server.Auth.Sessions(c.Principal)
	for _, s := range sessions {
		if s.ID == asked {
			return access.Resource{Kind: "session", Asked: asked, Owner: c.Principal.User}, err
		}
	}
	return access.Absent("session", asked), err
}

// findPlace resolves the environment of the app that was found, once it is known to be visible: that of the deployment, or the one that
// the query names.
func (s *Server) findPlace(c *Call) (err error) {
	switch {
	case c.found.App.ID == "":
	case c.Deployment.ID != "":
		c.Place, err = s.Control.PlaceOf(paas.Target{App: c.found.App.ID, Environment: c.Deployment.Environment})
	default:
		c.Place, err = s.Control.PlaceIn(c.found.App.ID, c.QueryParam("env"))
	}
	return err
}
