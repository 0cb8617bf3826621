package control

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/disk"
	"github.com/cloudsania/cloudsania/paas"
)

const healthTimeout = 3 * time.Second // for each part that is asked how it stands

// Health asks the parts around control how they stand. Nil functions are parts that nobody knows of.
type Health struct {
	Docker  func(ctx context.Context) (version, api string, err error)
	Edges   func(ctx context.Context) ([]paas.EdgeStatus, error)
	Builder func() BuilderStatus
}

// BuilderStatus is how far this server is with getting ready for builds.
type BuilderStatus struct {
	Ready         bool
	Step, Message string
	Percent       int
	Err           error
}

// SystemState is how this installation stands.
type SystemState struct {
	Installation      string
	Started           time.Time
	DiskTotal, Free   int64 // bytes of the file system that holds the data directory
	Memory            Memory
	Engine, EngineAPI string // Docker's versions
	EngineErr         error
	Edges             []Edge
	Builder           BuilderStatus
}

// Memory in bytes. Control is the proportional set size of this process; zero fields are unknown.
type Memory struct{ Control, Total, Available int64 }

// Edge is one edge process.
type Edge struct {
	paas.EdgeStatus
	Memory int64 // bytes, proportional set size; 0 when unknown
}

// System is what can be asked of the installation itself.
type System struct{ control *Control }

// State is how this installation stands now.
func (sys System) State(ctx context.Context, by access.Principal) (out SystemState, err error) {
	where, err := sys.control.Installation()
	if err != nil {
		return out, err
	}
	if err := access.Authorize(by, access.SystemRead, where); err != nil {
		return out, err
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	out = SystemState{Installation: sys.control.store.Settings().Installation, Started: sys.control.started, Memory: memory(), Builder: sys.Builder()}
	if out.DiskTotal, out.Free, err = disk.Free(sys.control.data); err != nil {
		return out, err
	}
	if sys.control.health.Docker == nil {
		out.EngineErr = fmt.Errorf("nobody knows")
	} else {
		out.Engine, out.EngineAPI, out.EngineErr = sys.control.health.Docker(ctx)
	}
	edges, err := sys.edges(ctx)
	if err != nil {
		return out, nil // an empty list says that none answers
	}
	for _, e := range edges {
		out.Edges = append(out.Edges, Edge{EdgeStatus: e, Memory: pss(strconv.Itoa(e.PID))})
	}
	return out, nil
}

// Builder is how far the server is with getting ready for builds.
func (sys System) Builder() BuilderStatus {
	if sys.control.health.Builder == nil {
		return BuilderStatus{Ready: true}
	}
	return sys.control.health.Builder()
}

func (sys System) edges(ctx context.Context) ([]paas.EdgeStatus, error) {
	if sys.control.health.Edges == nil {
		return nil, nil
	}
	return sys.control.health.Edges(ctx)
}

// SelfSigned reports whether the edge shows visitors a certificate of its own making.
func (sys System) SelfSigned(ctx context.Context) bool {
	if !strings.HasPrefix(sys.Origin(), "https://") {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	edges, err := sys.edges(ctx)
	if err != nil {
		return false
	}
	for _, e := range edges {
		if e.Fingerprint != "" {
			return true
		}
	}
	return false
}

// Origin is the address of the dashboard; every link is built from it, never from a request's Host.
func (sys System) Origin() string { return sys.control.site.Origin(sys.control.site.Domain) }

// Domain is BASE: apps live at <app>.BASE.
func (sys System) Domain() string { return sys.control.site.Domain }

func memory() Memory {
	total, available := MachineMemory()
	return Memory{Control: pss("self"), Total: total, Available: available}
}

// MachineMemory is what proc(5) says of the machine, in bytes; zero where it does not.
func MachineMemory() (total, available int64) {
	return procField("/proc/meminfo", "MemTotal:"), procField("/proc/meminfo", "MemAvailable:")
}

// pss is a process's share of memory, with what it shares divided among those who share it. 0 when it may not be read. The kernel walks
// all of the process's pages for it, which takes milliseconds.
func pss(pid string) int64 { return procField(fmt.Sprintf("/proc/%s/smaps_rollup", pid), "Pss:") }

// procField finds a "Name:   123 kB" line and returns bytes.
func procField(path, name string) int64 {
	f, err := os.Open(path)
	if err != nil {
		return 0
	}
	defer func() { _ = f.Close() }() // only read
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), name); ok {
			kb, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			if err != nil {
				return 0
			}
			return kb << 10
		}
	}
	return 0
}
