package ui

import (
	"slices"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

func TestFleetSentence(t *testing.T) {
	s := sample{now: time.Now()}
	up := s.app("a", nil, s.release(1), nil)
	down := up
	down.Health.Down = true
	never := s.app("shop", nil, nil, nil)
	fail := s.failed()
	stuck := s.app("b", nil, s.release(57), &fail.Deployment)
	for _, c := range []struct {
		apps []App
		want string
	}{
		{[]App{up}, "Your app is up."},
		{[]App{down}, "Your app is down. One needs you."},
		{[]App{up, up}, "Both of your apps are up."},
		{[]App{up, up, up}, "All 3 apps are up."},
		{[]App{up, down, down}, "1 of 3 apps are up. Two need you."},
		{[]App{up, stuck}, "Both of your apps are up. One needs you."},
		{[]App{never}, "shop is not online yet."},
		{[]App{never, never}, "None of your 2 apps is online yet."},
		{[]App{never, up}, "a is up."},
		{[]App{never, down}, "a is down. One needs you."},
		{[]App{never, up, up}, "2 apps are up."},
	} {
		p := FleetPage{Apps: c.apps}
		got := p.Say()
		if call := p.Call(); call != "" {
			got += " " + call
		}
		if got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func TestAppStatus(t *testing.T) {
	s := sample{now: time.Now()}
	run, fail := s.running().Deployment, s.failed().Deployment
	for _, c := range []struct {
		app   App
		state State
		word  string
	}{
		{App{}, Off, "Waiting for code"},
		{App{Latest: &run}, Busy, "First version on its way"},
		{App{Latest: &fail}, Warn, "Not online yet"},
		{App{Live: s.release(1), Latest: &fail}, OK, "Healthy"},
		{App{Live: s.release(1), Latest: &run}, OK, "Healthy"},
		{App{Live: s.release(1), Health: Health{Down: true, Since: s.ago(4 * time.Minute)}}, Bad, "Down 4 min"},
		{App{Live: s.release(1), Health: Health{Starting: true}}, Busy, "Starting"},
	} {
		if c.app.Status() != c.state || c.app.StatusWord(s.now) != c.word {
			t.Errorf("%s %q, want %s %q", c.app.Status(), c.app.StatusWord(s.now), c.state, c.word)
		}
	}
}

func TestStack(t *testing.T) {
	for _, c := range []struct {
		plan               paas.Plan
		stack, title, tile string
	}{
		{nextPlan, "Next.js on Node 22", "A Next.js app", "Nx"},
		{paas.Plan{Language: "python", Framework: "FastAPI", Runtimes: []paas.Runtime{{Name: "uv"}, {Name: "python", Constraint: ">=3.11,<3.13"}}}, "FastAPI on Python 3.11", "A FastAPI app", "FA"},
		{paas.Plan{Language: "go", Runtimes: []paas.Runtime{{Name: "go", Version: "1.26.1"}}}, "Go 1.26", "A Go app", "Go"},
		{paas.Plan{Language: "static", Static: &paas.Static{Dir: "."}}, "Static site", "A static site", "St"},
		{paas.Plan{Language: "node", Framework: "Vite + React", Static: &paas.Static{Dir: "dist", Built: true}}, "Vite + React, static", "A Vite + React site", "Vi"},
		{paas.Plan{Language: "node", Framework: "Astro", Static: &paas.Static{Dir: "dist", Built: true}}, "Astro, static", "An Astro site", "As"},
		{paas.Plan{}, "", "An app", ""},
	} {
		f := Found{Plan: c.plan}
		if stack(c.plan) != c.stack || f.Title() != c.title {
			t.Errorf("%q, %q; want %q, %q", stack(c.plan), f.Title(), c.stack, c.title)
		}
		if c.tile != "" && f.Tile() != c.tile {
			t.Errorf("%s: tile %q, want %q", c.stack, f.Tile(), c.tile)
		}
	}
}

func TestDescribe(t *testing.T) {
	for _, c := range []struct {
		e                  paas.Event
		app                string
		verb, object, more string
	}{
		{paas.Event{Action: "variables.changed", Detail: map[string]string{"set": "A B", "unset": "C"}}, "shop", "changed variables of", "shop", "Set A, B. Removed C"},
		{paas.Event{Action: "deployment.succeeded", Detail: map[string]string{"number": "4"}}, "shop", "brought online", "shop v4", ""},
		{paas.Event{Action: "deployment.failed", Detail: map[string]string{"number": "0", "message": "it exits at once"}}, "shop", "could not bring online", "shop", "It exits at once."},
		{paas.Event{Action: "app.updated", Before: map[string]string{"root": "", "build_command": "make"}, After: map[string]string{"root": "web", "build_command": ""}},
			"shop", "changed settings of", "shop", "build command the default, root “web”"},
		{paas.Event{Action: "app.updated", Detail: map[string]string{"root": `"" → "web"`}}, "shop", "changed settings of", "shop", `root "" → "web"`},
		{paas.Event{Action: "app.deleted", Detail: map[string]string{"name": "shop"}}, "", "deleted", "shop", ""},
		{paas.Event{Action: "token.created", Detail: map[string]string{"name": "laptop"}}, "", "created the key", "laptop", ""},
		{paas.Event{Action: "user.created", Actor: paas.Actor{Kind: paas.ActorClaim, Name: "Ada"}}, "", "became the owner of", "this server", ""},
		{paas.Event{Action: "session.refused", Detail: map[string]string{"why": "the password is wrong"}}, "", "could not sign in", "", "The password is wrong."},
		{paas.Event{Action: "app.updated", Detail: map[string]string{"root": `"" → "web"`, "branch": `"a" → "b"`}}, "shop", "changed settings of", "shop", `branch "a" → "b", root "" → "web"`},
		{paas.Event{Action: "instance.crashing", Detail: map[string]string{"process": "web", "exit_code": "137"}}, "shop", "found that it keeps crashing:", "shop", "Process web, exit code 137"},
		{paas.Event{Action: "backup.made_up"}, "shop", "backup made up", "shop", ""},
		{paas.Event{Action: "deployment.queued", Detail: map[string]string{"source": "git", "commit": "c41d9e2f7a"}}, "shop", "asked for a deploy of", "shop", "Pushed c41d9e2"},
	} {
		got := Describe(c.e, c.app)
		if got.Verb != c.verb || got.Object != c.object || got.More != c.more {
			t.Errorf("%s: %q %q %q", c.e.Action, got.Verb, got.Object, got.More)
		}
	}
}

// Whoever adds an event also says how it reads.
func TestEveryEventHasItsPhrase(t *testing.T) {
	for _, name := range paas.EventNames() {
		if p := phrases[name]; p.verb == "" {
			t.Errorf("%s has no phrase", name)
		}
	}
	for name := range phrases {
		if !slices.Contains(paas.EventNames(), name) {
			t.Errorf("%s has a phrase and never happens", name)
		}
	}
}

func TestLevelOf(t *testing.T) {
	for text, want := range map[string]string{
		"error payment failed": "err", "[WARN] slow": "wrn", "info: no error here": "", "Traceback (most recent call last):": "err", "terrors": "", "GET / 200": "",
	} {
		if got := LevelOf(text); got != want {
			t.Errorf("LevelOf(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestFormErrorsStandBesideTheirField(t *testing.T) {
	f := Form{Errors: []*paas.Error{{Field: "name", Msg: "a"}, {Msg: "b"}, {Field: "elsewhere", Msg: "c"}}}
	if f.Err("name").Msg != "a" || f.Err("email") != nil || f.Err("") != nil {
		t.Error("an error is beside the wrong field")
	}
	if g := f.General("name", "email"); len(g) != 2 || g[0].Msg != "b" || g[1].Msg != "c" {
		t.Errorf("above the form: %v", g)
	}
	if _, err := field(f, "x", "X", "colour=red"); err == nil {
		t.Error("an unknown option passes")
	}
	if in, err := field(Form{Values: map[string]string{"p": "secret"}}, "p", "P", "type=password"); err != nil || in.Value != "" {
		t.Errorf("a password is put back: %q, %v", in.Value, err)
	}
}

func TestAgentName(t *testing.T) {
	for in, want := range map[string]string{
		"Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0":                                                        "Firefox on Linux",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.1 Safari/604.1":     "Safari on iPhone",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0": "Edge on Windows",
		"curl/8.14.1":       "curl",
		"":                  "A browser",
		"<script>Linux":     "A browser on Linux",
		"Mozilla/5.0 Weird": "A browser",
	} {
		if got := AgentName(in); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
}
