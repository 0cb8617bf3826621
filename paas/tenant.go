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

// Environment is a full copy of a project: production, staging, a preview. It owns one bridge network, in which services have fixed
// addresses and instances rotate.
type Environment struct {
	ID, Project, Name string
	Kind              EnvironmentKind
	Subnet            netip.Prefix          // a /26 of the installation's pool; its first usable address is the gateway
	Services          map[string]netip.Addr `json:",omitempty"` // service id → its address, which no instance gets
	Branch            string                `json:",omitempty"` // deployed to every app in it that names none
	CopyOf            string                `json:",omitempty"` // id of the environment that it was made from
	NeedsApproval     bool                  `json:",omitempty"` // a deployment waits until a person allows it
	Egress            Egress                `json:",omitempty"`
	Expires           time.Time             `json:",omitzero"` // when it is deleted; zero: never
	PullRequest       PullRequest           `json:",omitzero"` // that it previews
	Created           time.Time
	Life
}

// EnvironmentKind is what an environment is for.
type EnvironmentKind string

const (
	EnvironmentProduction EnvironmentKind = "production"
	EnvironmentStaging    EnvironmentKind = "staging" // any lasting one beside production
	EnvironmentPreview    EnvironmentKind = "preview" // of a branch or a pull request; it ends with it
)

// Egress says what containers may reach outside of their environment.
type Egress string

const (
	EgressOpen   Egress = ""       // the internet
	EgressClosed Egress = "closed" // nothing
)

// PullRequest is a proposed change in a connected repository.
type PullRequest struct {
	Repository string
	Number     int
}

// KindOfEnvironment is what an environment of that name is for, when nothing else is said.
func KindOfEnvironment(name string) EnvironmentKind {
	if name == Production {
		return EnvironmentProduction
	}
	return EnvironmentStaging
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
