package paas

import (
	"strings"
	"testing"
	"time"
)

func TestProcessesOfAnAppEnvironment(t *testing.T) {
	var p AppEnvironment
	p.SetProcess("web", func(s *ProcessSettings) { s.Command = "node x.js" })
	if web := p.Process("web"); web.Copies != 1 || web.Command != "node x.js" {
		t.Errorf("%+v", web)
	}
	before := p.Clone()
	p.SetScale(map[string]int{"web": 3, "worker": 0, "cron": 1})
	if p.Process("web").Copies != 3 || p.Process("web").Command == "" || p.Process("worker").Copies != 0 || p.Process("mail").Copies != 1 || len(p.Processes) != 2 {
		t.Errorf("%+v", p.Processes)
	}
	if before.Process("web").Copies != 1 {
		t.Error("a clone changes with its original")
	}
	p.SetScale(nil)
	if scale := p.Scale(); len(scale) != 0 {
		t.Errorf("%v", scale)
	}
	BuildSettings{}.Apply(&p)
	if len(p.Processes) != 0 {
		t.Errorf("settings like all others are kept: %+v", p.Processes)
	}
}

func TestLiveReleaseHasMostTraffic(t *testing.T) {
	for want, traffic := range map[string][]Share{"": nil, "a": {{"a", 1}}, "b": {{"a", 5}, {"b", 95}}, "c": {{"c", 50}, {"d", 50}}} {
		if got := (AppEnvironment{Traffic: traffic}).Live(); got != want {
			t.Errorf("%v: %q", traffic, got)
		}
	}
}

func TestLockHolds(t *testing.T) {
	now := time.Now()
	for name, c := range map[string]struct {
		lock Lock
		want bool
	}{
		"none":          {Lock{}, false},
		"without end":   {Lock{At: now}, true},
		"before end":    {Lock{At: now, Until: now.Add(time.Hour)}, true},
		"after its end": {Lock{At: now, Until: now}, false},
	} {
		if c.lock.Holds(now) != c.want {
			t.Errorf("%s: %v", name, !c.want)
		}
	}
}

func TestAppEnvironmentsThatCannotBe(t *testing.T) {
	vol := NewID("vol")
	ok := AppEnvironment{
		Branch: "main", Limits: Limits{MemoryMB: 256}, Mounts: []Mount{{Volume: vol, Path: "/app/uploads"}}, Drain: DrainSettings{Cap: time.Hour},
		Processes: map[string]ProcessSettings{"web": {Copies: 2, Min: 1, Max: 5, Grace: time.Minute}}, Sleep: Sleep{After: time.Hour},
		Traffic: []Share{{"rel_1", 1}},
	}
	if err := ok.Validate(Machine{MemoryMB: 1024, CPUs: 2}); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*AppEnvironment){
		"branch":        func(p *AppEnvironment) { p.Branch = strings.Repeat("x", 1000) },
		"memory":        func(p *AppEnvironment) { p.Limits.MemoryMB = 4096 },
		"memory of one": func(p *AppEnvironment) { p.SetProcess("web", func(s *ProcessSettings) { s.Limits.MemoryMB = 1 }) },
		"copies":        func(p *AppEnvironment) { p.SetScale(map[string]int{"web": 21}) },
		"bounds":        func(p *AppEnvironment) { p.SetProcess("web", func(s *ProcessSettings) { s.Min = 6 }) },
		"grace":         func(p *AppEnvironment) { p.SetProcess("web", func(s *ProcessSettings) { s.Grace = 2 * time.Hour }) },
		"command": func(p *AppEnvironment) {
			p.SetProcess("web", func(s *ProcessSettings) { s.Command = strings.Repeat("x", 5000) })
		},
		"health path":        func(p *AppEnvironment) { p.Health.Path = strings.Repeat("x", 5000) },
		"drain":              func(p *AppEnvironment) { p.Drain.Cap = 365 * 24 * time.Hour },
		"sleep":              func(p *AppEnvironment) { p.Sleep.After = time.Second },
		"mount of no volume": func(p *AppEnvironment) { p.Mounts = []Mount{{Volume: "x", Path: "/x"}} },
		"mount upwards":      func(p *AppEnvironment) { p.Mounts = []Mount{{Volume: vol, Path: "/app/../etc"}} },
		"mount of root":      func(p *AppEnvironment) { p.Mounts = []Mount{{Volume: vol, Path: "/"}} },
		"weight":             func(p *AppEnvironment) { p.Traffic = []Share{{"rel_1", 0}} },
	} {
		p := ok.Clone()
		change(&p)
		if err := p.Validate(Machine{MemoryMB: 1024, CPUs: 2}); !IsKind(err, Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSourcesOfCode(t *testing.T) {
	for name, c := range map[string]struct {
		source CodeSource
		ok     bool
	}{
		"built-in":               {CodeSource{}, true},
		"watched":                {CodeSource{Watch: []string{"web/*", "go.mod"}}, true},
		"address":                {CodeAt("https://example.com/x.git"), true},
		"no address":             {CodeSource{Kind: CodeAddress}, false},
		"another scheme":         {CodeAt("file:///etc"), false},
		"connection":             {CodeSource{Kind: CodeConnection, Connection: "con_1", Repository: "you/x"}, true},
		"half a connection":      {CodeSource{Kind: CodeConnection, Connection: "con_1"}, false},
		"image":                  {CodeSource{Kind: CodeImage, Image: "nginx:1"}, true},
		"upload":                 {CodeSource{Kind: CodeUpload}, true},
		"members of two":         {CodeSource{Kind: CodeImage, Image: "nginx:1", URL: "https://example.com"}, false},
		"unknown":                {CodeSource{Kind: "fax"}, false},
		"a pattern that is none": {CodeSource{Watch: []string{"["}}, false},
	} {
		if err := c.source.Validate(); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBuildInputsHash(t *testing.T) {
	all := BuildInputs{Tree: "t", Plan: "p", Variables: "v", Platform: "linux/amd64"}
	if all.Hash() == "" || (BuildInputs{Tree: "t", Plan: "p", Variables: "v"}).Hash() != "" {
		t.Error("a hash needs what every build has")
	}
	moved := BuildInputs{Tree: "tp", Plan: "", Variables: "v", Platform: "linux/amd64"}
	other := all
	other.Run = "sha256:1"
	if moved.Hash() == all.Hash() || other.Hash() == all.Hash() {
		t.Error("different inputs have one hash")
	}
}
