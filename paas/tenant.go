package paas

import (
	"net/netip"
	"time"
)

// Team is the people who own this installation. Exactly one exists.
type Team struct {
	ID, Name string
	Created  time.Time
	Life
}

// Client is who an agency works for. A default one is made silently and stays invisible until a second exists.
type Client struct {
	ID, Team, Name string
	Created        time.Time
	Life
}

// Project is one product or site of a client.
type Project struct {
	ID, Client, Name string
	Created          time.Time
	Life
}

// Production is the environment that every project begins with.
const Production = "production"

// Environment is a full copy of a project: production, staging, a preview. It owns one bridge network.
type Environment struct {
	ID, Project, Name string
	Subnet            netip.Prefix // a /26 of the installation's pool; its first usable address is the gateway
	Created           time.Time
	Life
}

// Server is a machine that runs instances. One exists: this one.
type Server struct {
	ID, Name, Region string
	Created          time.Time
	Life
}

// Path is where a thing hangs in the hierarchy; empty below its level. It is what access decides on. An app as such has no environment;
// an app in an environment, a service, and what is below them do.
type Path struct {
	Team        string `json:"team,omitempty"`
	Client      string `json:"client,omitempty"`
	Project     string `json:"project,omitempty"`
	App         string `json:"app,omitempty"`
	Environment string `json:"environment,omitempty"`
	Service     string `json:"service,omitempty"`
}

// Contains reports whether q is p or below it: a scope of a client contains every app of that client, that of an environment what is in it
// and nothing that belongs to all environments.
func (p Path) Contains(q Path) bool {
	return (p.Team == "" || p.Team == q.Team) && (p.Client == "" || p.Client == q.Client) &&
		(p.Project == "" || p.Project == q.Project) && (p.App == "" || p.App == q.App) &&
		(p.Environment == "" || p.Environment == q.Environment) && (p.Service == "" || p.Service == q.Service)
}
