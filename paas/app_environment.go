package paas

import (
	"maps"
	"path"
	"slices"
	"strings"
	"time"
)

const (
	maxMounts       = 20
	maxDrainCap     = 7 * 24 * time.Hour
	maxGrace        = time.Hour
	maxTrafficParts = 10
)

// WebProcess is the process that gets the traffic.
const WebProcess = "web"

// AppEnvironment is an app in an environment: what differs between production and staging. Numbers of copies, mounts and domains are what
// they are here whatever release is live; the rest goes into the next release.
type AppEnvironment struct {
	Target
	LastNumber  int     // number of the newest release
	VarsVersion int     // grows with every change of the variables
	Traffic     []Share // the live releases; empty before the first
	Branch      string  `json:",omitempty"` // whose pushes are deployed; "" is main, else master
	Limits      Limits  // of each copy whose process has none of its own
	Processes   map[string]ProcessSettings
	Health      HealthCheck
	Drain       DrainSettings
	Mounts      []Mount    `json:",omitempty"`
	Domains     []string   // host names besides <app>.BASE
	AutoDeploy  AutoDeploy `json:",omitzero"`
	Lock        Lock       `json:",omitzero"`
	Sleep       Sleep      `json:",omitzero"`
	Life
}

// Share is the part of the traffic that a live release gets: its weight in the sum of all weights.
type Share struct {
	Release string
	Weight  int
}

// ProcessSettings are how one process of an app runs. A process that has none runs one copy.
type ProcessSettings struct {
	Copies   int           // that run; with Max, the number to begin with
	Min, Max int           `json:",omitempty"` // between which the copies follow the load; 0: they do not
	Command  string        `json:",omitempty"` // instead of the one in the image
	Grace    time.Duration `json:",omitempty"` // between SIGTERM and SIGKILL; 0 takes the default
	Limits   Limits        // zero fields take those of the app environment
}

// HealthCheck is what a copy must answer before it gets traffic.
type HealthCheck struct {
	Path string `json:",omitempty"` // "" is the one that was detected, else /
}

// DrainSettings are how old copies end.
type DrainSettings struct {
	Cap      time.Duration `json:",omitempty"` // after which they are stopped whatever they do; 0 takes the default
	Versions int           `json:",omitempty"` // releases that may drain at once; 0: any number
}

// Mount puts a volume into the copies of a process.
type Mount struct {
	Volume   string // id
	Process  string // "" is every process
	Path     string // in the container, absolute
	ReadOnly bool   `json:",omitempty"`
}

// AutoDeploy says whether a push is deployed. The zero value: it is.
type AutoDeploy struct {
	Paused bool
	By     Actor // who paused it
	Why    string
}

// Lock keeps deployments out: a freeze. The zero value: there is none.
type Lock struct {
	By    Actor
	At    time.Time
	Until time.Time // zero: until it is taken away
	Why   string
}

// Sleep lets an app that nobody asks for rest. The zero value: it never does.
type Sleep struct {
	After time.Duration
}

// Holds reports whether the lock keeps deployments out at that moment.
func (l Lock) Holds(at time.Time) bool {
	return !l.At.IsZero() && (l.Until.IsZero() || at.Before(l.Until))
}

// Live is the release that gets most of the traffic; "" before the first.
func (p AppEnvironment) Live() string {
	live := Share{}
	for _, s := range p.Traffic {
		if s.Weight > live.Weight {
			live = s
		}
	}
	return live.Release
}

// Process is how a process runs.
func (p AppEnvironment) Process(process string) ProcessSettings {
	if s, ok := p.Processes[process]; ok {
		return s
	}
	return ProcessSettings{Copies: 1}
}

// SetProcess changes how a process runs; what it runs like all others is not kept.
func (p *AppEnvironment) SetProcess(process string, fn func(*ProcessSettings)) {
	s := p.Process(process)
	fn(&s)
	p.Processes = maps.Clone(p.Processes)
	if p.Processes == nil {
		p.Processes = map[string]ProcessSettings{}
	}
	if p.Processes[process] = s; s == (ProcessSettings{Copies: 1}) {
		delete(p.Processes, process)
	}
}

// Scale is how many copies each process has that does not run one copy like all others.
func (p AppEnvironment) Scale() map[string]int {
	var out map[string]int
	for process, s := range p.Processes {
		if s.Copies == 1 {
			continue
		}
		if out == nil {
			out = map[string]int{}
		}
		out[process] = s.Copies
	}
	return out
}

// SetScale changes the copies of the processes; one that scale does not name has one.
func (p *AppEnvironment) SetScale(scale map[string]int) {
	for process := range p.Processes {
		if _, ok := scale[process]; !ok {
			p.SetProcess(process, func(s *ProcessSettings) { s.Copies = 1 })
		}
	}
	for process, n := range scale {
		p.SetProcess(process, func(s *ProcessSettings) { s.Copies = n })
	}
}

// LimitsOf a copy of the process, with the defaults filled in.
func (p AppEnvironment) LimitsOf(process string) Limits {
	return p.Process(process).Limits.or(p.Limits).WithDefaults()
}

// Clone shares nothing with the original.
func (p AppEnvironment) Clone() AppEnvironment {
	p.Traffic, p.Mounts, p.Domains = slices.Clone(p.Traffic), slices.Clone(p.Mounts), slices.Clone(p.Domains)
	p.Processes = maps.Clone(p.Processes)
	return p
}

// Validate tells whether the settings can be kept for apps on that machine.
func (p AppEnvironment) Validate(m Machine) error {
	if err := CheckScale(p.Scale()); err != nil {
		return err
	}
	if err := p.Limits.Validate(m); err != nil {
		return err
	}
	for process, s := range p.Processes {
		if err := s.validate(process, m); err != nil {
			return err
		}
	}
	if err := (AppSource{Branch: p.Branch}).Validate(); err != nil {
		return err
	}
	if len(p.Health.Path) > maxSettingBytes {
		return Invalidf("health_path", "give a path such as /healthz", "this is longer than %d characters", maxSettingBytes)
	}
	if p.Drain.Cap < 0 || p.Drain.Cap > maxDrainCap || p.Drain.Versions < 0 {
		return Invalidf("drain", "0 takes the default", "old copies can drain for at most %d days", maxDrainCap/(24*time.Hour))
	}
	if p.Sleep.After < 0 || p.Sleep.After > 0 && p.Sleep.After < time.Minute {
		return Invalidf("sleep", "give at least a minute", "an app cannot rest after %v", p.Sleep.After)
	}
	return p.validateParts()
}

func (p AppEnvironment) validateParts() error {
	if len(p.Traffic) > maxTrafficParts {
		return Invalidf("traffic", "", "at most %d releases can be live at once", maxTrafficParts)
	}
	for _, s := range p.Traffic {
		if s.Release == "" || s.Weight < 1 {
			return Invalidf("traffic", "take the release out instead", "a live release cannot have the weight %d", s.Weight)
		}
	}
	if len(p.Mounts) > maxMounts {
		return Invalidf("mounts", "", "an app can have at most %d mounts", maxMounts)
	}
	for _, m := range p.Mounts {
		if !IsID("vol", m.Volume) || !strings.HasPrefix(m.Path, "/") || path.Clean(m.Path) != m.Path || m.Path == "/" {
			return Invalidf("mounts", "write it like /app/uploads", "a volume cannot be mounted at %q", Clip(m.Path, 100))
		}
	}
	return nil
}

func (s ProcessSettings) validate(process string, m Machine) error {
	if len(s.Command) > maxSettingBytes {
		return Invalidf("start_command", "put long commands into a script of the source", "this is longer than %d characters", maxSettingBytes)
	}
	if s.Min < 0 || s.Max < s.Min || s.Max > maxCopies {
		return Invalidf("scale", "", "the copies of %q cannot follow the load between %d and %d", process, s.Min, s.Max)
	}
	if s.Grace < 0 || s.Grace > maxGrace {
		return Invalidf("grace", "0 takes the default", "a process has at most %v to end", maxGrace)
	}
	return s.Limits.Validate(m)
}
