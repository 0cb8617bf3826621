package api

import "time"

// Deployment is one attempt to make a release live.
type Deployment struct {
	ID          string     `json:"id"`
	App         string     `json:"app"` // id
	Environment string     `json:"environment"`
	Number      int        `json:"number,omitempty"` // of the release; absent until it is made
	Release     string     `json:"release,omitempty"`
	Status      string     `json:"status"` // queued, running, succeeded, failed, superseded, cancelled, interrupted
	Step        string     `json:"step"`   // queued, source, detect, build, release, start, health, switch, done
	Steps       []StepTime `json:"steps"`
	Source      Source     `json:"source"`
	Failure     *Failure   `json:"failure,omitempty"`
	Actor       Actor      `json:"actor"`
	Created     time.Time  `json:"created"`
	Ended       *time.Time `json:"ended,omitempty"`
	URL         string     `json:"url"` // the app's address
}

// Done reports whether nothing more will happen.
func (d Deployment) Done() bool { return d.Status != "queued" && d.Status != "running" }

// Succeeded reports whether it went live.
func (d Deployment) Succeeded() bool { return d.Status == "succeeded" }

// Deployments is a list, newest first.
type Deployments struct {
	Deployments []Deployment `json:"deployments"`
}

// StepTime is when a step began.
type StepTime struct {
	Step string    `json:"step"`
	At   time.Time `json:"at"`
}

// Source is where a deployment's code came from.
type Source struct {
	Kind    string `json:"kind"` // git, external, upload, rollback, config
	Commit  string `json:"commit,omitempty"`
	Branch  string `json:"branch,omitempty"`
	URL     string `json:"url,omitempty"`
	Message string `json:"message,omitempty"`
	Author  string `json:"author,omitempty"`
}

// Failure explains a failed deployment.
type Failure struct {
	Kind         string   `json:"kind"`
	Step         string   `json:"step"`
	Message      string   `json:"message"`
	Hint         string   `json:"hint,omitempty"`
	Lines        []string `json:"lines,omitempty"`
	StillServing string   `json:"still_serving,omitempty"` // what visitors still see
}

// Actor is who did something.
type Actor struct {
	Kind string `json:"kind"` // user, token, root, claim, system
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
	Addr string `json:"addr,omitempty"`
}

// CreateDeployment says what to deploy, when it is not an archive in the request's body: exactly one of the members, or
// none to deploy what the app was last deployed from.
type CreateDeployment struct {
	Git           *AppSource `json:"git,omitempty"`           // clone this public repository
	Upload        string     `json:"upload,omitempty"`        // id that /detect answered with
	Deployment    string     `json:"deployment,omitempty"`    // the source of this earlier deployment again
	Configuration bool       `json:"configuration,omitempty"` // the live build with the present variables and limits
}

// Rollback names the release to go back to. Version 0 is the one that was live before.
type Rollback struct {
	Version int `json:"version,omitempty"`
}

// Release is a build with one environment's configuration.
type Release struct {
	ID        string    `json:"id"`
	Number    int       `json:"number"`
	Build     string    `json:"build"`
	Live      bool      `json:"live"`
	Kept      bool      `json:"kept"` // its build is still here, so one can roll back to it
	Source    *Source   `json:"source,omitempty"`
	Limits    Limits    `json:"limits"`
	Variables []string  `json:"variables"` // names
	Actor     Actor     `json:"actor"`
	Note      string    `json:"note,omitempty"`
	Created   time.Time `json:"created"`
}

// Releases is a list, newest first.
type Releases struct {
	Releases []Release `json:"releases"`
}

// LogLine is a line of a deployment's log, or of an app's output. N counts from 0 and only a deployment's lines have
// it.
type LogLine struct {
	N       int       `json:"n"`
	Time    time.Time `json:"time"`
	Step    string    `json:"step,omitempty"`
	Process string    `json:"process,omitempty"` // of an app's output: "web"
	Stream  string    `json:"stream,omitempty"`  // "stdout", "stderr"
	Text    string    `json:"text"`
}

// Log is lines, oldest first.
type Log struct {
	Lines []LogLine `json:"lines"`
}
