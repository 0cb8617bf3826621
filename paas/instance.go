package paas

import (
	"fmt"
	"net/netip"
	"time"
)

// InstanceState is where a running copy is in its life.
type InstanceState string

const (
	Starting InstanceState = "starting"
	Live     InstanceState = "live"
	Resting  InstanceState = "resting"  // nothing runs on purpose: it sleeps, or waits out its backoff; it can become live again
	Draining InstanceState = "draining" // gets no new request; ends when its last one has, or at the cap
	Ending   InstanceState = "ending"   // was told to stop and has its grace period; no table names it
	Gone     InstanceState = "gone"
)

// Instance is a running copy of a release: a container, or a static directory.
type Instance struct {
	ID, App, Environment, Release, Deployment, Server string
	Process                                           string // "web" or a worker's type
	Ordinal                                           int    // among the copies of the process, from 1: web.1
	Kind                                              ContainerKind
	Container                                         string // Docker's id; "" until created, and for a static directory
	SpecHash                                          string `json:",omitempty"` // of what the container was started from: another one means that it is to be replaced
	Addr                                              netip.Addr
	Port                                              int    // that the app really listens on; 0 for a worker
	Dir                                               string // build id of a static directory, served from <data>/static/<id>
	SPA                                               bool
	State                                             InstanceState
	Health                                            Health   `json:",omitzero"`
	Restarts                                          Restarts `json:",omitzero"`
	Created                                           time.Time
	DrainedFrom                                       time.Time // when draining began
	DrainGeneration                                   uint64    // first table without it
	Life
}

// Name is what people call the copy: web.1.
func (i Instance) Name() string { return fmt.Sprintf("%s.%d", i.Process, max(1, i.Ordinal)) }

// Health is what the checks of a copy found last.
type Health struct {
	State HealthState
	Since time.Time // of the state
	Why   string    `json:",omitempty"` // for people: "GET / answered 500"
}

// HealthState is how a copy is.
type HealthState string

const (
	HealthUnknown HealthState = "" // not checked yet
	Healthy       HealthState = "healthy"
	Unhealthy     HealthState = "unhealthy"
)

// Restarts is what is known of a copy's crashes.
type Restarts struct {
	N     int       // since the last time that it ran well
	Until time.Time // end of the backoff; zero: none
	Exit  int       // status of the last exit
	OOM   bool      // the last exit was for want of memory
}
