package main

import (
	"fmt"
	"strings"
	"testing"
)

const log = `{"Action":"start","Package":"p/a"}
{"Action":"run","Package":"p/a","Test":"TestGood"}
{"Action":"output","Package":"p/a","Test":"TestGood","Output":"=== RUN   TestGood\n"}
{"Action":"output","Package":"p/a","Test":"TestGood","Output":"chatter\n"}
{"Action":"pass","Package":"p/a","Test":"TestGood","Elapsed":1.5}
{"Action":"output","Package":"p/a","Test":"TestParent","Output":"--- FAIL: TestParent (0.2s)\n"}
{"Action":"output","Package":"p/a","Test":"TestParent/child","Output":"    a_test.go:7: wrong answer\n"}
{"Action":"fail","Package":"p/a","Test":"TestParent/child","Elapsed":0.1}
{"Action":"fail","Package":"p/a","Test":"TestParent","Elapsed":2.25}
{"Action":"skip","Package":"p/a","Test":"TestDocker","Elapsed":0}
{"Action":"fail","Package":"p/a","Elapsed":4}
`

func TestSummary(t *testing.T) {
	for _, tt := range []struct {
		name, log, counts string
		has, hasNot       []string
	}{
		{"a failed subtest", log, "1 passed, 2 failed, 1 skipped", []string{"FAIL p/a TestParent/child\n", "wrong answer"}, []string{"FAIL p/a TestParent\n", "chatter"}},
		{"a failed build", `{"ImportPath":"p/b [p/b.test]","Action":"build-output","Output":"b.go:1: syntax error\n"}
{"ImportPath":"p/b [p/b.test]","Action":"build-fail"}
{"Action":"output","Package":"p/b","Output":"FAIL\tp/b [build failed]\n"}
{"Action":"fail","Package":"p/b","Elapsed":0,"FailedBuild":"p/b [p/b.test]"}`, "0 passed, 1 failed, 0 skipped", []string{"FAIL p/b", "syntax error"}, nil},
		{"a timeout", `{"Action":"run","Package":"p/c","Test":"TestSlow"}
{"Action":"output","Package":"p/c","Test":"TestSlow","Output":"panic: test timed out\n"}
{"Action":"fail","Package":"p/c","Elapsed":900}`, "0 passed, 1 failed, 0 skipped", []string{"FAIL p/c TestSlow", "timed out"}, nil},
		{"words of the go command", "go: cannot find main module\n" + `{"Action":"fail","Package":"go test","Elapsed":0}`, "0 passed, 1 failed, 0 skipped", []string{"cannot find main module"}, nil},
		{"all is well", `{"Action":"pass","Package":"p/d","Test":"TestFine","Elapsed":0.5}
{"Action":"pass","Package":"p/d","Elapsed":1}`, "1 passed, 0 failed, 0 skipped", nil, []string{"FAIL", "---"}},
	} {
		s := &summary{tests: map[test]*outcome{}}
		if err := s.read(strings.NewReader(tt.log)); err != nil {
			t.Fatal(err)
		}
		var failures, counts strings.Builder
		s.names(&failures)
		s.output(&failures)
		s.counts(&counts)
		if strings.TrimSpace(counts.String()) != tt.counts {
			t.Errorf("%s: %s, want %s", tt.name, counts.String(), tt.counts)
		}
		for _, want := range tt.has {
			if !strings.Contains(failures.String(), want) {
				t.Errorf("%s: no %q in\n%s", tt.name, want, failures.String())
			}
		}
		for _, not := range tt.hasNot {
			if strings.Contains(failures.String(), not) {
				t.Errorf("%s: %q in\n%s", tt.name, not, failures.String())
			}
		}
	}
}

func TestSlowestTests(t *testing.T) {
	s := &summary{tests: map[test]*outcome{}}
	if err := s.read(strings.NewReader(log)); err != nil {
		t.Fatal(err)
	}
	for n := range 20 {
		s.take(event{Action: "pass", Package: "p/e", Test: fmt.Sprintf("TestQuick%d", n), Elapsed: 0.01})
	}
	var b strings.Builder
	s.slow(&b)
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != 1+slowest || !strings.Contains(lines[1], "TestParent ") || !strings.Contains(lines[2], "TestGood ") {
		t.Errorf("slowest are\n%s", b.String())
	}
}
