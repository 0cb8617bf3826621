package ui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

func trackOf(d Deploy) string {
	var out []string
	for _, n := range d.Track() {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s %s", n.Name, n.State, n.Meta)))
	}
	return strings.Join(out, " | ")
}

func TestTrack(t *testing.T) {
	s := sample{now: time.Date(2026, 11, 17, 9, 42, 0, 0, time.UTC)}
	waiting := s.deployment(1, paas.Queued, paas.StepQueued, "m", "a", 8*time.Second, 0)
	waiting.Steps = s.steps(8*time.Second, "queued")
	released := s.running()
	released.Deployment.Step, released.Release = paas.StepRelease, true
	back := s.deployment(43, paas.Running, paas.StepHealth, "Back to v40", "Mara", 3*time.Second, 0)
	back.Source = paas.Source{Kind: paas.SourceRollback, Build: "bld_1"}
	back.Steps = s.steps(3*time.Second, "queued start health", 100*time.Millisecond, time.Second)
	stopped := s.deployment(3, paas.StatusCancelled, paas.StepBuild, "m", "a", time.Minute, 9*time.Second)
	stopped.Steps = s.steps(time.Minute, "queued source build", time.Second, time.Second)
	for _, c := range []struct {
		name string
		d    Deploy
		want string
	}{
		{"waiting", Deploy{Deployment: waiting, Now: s.now}, "Source now waiting | Detect todo | Build todo | Start todo | Health check todo | Switch traffic todo"},
		{"running", s.running(), "Source done 0.8 s | Detect done 0.2 s | Build done 58 s | Start done 2 s | Health check now 4.9 s so far | Switch traffic todo about 1 s"},
		{"failed", s.failed(), "Source done 0.9 s | Detect done 0.2 s | Build fail stopped after 21 s | Start todo | Health check todo | Switch traffic todo"},
		{"rollback builds nothing", Deploy{Deployment: back, Now: s.now}, "Build kept done nothing to build | Start done 1 s | Health check now 1.9 s so far | Switch traffic todo"},
		{"stopped", Deploy{Deployment: stopped, Now: s.now}, "Source done 1 s | Detect done | Build todo | Start todo | Health check todo | Switch traffic todo"},
	} {
		if got := trackOf(c.d); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, got, c.want)
		}
	}
	if got := s.running().Left(); got != "a few seconds left" {
		t.Errorf("left: %q", got)
	}
	early := s.running()
	early.Step, early.Steps = paas.StepSource, early.Steps[:2]
	early.Steps[1].At = s.now
	if got := early.Left(); got != "about 1 min 5 s left" {
		t.Errorf("left at the beginning: %q", got)
	}
	if got := s.running().Where(); got != "Health check, step 5 of 6" {
		t.Errorf("where: %q", got)
	}
}

// TestSafetyIsTrue: what a page says about visitors follows from the deployment's status alone.
func TestSafetyIsTrue(t *testing.T) {
	s := sample{now: time.Now()}
	first := s.running()
	first.Before, first.Next = 0, 1
	firstFailed := s.failed()
	firstFailed.Before = 0
	moving := s.running()
	moving.Step = paas.StepSwitch
	live := Deploy{Deployment: s.deployment(42, paas.Succeeded, paas.StepDone, "", "", time.Minute, time.Second), Before: 41, IsLive: true}
	for _, c := range []struct {
		d           Deploy
		title, safe string
	}{
		{s.running(), "v42 is on its way", "Your live app is untouched until v42 is healthy."},
		{first, "v1 is on its way", "This is the first version. It goes online as soon as it is healthy."},
		{moving, "v42 is on its way", "v42 is healthy. New visitors move across now."},
		{live, "v42 is live", "v42 is live for everyone."},
		{s.failed(), "The new version did not build", "Visitors still see v57."},
		{firstFailed, "The new version did not build", "Nothing is online yet, so no visitor is affected."},
	} {
		if c.d.Title() != c.title || c.d.Safe() != c.safe {
			t.Errorf("%q, %q; want %q, %q", c.d.Title(), c.d.Safe(), c.title, c.safe)
		}
	}
	if moving.Stoppable() || !s.running().Stoppable() || s.failed().Stoppable() {
		t.Error("only what has not switched yet can be stopped")
	}
}

func TestFailureNamesItsStep(t *testing.T) {
	for step, want := range map[paas.Step]string{
		paas.StepSource: "Could not be read", paas.StepDetect: "Was not recognised", paas.StepBuild: "Did not build", paas.StepRelease: "Stopped at its release command",
		paas.StepStart: "Did not start", paas.StepHealth: "Was not healthy", paas.StepSwitch: "Could not take over",
	} {
		if got := failedWord(paas.Deployment{Status: paas.StatusFailed, Work: paas.Work{Failure: &paas.Failure{Step: step}}}); got != want {
			t.Errorf("%s: %q, want %q", step, got, want)
		}
	}
}
