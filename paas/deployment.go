package paas

import (
	"net/netip"
	"time"
)

// Source says where a deployment's code is. It is durable: after a crash the same code can be fetched again.
type Source struct {
	Kind    SourceKind `json:"kind"`
	Commit  string     `json:"commit,omitempty"` // full hash, for git and external
	Branch  string     `json:"branch,omitempty"`
	URL     string     `json:"url,omitempty"`    // external
	Upload  string     `json:"upload,omitempty"` // id of a kept upload (upl_…)
	Build   string     `json:"build,omitempty"`  // build id, for release and rollback: nothing is built
	Release string     `json:"release,omitempty"`
	Message string     `json:"message,omitempty"` // first line of the commit message, or the upload's file name
	Author  string     `json:"author,omitempty"`
}

// SourceKind is how code came to us.
type SourceKind string

const (
	SourceGit      SourceKind = "git"      // pushed to the built-in remote
	SourceExternal SourceKind = "external" // cloned from a public URL
	SourceUpload   SourceKind = "upload"   // a zip, tar or directory
	SourceRollback SourceKind = "rollback" // an older release's build and configuration
	SourceConfig   SourceKind = "config"   // the live build with changed variables or limits
)

// Build is an image, or a directory of static files, made once from one source. It belongs to the app, not to an environment.
type Build struct {
	ID, App string
	Source  Source
	Plan    Plan
	Image   string // "apps/<app id>@sha256:…" in our registry; "" for a static build
	Tree    string // "sha256:…" over the files of a static build; they are in <data>/static/<build id>
	Created time.Time
	Took    time.Duration
}

// Release is a build plus one environment's configuration: sealed, numbered 1, 2, 3…, immutable.
type Release struct {
	ID, App, Environment string
	Number               int
	Build                string
	Limits               Limits
	Scale                map[string]int
	VariableNames        []string // values are sealed beside the record: store.ReleaseVariables
	Actor                Actor
	Note                 string // "rollback to v3"
	Created              time.Time
}

// Status is how a deployment stands.
type Status string

const (
	Queued          Status = "queued"
	Running         Status = "running"
	Succeeded       Status = "succeeded"
	StatusFailed    Status = "failed"
	Superseded      Status = "superseded" // a newer one took its place while it waited
	StatusCancelled Status = "cancelled"
	Interrupted     Status = "interrupted" // by a restart of control, and could not be resumed
)

// Done reports whether nothing more will happen.
func (s Status) Done() bool { return s != Queued && s != Running }

// Step is a stage of a deployment; the order is fixed and the UI's deploy track shows it.
type Step string

const (
	StepQueued  Step = "queued"
	StepSource  Step = "source"
	StepDetect  Step = "detect"
	StepBuild   Step = "build"
	StepRelease Step = "release" // the release command
	StepStart   Step = "start"
	StepHealth  Step = "health"
	StepSwitch  Step = "switch" // recorded; waiting for the edge to acknowledge
	StepDone    Step = "done"
)

// StepTime is when a step began.
type StepTime struct {
	Step Step      `json:"step"`
	At   time.Time `json:"at"`
}

// Deployment is one attempt to make a release live.
type Deployment struct {
	ID, App, Environment string
	Source               Source
	Build                string // "" until built
	Release              string // "" until made
	Number               int    // of the release; 0 until made
	Status               Status
	Step                 Step
	Steps                []StepTime
	Failure              *Failure
	Actor                Actor
	Created              time.Time
	Ended                time.Time // zero while not done
	Generation           uint64    // of the table that carries it; 0 before the switch
}

// Failure explains a failed deployment in plain words: what happened, the suggested fix, the lines of output that show it.
type Failure struct {
	Kind         Kind     `json:"kind"`
	Step         Step     `json:"step"`
	Message      string   `json:"message"`
	Hint         string   `json:"hint,omitempty"`
	Lines        []string `json:"lines,omitempty"`
	StillServing string   `json:"still_serving,omitempty"` // what visitors still see
}

// InstanceState is where a running copy is in its life.
type InstanceState string

const (
	Starting InstanceState = "starting"
	Live     InstanceState = "live"
	Draining InstanceState = "draining" // gets no new request; ends when its last one has, or at the cap
	Gone     InstanceState = "gone"
)

// Instance is a running copy of a release: a container, or a static directory.
type Instance struct {
	ID, App, Environment, Release, Deployment, Server string
	Process                                           string // "web" or a worker's type
	Container                                         string // Docker's id; "" until created, and for a static directory
	Addr                                              netip.Addr
	Port                                              int    // that the app really listens on; 0 for a worker
	Dir                                               string // build id of a static directory, served from <data>/static/<id>
	SPA                                               bool
	State                                             InstanceState
	Created                                           time.Time
	DrainedFrom                                       time.Time // when draining began
	DrainGeneration                                   uint64    // first table without it
}
