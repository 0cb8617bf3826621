package paas

import "time"

// App is a web process with optional workers: a source and how it is built. What differs between environments is in AppEnvironment.
type App struct {
	ID, Project, Name string
	Source            AppSource
	Build             BuildSettings
	Created           time.Time
	Life
}

// AppSource is where an app's code comes from by default: pushes to the built-in git remote, an external repository, or uploads.
type AppSource struct {
	URL    string `json:"url,omitempty"`    // external public repository; empty: the built-in remote or uploads
	Branch string `json:"branch,omitempty"` // deploy branch; empty: main, else master
}

// BuildSettings correct what detection found. Empty fields mean "as detected".
type BuildSettings struct {
	Root         string `json:"root,omitempty"` // subdirectory of the source, slash separated
	BuildCommand string `json:"build_command,omitempty"`
	StartCommand string `json:"start_command,omitempty"`
	HealthPath   string `json:"health_path,omitempty"`
}

// Target names an app in an environment, by ids.
type Target struct {
	App, Environment string
}

// AppEnvironment is an app in an environment: what differs between production and staging.
type AppEnvironment struct {
	Target
	Live        string // id of the live release; "" before the first
	LastNumber  int    // number of the newest release
	Limits      Limits
	Scale       map[string]int // process type → copies; a type not named has one
	Domains     []string       // host names besides <app>.BASE
	VarsVersion int            // grows with every change of the variables
}

// Limits cap one instance. Zero fields take the defaults of DefaultLimits.
type Limits struct {
	MemoryMB int     `json:"memory_mb,omitempty"` // hard; swap is not added to it
	CPUs     float64 `json:"cpus,omitempty"`
	PIDs     int     `json:"pids,omitempty"`
}

// DefaultLimits fit a small web app on a small server.
var DefaultLimits = Limits{MemoryMB: 512, CPUs: 1, PIDs: 512}

// WithDefaults fills the zero fields.
func (l Limits) WithDefaults() Limits {
	if l.MemoryMB <= 0 {
		l.MemoryMB = DefaultLimits.MemoryMB
	}
	if l.CPUs <= 0 {
		l.CPUs = DefaultLimits.CPUs
	}
	if l.PIDs <= 0 {
		l.PIDs = DefaultLimits.PIDs
	}
	return l
}

// Variable is one environment variable of an app environment. Build ones also reach the build, so changing one means a rebuild.
type Variable struct {
	Name    string
	Value   Secret
	Build   bool
	Updated time.Time
}
