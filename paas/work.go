package paas

import "time"

// Work is long work as a durable record: whoever runs it writes each step down before acting on it, so that it can be resumed or ended
// cleanly after a crash. A deployment embeds it; backups, imports, waves and deletions do as well.
type Work struct {
	Step    Step
	Steps   []StepTime
	Cursor  string        `json:",omitempty"` // how far a step that goes through many things has come; only its runner reads it
	Lease   Lease         `json:",omitzero"`
	Cancel  *Cancellation `json:",omitempty"` // nil: nobody asked
	Failure *Failure
	Log     string `json:",omitempty"` // id of its log; "" is the id of the work itself
}

// Lease is who runs the work, and until when no other may take it over. The zero value: it is free.
type Lease struct {
	Holder string // id of the server
	Until  time.Time
}

// Cancellation is a wish that the work stops. It is durable: a restart does not forget it.
type Cancellation struct {
	By  Actor
	At  time.Time
	Why string `json:",omitempty"`
}

// Step is a stage of work. Those of a deployment come in a fixed order, which the UI's deploy track shows.
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

// Failure explains in plain words why work failed: what happened, the suggested fix, the lines of output that show it.
type Failure struct {
	Kind         Kind     `json:"kind"`
	Step         Step     `json:"step"`
	Message      string   `json:"message"`
	Hint         string   `json:"hint,omitempty"`
	Lines        []string `json:"lines,omitempty"`
	StillServing string   `json:"still_serving,omitempty"` // what visitors still see
}
