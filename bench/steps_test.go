package main

import (
	"encoding/json"
	"testing"
	"time"
)

func TestStepsOfADeployment(t *testing.T) {
	var d deployment
	err := json.Unmarshal([]byte(`{"status":"succeeded","steps":[{"step":"build","at":"2026-01-02T03:04:00Z"},{"step":"start","at":"2026-01-02T03:04:02Z"}],"ended":"2026-01-02T03:04:02.5Z"}`), &d)
	if err != nil {
		t.Fatal(err)
	}
	if got := d.times(); len(got) != 2 || got[0] != (step{"build", 2 * time.Second}) || got[1] != (step{"start", 500 * time.Millisecond}) {
		t.Errorf("times = %v", got)
	}
	d.Ended = nil
	if got := d.times(); len(got) != 1 {
		t.Errorf("a step that has not ended has a length: %v", got)
	}
}

func TestSentenceOfSteps(t *testing.T) {
	of := func(build, source time.Duration) change {
		return change{steps: []step{{"source", source}, {"build", build}}}
	}
	got := sentence([]change{of(time.Second, time.Millisecond), of(3*time.Second, 0), of(2*time.Second, time.Millisecond)})
	if want := "build 2.00 s"; got != want {
		t.Errorf("= %q, want %q", got, want)
	}
}
