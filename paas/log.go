package paas

import "time"

// LogLine is a line of a deployment's log, or of what an app prints. A deployment's lines are numbered from 0 and belong to a step; an
// app's come from a process on a stream.
type LogLine struct {
	N       int       `json:"-"`
	Time    time.Time `json:"t"`
	Step    Step      `json:"s,omitempty"`
	Process string    `json:"p,omitempty"` // "web"
	Stream  string    `json:"o,omitempty"` // "stdout", "stderr"
	Text    string    `json:"x"`
}

// LogOptions choose lines of what an app prints.
type LogOptions struct {
	Tail   int       // the newest so many of each process
	Since  time.Time // zero: no bound
	Follow bool      // go on with new ones
}
