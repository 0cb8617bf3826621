package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func TestVerdicts(t *testing.T) {
	for _, c := range []struct {
		what string
		row  row
		want verdict
	}{
		{"below the limit", median("x", seconds, 4, sample{1, 3, 9}, ""), ok},
		{"at the limit", median("x", seconds, 4, sample{4}, ""), ok},
		{"above it", median("x", seconds, 4, sample{1, 4.01, 9}, ""), over},
		{"no limit", median("x", seconds, 0, sample{1}, ""), noTarget},
		{"the highest counts, not the middle", worst("x", megabytes, 300, sample{1, 2, 301}, ""), over},
		{"a burst counts in a mean", whole("x", percent, 1, sample{0, 0, 6}, ""), over},
		{"a quiet time", whole("x", percent, 1, sample{0.2, 0, 0.4}, ""), ok},
	} {
		if c.row.Verdict != c.want {
			t.Errorf("%s: %s, want %s", c.what, c.row.Verdict, c.want)
		}
	}
}

func TestMarkdown(t *testing.T) {
	r := &report{Rows: []row{
		median("push", seconds, 4, sample{3, 2.5, 3.501}, "build 1.90 s"),
		worst("memory", megabytes, 300, sample{100, 120.04}, ""),
		median("install", seconds, 0, sample{88}, ""),
		{What: "a|b", Verdict: notMeasured, Note: "git: exit status 1"},
	}}
	var b bytes.Buffer
	if err := r.markdown(&b); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"| what | target | measured | spread | verdict |",
		"| push (build 1.90 s) | ≤ 4 s | 3.00 s, median of 3 | 2.50–3.50 s | ok |",
		"| memory | ≤ 300 MB | 120.0 MB, highest of 2 | 100.0–120.0 MB | ok |",
		"| install |  | 88.00 s, once |  | no target |",
		`| a\|b (git: exit status 1) |  |  |  | not measured |`,
	} {
		if !strings.Contains(b.String(), line+"\n") {
			t.Errorf("no line %q in\n%s", line, b.String())
		}
	}
}

func TestJSONKeepsEverySample(t *testing.T) {
	r := &report{Options: options{Runs: 2}, Rows: []row{median("push", seconds, 4, sample{3, 2}, "")}}
	var b bytes.Buffer
	if err := r.json(&b); err != nil {
		t.Fatal(err)
	}
	var back report
	if err := json.Unmarshal(b.Bytes(), &back); err != nil {
		t.Fatalf("%v in %s", err, b.String())
	}
	if len(back.Rows) != 1 || len(back.Rows[0].Samples) != 2 || back.Rows[0].Samples[0] != 3 || back.Rows[0].Measured != 2.5 || back.Options.Runs != 2 {
		t.Errorf("came back as %+v", back)
	}
}

func TestExceeded(t *testing.T) {
	r := &report{Rows: []row{median("quick", seconds, 4, sample{3}, ""), slow("page", milliseconds, 30, sample{1, 31}, ""), median("free", seconds, 0, sample{9}, "")}}
	err := r.exceeded()
	if err == nil || err.Error() != "over the target: page: 31.00 ms, p95 of 2, target ≤ 30 ms" {
		t.Errorf("exceeded = %v", err)
	}
	r.Rows = r.Rows[:1]
	if err := r.exceeded(); err != nil {
		t.Errorf("nothing is over: %v", err)
	}
}
