package ui

import (
	"fmt"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

// Node is one stage of the deploy track.
type Node struct {
	Name, Icon, State, Meta string // State: done, now, fail, todo
}

// trackNode gathers steps of a deployment under one name.
type trackNode struct {
	name, icon string
	steps      []paas.Step
}

var (
	nodeSource  = trackNode{"Source", "branch", []paas.Step{paas.StepQueued, paas.StepSource}}
	nodeDetect  = trackNode{"Detect", "wand", []paas.Step{paas.StepDetect}}
	nodeBuild   = trackNode{"Build", "box", []paas.Step{paas.StepBuild}}
	nodeKept    = trackNode{"Build kept", "box", []paas.Step{paas.StepQueued, paas.StepSource, paas.StepDetect, paas.StepBuild}}
	nodeRelease = trackNode{"Release command", "term", []paas.Step{paas.StepRelease}}
	nodeStart   = trackNode{"Start", "rocket", []paas.Step{paas.StepStart}}
	nodeHealth  = trackNode{"Health check", "pulse", []paas.Step{paas.StepHealth}}
	nodeSwitch  = trackNode{"Switch traffic", "route", []paas.Step{paas.StepSwitch}}
)

// nodes are the stages that this deployment goes through: one that builds nothing shows its kept build instead.
func (d Deploy) nodes() []trackNode {
	var out []trackNode
	if d.builds() {
		out = append(out, nodeSource, nodeDetect, nodeBuild)
	} else {
		out = append(out, nodeKept)
	}
	if d.Release {
		out = append(out, nodeRelease)
	}
	return append(out, nodeStart, nodeHealth, nodeSwitch)
}

func (d Deploy) builds() bool {
	for _, s := range d.Steps {
		if s.Step == paas.StepBuild {
			return true
		}
	}
	return d.Source.Build == "" && d.Source.Kind != paas.SourceRollback
}

// stepOrder is the fixed order of the steps.
var stepOrder = map[paas.Step]int{
	paas.StepQueued: 0, paas.StepSource: 1, paas.StepDetect: 2, paas.StepBuild: 3, paas.StepRelease: 4, paas.StepStart: 5,
	paas.StepHealth: 6, paas.StepSwitch: 7, paas.StepDone: 8,
}

func (d Deploy) nodeState(n trackNode) string {
	at := stepOrder[d.Step]
	if d.Failed() {
		at = stepOrder[failedStep(d.Deployment)]
	}
	first, last := stepOrder[n.steps[0]], stepOrder[n.steps[len(n.steps)-1]]
	switch {
	case d.Status == paas.Succeeded || at > last:
		return "done"
	case at < first:
		return "todo"
	case d.Failed():
		return "fail"
	case d.Status.Done():
		return "todo"
	}
	return "now"
}

// spent is the time in a node so far.
func (d Deploy) spent(n trackNode) (sum time.Duration) {
	for i, s := range d.Steps {
		end := d.Ended
		if end.IsZero() {
			end = d.Now
		}
		if i+1 < len(d.Steps) {
			end = d.Steps[i+1].At
		}
		for _, of := range n.steps {
			if s.Step == of && of != paas.StepQueued { // waiting for its turn is no work
				sum += end.Sub(s.At)
			}
		}
	}
	return sum
}

func (d Deploy) expected(n trackNode) (sum time.Duration) {
	for _, s := range n.steps {
		if s != paas.StepQueued {
			sum += d.Expected[s]
		}
	}
	return sum
}

// Track is the row of stages with where it stands.
func (d Deploy) Track() []Node {
	var out []Node
	for _, n := range d.nodes() {
		node := Node{Name: n.name, Icon: n.icon, State: d.nodeState(n)}
		switch node.State {
		case "done":
			node.Icon = "check"
			if spent := d.spent(n); n.name == nodeKept.name {
				node.Meta = "nothing to build"
			} else if spent > 0 {
				node.Meta = lasted(spent)
			}
		case "now":
			node.Meta = lasted(d.spent(n)) + " so far"
			if d.Status == paas.Queued {
				node.Meta = "waiting"
			}
		case "fail":
			node.Icon, node.Meta = "x", "stopped after "+lasted(d.spent(n))
		case "todo":
			if e := d.expected(n); e > 0 && !d.Status.Done() {
				node.Meta = "about " + lasted(e.Round(time.Second))
				if e < time.Second {
					node.Meta = "about 1 s"
				}
			}
		}
		out = append(out, node)
	}
	return out
}

// Where says which stage runs: "Health check, step 5 of 6".
func (d Deploy) Where() string {
	nodes := d.Track()
	for i, n := range nodes {
		if n.State == "now" {
			return fmt.Sprintf("%s, step %d of %d", n.Name, i+1, len(nodes))
		}
	}
	return d.Title()
}
