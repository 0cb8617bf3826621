package ui

import (
	"strings"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

// App is an app in one environment as the pages show it: what visitors get now, and how the newest attempt to change that went.
// They are two facts, never one.
type App struct {
	paas.App
	Path       string // of its page: "/apps/shop"
	Address    string // where visitors find it: "https://shop.example.com"
	Project    string // shown only when it is not simply the app's own name
	Repository paas.AppSource
	Settings   paas.BuildSettings
	Plan       *paas.Plan
	Live       *paas.Release    // what visitors get; nil before the first version
	Latest     *paas.Deployment // newest attempt; nil before the first
	Health     Health
	Missing    []paas.Needed // variables that the live code asks for and that are not set
	Load       paas.Load
}

// Health is what visitors get.
type Health struct {
	Down     bool
	Reason   string    // "it needs more memory than its 512 MB limit and keeps restarting"
	Since    time.Time // when it went down
	Starting bool      // it comes back, for instance after a restart of the server
}

// FullName is "project/app" when the app's project has a name of its own.
func (a App) FullName() string {
	if a.Project != "" && a.Project != a.Name {
		return a.Project + "/" + a.Name
	}
	return a.Name
}

// Host is the address without its scheme, for reading.
func (a App) Host() string {
	_, host, ok := strings.Cut(a.Address, "://")
	if !ok {
		return a.Address
	}
	return strings.TrimSuffix(host, "/")
}

// Working reports whether a new version is on its way.
func (a App) Working() bool { return a.Latest != nil && !a.Latest.Status.Done() }

// Stuck reports whether the newest attempt failed.
func (a App) Stuck() bool {
	return a.Latest != nil && (a.Latest.Status == paas.StatusFailed || a.Latest.Status == paas.Interrupted)
}

// Status is what visitors get, as a state and a word.
func (a App) Status() State {
	switch {
	case a.Live == nil && a.Working():
		return Busy
	case a.Live == nil && a.Stuck():
		return Warn
	case a.Live == nil:
		return Off
	case a.Health.Down:
		return Bad
	case a.Health.Starting:
		return Busy
	}
	return OK
}

// StatusWord is the word for Status.
func (a App) StatusWord(now time.Time) string {
	switch {
	case a.Live == nil && a.Working():
		return "First version on its way"
	case a.Live == nil && a.Stuck():
		return "Not online yet"
	case a.Live == nil:
		return "Waiting for code"
	case a.Health.Down && !a.Health.Since.IsZero():
		return "Down " + roughly(now.Sub(a.Health.Since))
	case a.Health.Down:
		return "Down"
	case a.Health.Starting:
		return "Starting"
	}
	return "Healthy"
}

// NeedsYou reports whether a person should look: it is down, or its newest version failed.
func (a App) NeedsYou() bool { return a.Health.Down && a.Live != nil || a.Stuck() }

// Need is an app that wants attention, on every page's side.
type Need struct {
	Name, Path string
	State      State
	Say        string // "Down", "Did not build"
}

// Need is how the app appears on the side.
func (a App) Need() Need {
	if a.Live != nil && a.Health.Down {
		return Need{Name: a.Name, Path: a.Path, State: Bad, Say: "Down"}
	}
	return Need{Name: a.Name, Path: a.LatestPath(), State: Warn, Say: failedWord(*a.Latest)}
}

// LatestPath is the page of the newest attempt.
func (a App) LatestPath() string {
	if a.Latest == nil {
		return a.Path
	}
	return DeployPath(a.Latest.ID)
}

// DeployPath is the page of a deployment.
func DeployPath(id string) string { return "/deploys/" + id }

// Stack is what the app is made of: "Next.js on Node 22".
func (a App) Stack() string {
	if a.Plan == nil {
		return ""
	}
	return stack(*a.Plan)
}
