package cli

import (
	"fmt"
	"io"

	"github.com/cloudsania/cloudsania/api"
)

// finding is one thing that doctor looked at.
type finding struct {
	Name  string `json:"name"`
	State string `json:"state"` // ok, warning, problem
	Text  string `json:"text"`
	Hint  string `json:"hint,omitempty"`
}

// diagnosis is all of them.
type diagnosis struct {
	api.System
	Findings []finding `json:"findings"`
}

const lowDiskBytes = 2 << 30

// examine turns the state of the system into what a person should know.
func examine(s api.System) []finding {
	var out []finding
	add := func(name, state, text, hint string) { out = append(out, finding{name, state, text, hint}) }
	switch {
	case !s.Docker.OK:
		add("docker", "problem", "Docker does not answer: "+s.Docker.Error,
			"start it: systemctl start docker; apps that run in it are down until then")
	case oldEngine(s.Docker.Version):
		add("docker", "warning", "Docker "+s.Docker.Version+" works, but is known to have holes that later versions closed",
			"update it when you can")
	default:
		add("docker", "ok", "Docker "+s.Docker.Version, "")
	}
	live := 0
	for _, e := range s.Edges {
		if !e.Draining {
			live++
			add("edge", "ok", fmt.Sprintf("the edge serves (pid %d, table %d)", e.PID, e.Generation), "")
		}
		for host, cert := range e.Certificates {
			if cert.State == "failed" {
				add("certificate", "warning", host+": "+cert.Error,
					"check that the name points to this server; it is tried again automatically")
			}
		}
	}
	if live == 0 {
		add("edge", "problem", "no edge runs: visitors get no answer",
			"see logs/edge.log in the data directory, or: journalctl -u cloudsania-edge")
	}
	switch {
	case s.Builder.Error != "":
		add("builder", "problem", s.Builder.Error, s.Builder.Hint)
	case !s.Builder.Ready:
		text := fmt.Sprintf("builds are being made ready: %s (%d %%)", s.Builder.Message, s.Builder.Percent)
		add("builder", "warning", text, "the first deploy waits for it")
	default:
		add("builder", "ok", "ready to build", "")
	}
	if s.Disk.Available < lowDiskBytes {
		add("disk", "problem", fmt.Sprintf("%d MB are free", s.Disk.Available>>20), "delete what you do not need")
	} else {
		add("disk", "ok", fmt.Sprintf("%d GB of %d GB are free", s.Disk.Available>>30, s.Disk.Total>>30), "")
	}
	add("memory", "ok", fmt.Sprintf("Cloudsania uses %d MB of %d MB", ownMemory(s)>>20, s.Memory.Total>>20), "")
	return out
}

// oldEngine is a warning, never a refusal: distributions patch old versions.
func oldEngine(v string) bool {
	major := 0
	if _, err := fmt.Sscanf(v, "%d.", &major); err != nil {
		return false
	}
	return major < 29
}

func ownMemory(s api.System) int64 {
	sum := s.Memory.Control
	for _, e := range s.Edges {
		sum += e.Memory
	}
	return sum
}

func writeDiagnosis(w io.Writer, d diagnosis) {
	for _, f := range d.Findings {
		mark := map[string]string{"ok": "ok", "warning": "!", "problem": "X"}[f.State]
		fmt.Fprintf(w, "%s\t%s\t%s\n", mark, f.Name, f.Text)
		if f.Hint != "" {
			fmt.Fprintf(w, "\t\t→ %s\n", f.Hint)
		}
	}
}
