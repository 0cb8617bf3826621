package ui

import "time"

// Shell is the frame of every page for people who are signed in.
type Shell struct {
	Title    string
	Current  string // "apps", "keys", "audit", "account": the place in the navigation
	Crumbs   []Crumb
	User     Person
	Team     string
	AppCount int
	Needs    []Need
	Flash    []Flash
	Version  string
	Use      Use
	Builder  BuilderState
	Stream   string // address of the server-sent events that keep this page up to date; "" when nothing on it changes
	Scripts  []string
	Now      time.Time // when the page was made; every "ago" counts from here
}

func (s Shell) frame() (string, *Shell) { return "layout", &s }

// Person is who looks at the page.
type Person struct{ Name, Email string }

// Crumb is one step of the path to the page. The last has no Path.
type Crumb struct{ Text, Path string }

// Back is the nearest crumb that leads somewhere, for the phone's back button.
func (s Shell) Back() *Crumb {
	for i := len(s.Crumbs) - 2; i >= 0; i-- {
		if s.Crumbs[i].Path != "" {
			return &s.Crumbs[i]
		}
	}
	return nil
}

// Place is the last crumb's text.
func (s Shell) Place() string {
	if len(s.Crumbs) == 0 {
		return s.Title
	}
	return s.Crumbs[len(s.Crumbs)-1].Text
}

// Flash is the report of what was just done, shown once.
type Flash struct {
	Text string
	Bad  bool
}

// Use is how full this server is. The zero value shows nothing.
type Use struct{ MemoryUsed, MemoryTotal int64 }

// Percent of the memory in use.
func (u Use) Percent() float64 {
	if u.MemoryTotal <= 0 {
		return 0
	}
	return float64(u.MemoryUsed) * 100 / float64(u.MemoryTotal)
}

// BuilderState is how far this server is with getting ready for builds. The zero value is ready.
type BuilderState struct {
	Preparing bool
	Message   string // what happens just now
	Percent   int
	Failed    string // why it cannot build, in plain words
	Hint      string
}

// Bare is the frame of pages before signing in: claim, sign-in, errors, recovery.
type Bare struct {
	Title   string
	Scripts []string
	Flash   []Flash
}

func (b Bare) frame() (string, *Shell) {
	return "bare", &Shell{Title: b.Title, Scripts: b.Scripts, Flash: b.Flash}
}

// State is one of five ways a thing can stand; each has a shape, a word and a colour.
type State string

// The states.
const (
	OK   State = "ok"
	Warn State = "warn"
	Bad  State = "bad"
	Busy State = "busy"
	Off  State = "off"
)
