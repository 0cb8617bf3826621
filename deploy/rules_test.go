package deploy

import (
	"net/netip"
	"testing"
	"time"
	"unicode"

	"github.com/cloudsania/cloudsania/paas"
)

func TestFreePool(t *testing.T) {
	used := []netip.Prefix{netip.MustParsePrefix("10.64.0.0/10")}
	p, ok := freePool(used, 0)
	if !ok || used[0].Overlaps(p) || p.Bits() != poolBits {
		t.Errorf("freePool = %v %v", p, ok)
	}
	if _, ok := freePool([]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, 7); ok {
		t.Error("found a pool where there is none")
	}
	a, _ := freePool(nil, 1)
	b, _ := freePool(nil, 2)
	if a == b {
		t.Error("two installations choose the same pool")
	}
}

func TestCleanLine(t *testing.T) {
	for in, want := range map[string]string{
		"plain":              "plain",
		"\x1b[31mred\x1b[0m": "red",
		"\x1b]8;;http://evil\x07link\x1b]8;;\x07": "link",
		"10%\r20%\r100%":    "100%",
		"tab\there":         "tab here",
		"bell\x07 null\x00": "bell null",
		"a\u202eb":          "ab",
		"\x1b":              "",
	} {
		if got := cleanLine(in); got != want {
			t.Errorf("cleanLine(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzCleanLine(f *testing.F) {
	f.Add("\x1b[38;5;1mx\x1b]0;t\x1b\\y\r")
	f.Fuzz(func(t *testing.T, s string) {
		for _, r := range cleanLine(s) {
			if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
				t.Errorf("cleanLine(%q) keeps %q", s, r)
			}
		}
	})
}

func TestCrashLoopIsNoticed(t *testing.T) {
	c, now := newCrashes(), time.Now()
	for n := range crashLimit {
		if c.count("ins", now.Add(time.Duration(n)*time.Second)) {
			t.Fatalf("end %d counts as a loop", n+1)
		}
	}
	if !c.count("ins", now.Add(time.Minute)) || !c.resting("ins") || c.resting("other") {
		t.Error("a loop is not noticed")
	}
	for n := range 3 * crashLimit {
		if c.count("slow", now.Add(time.Duration(n)*2*time.Minute)) {
			t.Error("an end every two minutes counts as a loop")
		}
	}
}

func TestDrained(t *testing.T) {
	d := New(Options{})
	inst := paas.Instance{ID: "i", Process: "web", DrainedFrom: time.Now(), DrainGeneration: 5}
	old := inst
	old.DrainedFrom = time.Now().Add(-25 * time.Hour)
	worker := inst
	worker.Process = "worker"
	for _, tt := range []struct {
		name  string
		inst  paas.Instance
		edges []paas.EdgeStatus
		want  bool
	}{
		{"nobody on it", inst, []paas.EdgeStatus{{Generation: 5}}, true},
		{"a stream on it", inst, []paas.EdgeStatus{{Generation: 5, Active: map[string]int{"i": 1}}}, false},
		{"an edge has an old table", inst, []paas.EdgeStatus{{Generation: 9}, {Generation: 4}}, false},
		{"an older edge that drains holds a stream", inst, []paas.EdgeStatus{{Generation: 5}, {Generation: 5, Draining: true, Active: map[string]int{"i": 2}}}, false},
		{"no edge answers", inst, nil, false},
		{"a worker gets no requests", worker, nil, true},
		{"at the cap", old, []paas.EdgeStatus{{Generation: 5, Active: map[string]int{"i": 1}}}, true},
	} {
		if got := d.drained(tt.inst, tt.edges); got != tt.want {
			t.Errorf("%s: drained = %v", tt.name, got)
		}
	}
}
