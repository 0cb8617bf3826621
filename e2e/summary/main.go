// Command summary tells what a log of `go test -json` says: how long each package took, which tests failed and what they printed. With
// -total it tells of all logs together which tests failed, which were the slowest, and how many there were. It exits with 1 when
// something failed.
package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

const (
	slowest  = 10
	mostSaid = 200 // lines of one failed test: the end says why
)

func main() {
	total := flag.Bool("total", false, "what all logs say together, without what tests printed")
	flag.Parse()
	s := &summary{tests: map[test]*outcome{}}
	for _, name := range flag.Args() {
		if err := s.readFile(name); err != nil {
			fmt.Fprintln(os.Stderr, "error:", err)
			os.Exit(1)
		}
	}
	if *total {
		s.slow(os.Stdout)
		s.names(os.Stdout)
		s.counts(os.Stdout)
	} else {
		s.packages(os.Stdout)
		s.names(os.Stdout)
		s.output(os.Stdout)
	}
	if s.failed > 0 {
		os.Exit(1)
	}
}

// test names one; Name is "" for what a package prints outside of its tests, such as the error of its build.
type test struct{ Package, Name string }

// outcome is how a test ended.
type outcome struct {
	action  string
	seconds float64
	output  []string
}

// event is a line of `go doc test2json`.
type event struct {
	Action      string
	Package     string
	ImportPath  string // of a build
	FailedBuild string
	Test        string
	Elapsed     float64
	Output      string
}

type summary struct {
	tests                   map[test]*outcome
	order                   []test
	passed, failed, skipped int
}

func (s *summary) readFile(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return s.read(f)
}

// read takes lines that are not JSON as what the go command itself says.
func (s *summary) read(r io.Reader) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			e = event{Action: "output", Package: "go test", Output: lines.Text() + "\n"}
		}
		s.take(e)
	}
	return lines.Err()
}

func (s *summary) take(e event) {
	if e.Package == "" {
		e.Package, _, _ = strings.Cut(e.ImportPath, " ")
	}
	o := s.of(test{e.Package, e.Test})
	switch e.Action {
	case "output", "build-output":
		if !noise(e.Output) {
			o.output = append(o.output, e.Output)
		}
	case "build-fail":
		o.action = "fail"
		s.failed++
	case "pass", "fail", "skip":
		o.action, o.seconds = e.Action, e.Elapsed
		s.count(e)
	}
}

// count counts tests, and a package that failed without one of its tests having done so: a panic, a timeout.
func (s *summary) count(e event) {
	switch {
	case e.Test == "" && e.Action == "fail" && e.FailedBuild == "" && !s.anyFailed(e.Package):
		s.failed++
	case e.Test == "":
	case e.Action == "pass":
		s.passed++
	case e.Action == "fail":
		s.failed++
	case e.Action == "skip":
		s.skipped++
	}
}

func (s *summary) anyFailed(pkg string) bool {
	for k, o := range s.tests {
		if k.Package == pkg && k.Name != "" && o.action == "fail" {
			return true
		}
	}
	return false
}

func (s *summary) of(k test) *outcome {
	o := s.tests[k]
	if o == nil {
		o = &outcome{}
		s.tests[k] = o
		s.order = append(s.order, k)
	}
	return o
}

// noise is what the testing package says about tests beginning and pausing.
func noise(line string) bool {
	for _, p := range []string{"=== RUN", "=== PAUSE", "=== CONT", "=== NAME"} {
		if strings.HasPrefix(line, p) {
			return true
		}
	}
	return false
}

// failures are the failed tests and those that a panic or a timeout cut off. A test whose subtest failed is not named beside it, unless
// it said something itself.
func (s *summary) failures() []test {
	var bad []test
	for _, k := range s.order {
		o := s.tests[k]
		cut := o.action == "" && k.Name != "" && s.of(test{Package: k.Package}).action == "fail"
		if (o.action == "fail" || cut) && (k.Name != "" || !s.anyFailed(k.Package)) && !s.onlySubtests(k) {
			bad = append(bad, k)
		}
	}
	return bad
}

func (s *summary) names(w io.Writer) {
	for _, k := range s.failures() {
		fmt.Fprintf(w, "FAIL %s %s\n", short(k.Package), k.Name)
	}
}

func (s *summary) output(w io.Writer) {
	for _, k := range s.failures() {
		lines := s.tests[k].output
		fmt.Fprintf(w, "\n--- %s %s\n%s", short(k.Package), k.Name, strings.Join(lines[max(0, len(lines)-mostSaid):], ""))
	}
}

// packages lists those that have tests.
func (s *summary) packages(w io.Writer) {
	for _, k := range s.order {
		if o := s.tests[k]; k.Name == "" && o.action == "pass" {
			fmt.Fprintf(w, "ok   %-40s %8.1f s\n", short(k.Package), o.seconds)
		}
	}
}

func (s *summary) onlySubtests(k test) bool {
	for other, o := range s.tests {
		if k.Name != "" && o.action == "fail" && other.Package == k.Package && strings.HasPrefix(other.Name, k.Name+"/") {
			return len(s.tests[k].output) <= 1 // its own "--- FAIL"
		}
	}
	return false
}

// slow lists the tests that took the longest; a test counts with its subtests.
func (s *summary) slow(w io.Writer) {
	list := slices.DeleteFunc(slices.Clone(s.order), func(k test) bool { return k.Name == "" || strings.Contains(k.Name, "/") })
	slices.SortStableFunc(list, func(a, b test) int { return cmp.Compare(s.tests[b].seconds, s.tests[a].seconds) })
	fmt.Fprintf(w, "\n%-58s %8s\n", "slowest tests", "seconds")
	for _, k := range list[:min(slowest, len(list))] {
		fmt.Fprintf(w, "%-58s %8.1f\n", short(k.Package)+" "+k.Name, s.tests[k].seconds)
	}
}

func (s *summary) counts(w io.Writer) {
	fmt.Fprintf(w, "\n%d passed, %d failed, %d skipped\n", s.passed, s.failed, s.skipped)
}

// short leaves out the module.
func short(pkg string) string {
	if _, rest, ok := strings.Cut(pkg, "/cloudsania/cloudsania/"); ok {
		return rest
	}
	return pkg
}
