package paas

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
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
	Image   string      // "apps/<app id>@sha256:…" in our registry; "" for a static build
	Tree    string      // "sha256:…" over the files of a static build; they are in <data>/static/<build id>
	Inputs  BuildInputs `json:",omitzero"`
	SBOM    string      `json:",omitempty"` // digest of the bill of materials
	Log     string      `json:",omitempty"` // id of the log; "" is the deployment's
	Created time.Time
	Took    time.Duration
	Life
}

// BuildInputs are everything that a build's result depends on, each as a digest or an exact name. Two builds of the same inputs are the
// same; what is not known is "".
type BuildInputs struct {
	Tree       string `json:",omitempty"` // of the source
	Plan       string `json:",omitempty"`
	Variables  string `json:",omitempty"` // of the build variables, keyed: it tells nothing of their values
	Builder    string `json:",omitempty"` // image
	Run        string `json:",omitempty"` // image
	PackageSet string `json:",omitempty"`
	Platform   string `json:",omitempty"` // linux/amd64
}

// Hash is over all inputs; "" while one that every build has is not known.
func (b BuildInputs) Hash() string {
	if b.Tree == "" || b.Plan == "" || b.Variables == "" || b.Platform == "" {
		return ""
	}
	sum := sha256.New()
	for _, s := range []string{b.Tree, b.Plan, b.Variables, b.Builder, b.Run, b.PackageSet, b.Platform} {
		fmt.Fprintf(sum, "%d:%s", len(s), s)
	}
	return "sha256:" + hex.EncodeToString(sum.Sum(nil))
}

// Release is a build plus one environment's configuration: sealed, numbered 1, 2, 3…, immutable but for when it was live and what is kept
// of it. What runs is here by itself: a release can be started when its build is forgotten.
type Release struct {
	ID, App, Environment    string
	Number                  int
	Build                   string
	Image, Tree             string // of the build
	Processes               []ReleaseProcess
	Health                  HealthCheck
	Limits                  Limits
	Commit, Author, Message string         // of the source
	VariableNames           []string       // values are sealed beside the record: store.ReleaseVariables
	Scale                   map[string]int // copies and mounts when it was made: only to show differences
	Mounts                  []Mount        `json:",omitempty"`
	FirstLive, LastLive     time.Time      `json:",omitzero"`  // LastLive is zero before it was live, and while it is
	Pinned                  bool           `json:",omitempty"` // kept however old
	PromotedFrom            string         `json:",omitempty"` // release of another environment
	Snapshots               []string       `json:",omitempty"` // of volumes, taken before it went live
	Actor                   Actor
	Note                    string // "rollback to v3"
	Created                 time.Time
	Life
}

// ReleaseProcess is a process of a release.
type ReleaseProcess struct {
	Type    string
	Command string `json:",omitempty"` // instead of the image's own; "" leaves it to the image
	Limits  Limits // zero fields take the release's
}

// LimitsOf a copy of the process, with the defaults filled in.
func (r Release) LimitsOf(process string) Limits {
	for _, p := range r.Processes {
		if p.Type == process {
			return p.Limits.or(r.Limits).WithDefaults()
		}
	}
	return r.Limits.WithDefaults()
}

// Command is what runs instead of the image's own process; "" leaves it to the image.
func (r Release) Command(process string) string {
	for _, p := range r.Processes {
		if p.Type == process {
			return p.Command
		}
	}
	return ""
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

// Deployment is one attempt to make a release live.
type Deployment struct {
	ID, App, Environment string
	Kind                 DeploymentKind
	Intent               Intent
	Source               Source
	Build                string // "" until built
	Release              string // "" until made
	Number               int    // of the release; 0 until made
	Status               Status
	Work
	Parent     string    `json:",omitempty"` // the deployment or the wave that made this one
	Resumes    string    `json:",omitempty"` // an interrupted deployment that this one takes up again
	Approval   *Approval `json:",omitempty"` // nil: none is needed
	Actor      Actor
	Created    time.Time
	Ended      time.Time // zero while not done
	Generation uint64    // of the table that carries it; 0 before the switch
	Life
}

// DeploymentKind is what a deployment is for.
type DeploymentKind string

const (
	DeployVersion       DeploymentKind = "version"       // newer code
	DeployConfiguration DeploymentKind = "configuration" // the live build with the present configuration
	DeployRollback      DeploymentKind = "rollback"      // an older release's build and configuration
	DeployPromotion     DeploymentKind = "promotion"     // another environment's build with the configuration here
)

// Intent says what a deployment is to make live. Intents that wait are merged: the newest source with the newest configuration. With
// neither, it is exactly what Source names.
type Intent struct {
	NewestSource        bool `json:",omitempty"`
	NewestConfiguration bool `json:",omitempty"`
}

// Merge is the intent of two that wait.
func (i Intent) Merge(other Intent) Intent {
	return Intent{i.NewestSource || other.NewestSource, i.NewestConfiguration || other.NewestConfiguration}
}

// Approval holds a deployment until a person has allowed it.
type Approval struct {
	By Actor     // who allowed it; zero until then
	At time.Time // zero until then
}

// KindOf tells what a deployment of the source is for, and what it wants.
func (s Source) KindOf() (DeploymentKind, Intent) {
	switch s.Kind {
	case SourceRollback:
		return DeployRollback, Intent{}
	case SourceConfig:
		return DeployConfiguration, Intent{NewestConfiguration: true}
	default:
		return DeployVersion, Intent{NewestSource: true, NewestConfiguration: true}
	}
}
