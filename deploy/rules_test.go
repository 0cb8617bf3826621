package deploy

import (
	"net/netip"
	"testing"
	"time"

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

func TestDrained(t *testing.T) {
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
		if got := drained(tt.inst, tt.edges, 24*time.Hour); got != tt.want {
			t.Errorf("%s: drained = %v", tt.name, got)
		}
	}
}
