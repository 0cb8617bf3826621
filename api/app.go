package api

import "time"

// App is an app in one environment. URL and Git are complete addresses.
type App struct {
	ID          string         `json:"id"`
	Name        string         `json:"name"`
	Project     string         `json:"project"`
	Environment string         `json:"environment"`
	URL         string         `json:"url"`
	Git         string         `json:"git"`
	Source      AppSource      `json:"source"`
	Build       BuildSettings  `json:"build"`
	Limits      Limits         `json:"limits"`
	Scale       map[string]int `json:"scale,omitempty"` // copies of each process type; 1 of those that are missing
	Created     time.Time      `json:"created"`
	Live        *Release       `json:"live"`             // null before the first release
	Latest      *Deployment    `json:"latest,omitempty"` // the newest deployment
}

// AppDetail is an app with its newest deployments, newest first.
type AppDetail struct {
	App
	Deployments []Deployment `json:"deployments"`
}

// Apps is a list of apps, by name.
type Apps struct {
	Apps []App `json:"apps"`
}

// AppSource is where an app's code comes from by default.
type AppSource struct {
	URL    string `json:"url,omitempty"`    // external public repository; empty: pushes or uploads
	Branch string `json:"branch,omitempty"` // deploy branch; empty: main, else master
}

// BuildSettings correct what detection found; empty fields mean "as detected".
type BuildSettings struct {
	Root         string `json:"root,omitempty"`          // subdirectory of the source that is the app
	BuildCommand string `json:"build_command,omitempty"` // runs in the build, after the dependencies are installed
	StartCommand string `json:"start_command,omitempty"` // of the web process
	HealthPath   string `json:"health_path,omitempty"`   // must answer before visitors come; begins with "/"
}

// Limits cap one running copy. 0 is the default of this installation.
type Limits struct {
	MemoryMB int     `json:"memory_mb,omitempty"` // MiB; a copy that needs more is ended
	CPUs     float64 `json:"cpus,omitempty"`      // processors: 0.5 is half of one
	PIDs     int     `json:"pids,omitempty"`      // processes and threads
}

// CreateApp asks for a new app. Project "" makes a project named like the app.
type CreateApp struct {
	Name      string        `json:"name"`
	Project   string        `json:"project,omitempty"`
	Source    AppSource     `json:"source,omitzero"`
	Build     BuildSettings `json:"build,omitzero"`
	Variables []SetVariable `json:"variables,omitempty"`
}

// UpdateApp changes what is given and leaves the rest. Limits take effect with a new release, made at once when the app
// is live; Scale takes effect at once, without a release.
type UpdateApp struct {
	Name   *string         `json:"name,omitempty"`
	Source *AppSource      `json:"source,omitempty"`
	Build  *BuildSettings  `json:"build,omitempty"`
	Limits *Limits         `json:"limits,omitempty"`
	Scale  *map[string]int `json:"scale,omitempty"`
}
