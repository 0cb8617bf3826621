package paas

import (
	"cmp"
	"time"
)

// App is a web process with optional workers: a source and how it is built. What differs between environments is in AppEnvironment.
type App struct {
	ID, Project, Name string
	Source            CodeSource
	Build             AppBuild
	Created           time.Time
	Life
}

// AppBuild is how an app is built in every environment. Empty fields mean "as detected".
type AppBuild struct {
	Root         string `json:"root,omitempty"` // subdirectory of the source, slash separated
	BuildCommand string `json:"build_command,omitempty"`
}

// AppSource is what a person says of where an app's code is: the address of a public repository, and the branch that is deployed.
type AppSource struct {
	URL    string `json:"url,omitempty"`    // empty: the built-in remote or uploads
	Branch string `json:"branch,omitempty"` // empty: main, else master
}

// BuildSettings correct what detection found, for an app in one environment. Empty fields mean "as detected".
type BuildSettings struct {
	Root         string `json:"root,omitempty"` // subdirectory of the source, slash separated
	BuildCommand string `json:"build_command,omitempty"`
	StartCommand string `json:"start_command,omitempty"`
	HealthPath   string `json:"health_path,omitempty"`
}

const maxSettingBytes = 4096

// Setting is one of several, under the name that forms and the API have for it.
type Setting struct{ Name, Value string }

// Settings lists them in the order of pages.
func (b BuildSettings) Settings() []Setting {
	return []Setting{{"root", b.Root}, {"build_command", b.BuildCommand}, {"start_command", b.StartCommand}, {"health_path", b.HealthPath}}
}

// Validate tells whether the settings can be kept.
func (b BuildSettings) Validate() error {
	for _, s := range b.Settings() {
		if len(s.Value) > maxSettingBytes {
			return Invalidf(s.Name, "put long commands into a script of the source", "this is longer than %d characters", maxSettingBytes)
		}
	}
	return nil
}

// SourceIn is where the app's code is for an environment.
func (a App) SourceIn(p AppEnvironment) AppSource {
	return AppSource{URL: a.Source.URL, Branch: p.Branch}
}

// BuildIn is what corrects detection in an environment.
func (a App) BuildIn(p AppEnvironment) BuildSettings {
	return BuildSettings{
		Root: a.Build.Root, BuildCommand: a.Build.BuildCommand, StartCommand: p.Process(WebProcess).Command, HealthPath: p.Health.Path,
	}
}

// OfApp is the part that holds in every environment.
func (b BuildSettings) OfApp() AppBuild { return AppBuild{Root: b.Root, BuildCommand: b.BuildCommand} }

// Apply makes the other part the app environment's.
func (b BuildSettings) Apply(p *AppEnvironment) {
	p.SetProcess(WebProcess, func(s *ProcessSettings) { s.Command = b.StartCommand })
	p.Health.Path = b.HealthPath
}

// Target names an app in an environment, by ids.
type Target struct {
	App, Environment string
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

// or fills the zero fields from other.
func (l Limits) or(other Limits) Limits {
	return Limits{cmp.Or(l.MemoryMB, other.MemoryMB), cmp.Or(l.CPUs, other.CPUs), cmp.Or(l.PIDs, other.PIDs)}
}

// Variable is one environment variable of an app environment. Build ones also reach the build, so changing one means a rebuild. Its value
// is written down, made up by us (Generated), or taken from a service when a release is made (Reference).
type Variable struct {
	Name      string
	Value     Secret
	Reference ServiceKey // zero: none
	Generated bool
	Build     bool
	Readable  bool // its value is no secret: it may be shown
	Shareable bool // copies of the environment get its value too
	Updated   time.Time
	By        string    // id of who changed it last
	Rotated   time.Time // when the value was last replaced for safety; zero: never
}

// ServiceKey names a value that a service gives out: its address, its password.
type ServiceKey struct{ Service, Key string }
