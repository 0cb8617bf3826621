package ui

import (
	"fmt"
	"strings"
	"time"

	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/terminal"
)

// Deploy is a deployment as the pages show it.
type Deploy struct {
	paas.Deployment
	Path     string                      // of its page
	Next     int                         // number that it gets when it succeeds, while Number is 0 and it is not over
	Before   int                         // version that visitors get until it goes live, or got when it failed; 0: none
	IsLive   bool                        // visitors get it now
	Gone     bool                        // its build is no longer kept, so there is no going back to it
	Release  bool                        // it has a release command
	Expected map[paas.Step]time.Duration // how long the steps took the last time
	Now      time.Time
}

// Expect is how long each step of a finished deployment took.
func Expect(d paas.Deployment) map[paas.Step]time.Duration {
	if d.Status != paas.Succeeded {
		return nil
	}
	took := make(map[paas.Step]time.Duration, len(d.Steps))
	for i, s := range d.Steps {
		end := d.Ended
		if i+1 < len(d.Steps) {
			end = d.Steps[i+1].At
		}
		took[s.Step] += end.Sub(s.At)
	}
	return took
}

// Name is "v42", or words while it has no number.
func (d Deploy) Name() string {
	switch {
	case d.Number > 0:
		return fmt.Sprintf("v%d", d.Number)
	case d.Next > 0 && !d.Status.Done():
		return fmt.Sprintf("v%d", d.Next)
	}
	return "the new version"
}

// Title says how it stands.
func (d Deploy) Title() string {
	name := strings.ToUpper(d.Name()[:1]) + d.Name()[1:]
	if d.Number > 0 || d.Next > 0 && !d.Status.Done() {
		name = d.Name()
	}
	switch d.Status {
	case paas.Queued:
		return name + " is waiting its turn"
	case paas.Running:
		return name + " is on its way"
	case paas.Succeeded:
		if d.IsLive {
			return name + " is live"
		}
		return name + " was live"
	case paas.Superseded:
		return "Skipped, because a newer version came in"
	case paas.StatusCancelled:
		return name + " was stopped"
	case paas.Interrupted:
		return name + " was interrupted by a restart"
	}
	return name + " " + failedVerb(d.Deployment)
}

func failedStep(d paas.Deployment) paas.Step {
	if d.Failure != nil && d.Failure.Step != "" {
		return d.Failure.Step
	}
	return d.Step
}

func failedVerb(d paas.Deployment) string {
	switch failedStep(d) {
	case paas.StepQueued, paas.StepSource:
		return "could not be read"
	case paas.StepDetect:
		return "was not recognised"
	case paas.StepBuild:
		return "did not build"
	case paas.StepRelease:
		return "stopped at its release command"
	case paas.StepStart:
		return "did not start"
	case paas.StepHealth:
		return "was not healthy"
	}
	return "could not take over"
}

// failedWord is failedVerb standing alone.
func failedWord(d paas.Deployment) string {
	if d.Status == paas.Interrupted {
		return "Interrupted by a restart"
	}
	v := failedVerb(d)
	return strings.ToUpper(v[:1]) + v[1:]
}

// Crumb is the shortest name that stays true.
func (d Deploy) Crumb() string {
	switch {
	case d.Number > 0 || !d.Status.Done():
		return d.Name()
	case d.Failed():
		return failedWord(d.Deployment)
	case d.Status == paas.Superseded:
		return "Skipped"
	}
	return "Stopped"
}

// State of the attempt itself, not of the app.
func (d Deploy) State() State {
	switch d.Status {
	case paas.Queued, paas.Running:
		return Busy
	case paas.Succeeded:
		return OK
	case paas.StatusFailed:
		return Bad
	case paas.Interrupted:
		return Warn
	}
	return Off
}

// Word stands beside State in lists; "" for versions that simply worked.
func (d Deploy) Word() string {
	switch {
	case d.IsLive:
		return "Live"
	case d.Status == paas.Queued:
		return "Waiting its turn"
	case d.Status == paas.Running:
		return "Going live"
	case d.Status == paas.StatusFailed:
		return failedWord(d.Deployment) + ", never went live"
	case d.Status == paas.Interrupted:
		return "Interrupted by a restart"
	case d.Status == paas.Superseded:
		return "Skipped for a newer one"
	case d.Status == paas.StatusCancelled:
		return "Stopped"
	}
	return ""
}

// Message is what changed, in its author's words.
func (d Deploy) Message() string {
	if d.Source.Message != "" {
		return terminal.Plain(d.Source.Message)
	}
	switch d.Source.Kind {
	case paas.SourceRollback:
		return "Back to an older version"
	case paas.SourceConfig:
		return "Changed variables or settings"
	case paas.SourceUpload:
		return "Upload"
	case paas.SourceExternal:
		return d.Source.URL
	}
	return "No message"
}

// Author is whose change it is: a commit's author, else whoever asked for the deployment.
func (d Deploy) Author() string {
	pushed := d.Source.Kind == paas.SourceGit || d.Source.Kind == paas.SourceExternal
	if pushed && d.Source.Author != "" {
		return terminal.Plain(d.Source.Author)
	}
	if d.Actor.Name != "" {
		return terminal.Plain(d.Actor.Name)
	}
	return "Cloudsania"
}

// How it came: "pushed by Jonas Weber to main".
func (d Deploy) How() string {
	branch := terminal.Plain(d.Source.Branch)
	switch d.Source.Kind {
	case paas.SourceGit:
		if branch != "" {
			return "pushed by " + d.Author() + " to " + branch
		}
		return "pushed by " + d.Author()
	case paas.SourceExternal:
		if branch != "" {
			return "fetched from branch " + branch
		}
		return "fetched from its repository"
	case paas.SourceUpload:
		return "uploaded by " + d.Author()
	case paas.SourceRollback:
		return "rolled back by " + d.Author()
	}
	return "changed by " + d.Author()
}

// Took is how long it has run, or ran.
func (d Deploy) Took() time.Duration {
	if d.Ended.IsZero() {
		return d.Now.Sub(d.Created)
	}
	return d.Ended.Sub(d.Created)
}

// Left is a rough guess of what remains, in words; "" when there is nothing to guess from.
func (d Deploy) Left() string {
	if d.Status != paas.Running || len(d.Expected) == 0 {
		return ""
	}
	var left time.Duration
	for _, n := range d.nodes() {
		expected := d.expected(n)
		switch d.nodeState(n) {
		case "todo":
			left += expected
		case "now":
			left += max(0, expected-d.spent(n))
		}
	}
	if left < 5*time.Second {
		return "a few seconds left"
	}
	return "about " + lasted(left.Round(5*time.Second)) + " left"
}

// Returnable reports whether somebody may go back to it.
func (d Deploy) Returnable() bool {
	return d.Status == paas.Succeeded && !d.IsLive && !d.Gone && d.Number > 0
}

// Stoppable reports whether it can still be stopped.
func (d Deploy) Stoppable() bool { return !d.Status.Done() && d.Step != paas.StepSwitch }

// Failed reports whether it ended badly and somebody should know why.
func (d Deploy) Failed() bool { return d.Status == paas.StatusFailed || d.Status == paas.Interrupted }

// Safe is the sentence that says what visitors get. It holds by construction: nothing but the last step changes what is live.
func (d Deploy) Safe() string {
	old := fmt.Sprintf("v%d", d.Before)
	switch {
	case d.Status == paas.Succeeded && d.IsLive:
		return d.Name() + " is live for everyone."
	case d.Status == paas.Succeeded:
		return d.Name() + " went live."
	case d.Status.Done() && d.Before > 0:
		return "Visitors still see " + old + "."
	case d.Status.Done():
		return "Nothing is online yet, so no visitor is affected."
	case d.Step == paas.StepSwitch && d.Before > 0:
		return d.Name() + " is healthy. New visitors move across now."
	case d.Before > 0:
		return "Your live app is untouched until " + d.Name() + " is healthy."
	}
	return "This is the first version. It goes online as soon as it is healthy."
}

// SafeMore is the second half of Safe.
func (d Deploy) SafeMore() string {
	old := fmt.Sprintf("v%d", d.Before)
	switch {
	case d.Status == paas.Succeeded && d.IsLive && d.Before > 0:
		return old + " is kept ready, so you can go back within seconds."
	case d.Status.Done() || d.Before == 0:
		return ""
	case d.Step == paas.StepSwitch:
		return old + " finishes the requests that it already has."
	}
	return "If a check fails, " + d.Name() + " is thrown away and nobody notices."
}

// NewShare is the percentage of new visitors who get this version.
func (d Deploy) NewShare() int {
	if d.Status == paas.Succeeded {
		return 100
	}
	return 0
}
