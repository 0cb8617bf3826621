package ui

import (
	"fmt"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

// AppFrame is the head that all pages of one app share: name, status, tabs.
type AppFrame struct {
	App App
	Tab string // "overview", "logs", "variables", "settings"
}

// AppPage is one app's overview.
type AppPage struct {
	Shell
	AppFrame
	Deploy   *Deploy // to show large: it runs, or it failed, or it went live just now
	Output   []Line  // its last lines
	Versions []Deploy
	Total    int // versions there are; Versions may hold fewer
	Push     *GitBlock
	Remote   string // git address without a key
	Branch   string // deploys from it by themselves
	Form
}

// More reports whether there are versions that the overview leaves out.
func (p AppPage) More() bool { return p.Total > len(p.Versions) }

// AllVersionsPage lists every version.
type AllVersionsPage struct {
	Shell
	AppFrame
	Versions []Deploy
}

// More is for the list that both pages share: here nothing is left out.
func (p AllVersionsPage) More() bool { return false }

// NewVersionPage offers the ways to bring a new version of an app.
type NewVersionPage struct {
	Shell
	AppFrame
	Form      // field: file
	MaxUpload int64
	Push      *GitBlock
	Branch    string
}

// DeployPage is one attempt to bring a version online, with all its output.
type DeployPage struct {
	Shell
	AppFrame
	Deploy Deploy
	Lines  []Line
	Cut    bool // there was more output than is shown
}

// Again reports whether trying the same thing once more makes sense.
func (p DeployPage) Again() bool {
	return p.Deploy.Failed() || p.Deploy.Status == paas.StatusCancelled || p.Deploy.Status == paas.Superseded
}

// Keeps lists what stays safe, true by construction.
func (d Deploy) Keeps() []string {
	if d.Before == 0 {
		return []string{"Nothing is online yet, so no visitor is affected", "Your code is kept, nothing needs to be sent again"}
	}
	return []string{
		fmt.Sprintf("v%d stays live until a new version is healthy", d.Before),
		"Variables and settings are as they were",
	}
}

// LinesTitle stands above the log.
func (p DeployPage) LinesTitle() string {
	if p.Deploy.builds() {
		return "Build output"
	}
	return "Output"
}

// Fact is one line of "About this app".
type Fact struct{ Label, Text, Href string }

// About are the facts that do not change by the minute.
func (p AppPage) About() []Fact {
	a := p.App
	var out []Fact
	if s := a.Stack(); s != "" {
		out = append(out, Fact{Label: "Made of", Text: s})
	}
	if a.Project != "" && a.Project != a.Name {
		out = append(out, Fact{Label: "Project", Text: a.Project})
	}
	if a.Source.URL != "" {
		out = append(out, Fact{Label: "Code", Text: a.Source.URL})
	}
	if a.Plan != nil && a.Plan.StartCommand != "" {
		out = append(out, Fact{Label: "Starts with", Text: a.Plan.StartCommand})
	}
	if a.Plan != nil && len(a.Plan.Processes) > 1 {
		for _, pr := range a.Plan.Processes {
			if pr.Type != "web" {
				out = append(out, Fact{Label: "Worker", Text: pr.Type + ": " + pr.Command})
			}
		}
	}
	if a.Plan != nil && a.Plan.Static != nil {
		out = append(out, Fact{Label: "Served as", Text: "files, nothing has to run"})
	} else if a.Live != nil {
		l := a.Live.Limits.WithDefaults()
		out = append(out, Fact{Label: "Size", Text: size(l)})
	}
	return out
}

func size(l paas.Limits) string {
	cpus := "1 processor"
	if l.CPUs != 1 {
		cpus = fmt.Sprintf("%.4g processors", l.CPUs)
	}
	return bytesOf(int64(l.MemoryMB)<<20) + ", " + cpus
}

// Line is one line of output.
type Line struct {
	N      int
	At     time.Time
	From   string // "web.1", or the step of a deployment
	Text   string
	Marked bool   // it shows the problem
	Level  string // "err", "wrn" or ""
}
