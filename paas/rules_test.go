package paas

import (
	"math"
	"strings"
	"testing"
)

func TestLimitsOfTheMachine(t *testing.T) {
	small := Machine{MemoryMB: 1024, CPUs: 2}
	for _, tt := range []struct {
		name  string
		in    Limits
		m     Machine
		field string // that is wrong; "" for fine
	}{
		{"the defaults", Limits{}, small, ""},
		{"the least", Limits{MemoryMB: 32, CPUs: 0.05, PIDs: 16}, small, ""},
		{"all of the machine", Limits{MemoryMB: 1024, CPUs: 2}, small, ""},
		{"too little memory", Limits{MemoryMB: 31}, small, "memory_mb"},
		{"negative memory", Limits{MemoryMB: -1}, small, "memory_mb"},
		{"more memory than there is", Limits{MemoryMB: 1025}, small, "memory_mb"},
		{"an unknown machine", Limits{MemoryMB: 1 << 20, CPUs: 256}, Machine{}, ""},
		{"more than any machine", Limits{MemoryMB: 1<<20 + 1}, Machine{}, "memory_mb"},
		{"more processors than there are", Limits{CPUs: 2.01}, small, "cpus"},
		{"negative processors", Limits{CPUs: -1}, small, "cpus"},
		{"not a number", Limits{CPUs: math.NaN()}, small, "cpus"},
		{"without end", Limits{CPUs: math.Inf(1)}, Machine{}, "cpus"},
		{"hardly a process", Limits{PIDs: 3}, small, "pids"},
	} {
		err := tt.in.Validate(tt.m)
		if (err == nil) != (tt.field == "") || err != nil && Public(err).Field != tt.field {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestSourcesAndSettings(t *testing.T) {
	for _, tt := range []struct {
		name  string
		err   error
		field string
	}{
		{"nothing", AppSource{}.Validate(), ""},
		{"a repository", AppSource{URL: "https://example.com/x.git", Branch: "trunk"}.Validate(), ""},
		{"only a branch, for pushes", AppSource{Branch: "trunk"}.Validate(), ""},
		{"ssh", AppSource{URL: "git@example.com:x.git"}.Validate(), "url"},
		{"a file", AppSource{URL: "file:///etc/passwd"}.Validate(), "url"},
		{"a long address", AppSource{URL: "https://" + strings.Repeat("a", 2000)}.Validate(), "url"},
		{"a long branch", AppSource{Branch: strings.Repeat("a", 251)}.Validate(), "branch"},
		{"blanks around", AppSource{URL: " https://example.com/x ", Branch: " b "}.Trimmed().Validate(), ""},
		{"settings", BuildSettings{Root: "web", BuildCommand: "make"}.Validate(), ""},
		{"a long command", BuildSettings{BuildCommand: strings.Repeat("x", 4097)}.Validate(), "build_command"},
		{"copies", CheckScale(map[string]int{"web": 0, "worker": 20}), ""},
		{"too many copies", CheckScale(map[string]int{"web": 21}), "scale"},
		{"negative copies", CheckScale(map[string]int{"web": -1}), "scale"},
		{"copies of nothing", CheckScale(map[string]int{"": 1}), "scale"},
	} {
		if (tt.err == nil) != (tt.field == "") || tt.err != nil && Public(tt.err).Field != tt.field {
			t.Errorf("%s: %v", tt.name, tt.err)
		}
	}
}

func TestNamesOfFilesAndRepositories(t *testing.T) {
	for file, want := range map[string]string{"My Shop-main.zip": "my-shop-main", "a.tar.gz": "a", "SITE.ZIP": "site", "x": "x", ".zip": "zip", "": ""} {
		if got := NameOfArchive(file); got != want {
			t.Errorf("%q suggests %q, want %q", file, got, want)
		}
	}
	for address, want := range map[string]string{"https://example.com/you/My-Shop.git": "my-shop", "https://example.com/": "", "%": ""} {
		if got := NameOfRepository(address); got != want {
			t.Errorf("%q suggests %q, want %q", address, got, want)
		}
	}
}
