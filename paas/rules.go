package paas

import (
	"fmt"
	"strings"
)

const (
	maxURLBytes    = 2000
	maxBranchBytes = 250
	maxCopies      = 20
	maxProcessName = 63

	minMemoryMB = 32
	maxMemoryMB = 1 << 20 // of any machine
	minCPUs     = 0.05
	maxCPUs     = 256 // of any machine
	minPIDs     = 16
	maxPIDs     = 1 << 20
)

// Machine is what the server that runs the apps has; zero fields are unknown and bound nothing.
type Machine struct {
	MemoryMB int
	CPUs     float64
}

// Validate tells whether code can come from there: nothing, or the http(s) address of a public repository.
func (s AppSource) Validate() error {
	if s.URL == "" && s.Branch == "" {
		return nil
	}
	if len(s.Branch) > maxBranchBytes {
		return Invalidf("branch", "check its name", "a branch's name has at most %d characters", maxBranchBytes)
	}
	if s.URL == "" {
		return nil
	}
	if !strings.HasPrefix(s.URL, "https://") && !strings.HasPrefix(s.URL, "http://") || len(s.URL) > maxURLBytes {
		return Invalidf("url", "write it like https://github.com/you/repository", "%q is not the address of a public repository", Clip(s.URL, 100))
	}
	return nil
}

// Trimmed is the source without the blanks that come with pasting.
func (s AppSource) Trimmed() AppSource {
	return AppSource{URL: strings.TrimSpace(s.URL), Branch: strings.TrimSpace(s.Branch)}
}

// Validate tells whether a copy may be that large on the machine. Zero fields take the default.
func (l Limits) Validate(m Machine) error {
	memory, cpus := maxMemoryMB, float64(maxCPUs)
	if m.MemoryMB > 0 {
		memory = max(m.MemoryMB, minMemoryMB)
	}
	if m.CPUs > 0 {
		cpus = m.CPUs
	}
	switch {
	case l.MemoryMB != 0 && l.MemoryMB < minMemoryMB:
		return Invalidf("memory_mb", "give a number such as 512", "an app has at least %d MB of memory", minMemoryMB)
	case l.MemoryMB > memory:
		return Invalidf("memory_mb", "give a number such as 512", "an app can have at most %d MB of memory on this server", memory)
	case l.CPUs != 0 && !(l.CPUs >= minCPUs): // not a number is no number of processors
		return Invalidf("cpus", "give a number such as 0.5 or 2", "an app has at least %g of a processor", minCPUs)
	case l.CPUs > cpus:
		return Invalidf("cpus", "give a number such as 0.5 or 2", "an app can have at most %g processors on this server", cpus)
	case l.PIDs != 0 && (l.PIDs < minPIDs || l.PIDs > maxPIDs):
		return Invalidf("pids", "0 takes the default", "an app can have between %d and %d processes and threads", minPIDs, maxPIDs)
	}
	return nil
}

// CheckScale tells whether each process may have that many copies.
func CheckScale(scale map[string]int) error {
	for process, n := range scale {
		if n < 0 || n > maxCopies || process == "" || len(process) > maxProcessName {
			return Invalidf("scale", fmt.Sprintf("choose between 0 and %d", maxCopies), "%q cannot have %d copies", Clip(process, maxProcessName), n)
		}
	}
	return nil
}

// DeployBranch is the branch whose pushes are deployed.
func (s AppSource) DeployBranch() string {
	if s.Branch != "" {
		return s.Branch
	}
	return DefaultBranch
}

// DefaultBranch is the deploy branch of an app that names none.
const DefaultBranch = "main"

// BuildValues are the variables that reach a build.
func BuildValues(vars []Variable) map[string]Secret {
	out := map[string]Secret{}
	for _, v := range vars {
		if v.Build {
			out[v.Name] = v.Value
		}
	}
	return out
}
