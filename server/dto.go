package server

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/terminal"
)

// The functions here turn nouns into what others see. They copy member by member on purpose: a new field is not public until
// somebody writes it down here.

const masked = "••••••••"

func deploymentDTO(d paas.Deployment, environment, url string) api.Deployment {
	out := api.Deployment{ID: d.ID, App: d.App, Environment: environment, Number: d.Number, Release: d.Release, Status: string(d.Status),
		Step: string(d.Step), Steps: []api.StepTime{}, Source: sourceDTO(d.Source), Actor: actorDTO(d.Actor), Created: d.Created, Ended: when(d.Ended), URL: url}
	for _, s := range d.Steps {
		out.Steps = append(out.Steps, api.StepTime{Step: string(s.Step), At: s.At})
	}
	if f := d.Failure; f != nil {
		out.Failure = &api.Failure{Kind: string(f.Kind), Step: string(f.Step), Message: f.Message, Hint: f.Hint, Lines: slices.Clone(f.Lines), StillServing: f.StillServing}
	}
	return out
}

func sourceDTO(s paas.Source) api.Source {
	return api.Source{Kind: string(s.Kind), Commit: s.Commit, Branch: s.Branch, URL: s.URL, Message: s.Message, Author: s.Author}
}

func actorDTO(a paas.Actor) api.Actor {
	return api.Actor{Kind: string(a.Kind), ID: a.ID, Name: a.Name, Addr: a.Addr}
}

func limitsDTO(l paas.Limits) api.Limits {
	l = l.WithDefaults()
	return api.Limits{MemoryMB: l.MemoryMB, CPUs: l.CPUs, PIDs: l.PIDs}
}

func buildDTO(b paas.BuildSettings) api.BuildSettings {
	return api.BuildSettings{Root: b.Root, BuildCommand: b.BuildCommand, StartCommand: b.StartCommand, HealthPath: b.HealthPath}
}

func buildSettings(b api.BuildSettings) paas.BuildSettings {
	return paas.BuildSettings{Root: b.Root, BuildCommand: b.BuildCommand, StartCommand: b.StartCommand, HealthPath: b.HealthPath}
}

func appSource(s api.AppSource) paas.AppSource { return paas.AppSource{URL: s.URL, Branch: s.Branch} }

func planDTO(p paas.Plan) api.Plan {
	out := api.Plan{Language: p.Language, Framework: p.Framework, PackageManager: p.PackageManager, Packages: p.Packages, Install: p.Install,
		BuildCommand: p.BuildCommand, StartCommand: p.StartCommand, Release: p.Release, HealthPath: p.HealthPath, DocumentRoot: p.DocumentRoot, Warnings: p.Warnings}
	for _, r := range p.Runtimes {
		out.Runtimes = append(out.Runtimes, api.Runtime{Name: r.Name, Version: r.Version, Constraint: r.Constraint, File: r.File})
	}
	for _, x := range p.Processes {
		out.Processes = append(out.Processes, api.Process{Type: x.Type, Command: x.Command, File: x.File})
	}
	if p.Static != nil {
		out.Static = &api.Static{Dir: p.Static.Dir, SPA: p.Static.SPA, Built: p.Static.Built}
	}
	for _, f := range p.Facts {
		out.Facts = append(out.Facts, api.Fact{Text: f.Text, File: f.File})
	}
	return out
}

func neededDTO(needed []paas.Needed) []api.Needed {
	out := []api.Needed{}
	for _, n := range needed {
		out = append(out, api.Needed{Name: n.Name, Description: n.Description, Default: n.Default, Required: n.Required, Generate: n.Generate, File: n.File})
	}
	return out
}

func userDTO(u paas.User) api.User {
	return api.User{ID: u.ID, Name: u.Name, Email: u.Email, Role: string(u.Role), TOTP: u.TOTP, Created: u.Created}
}

func tokenDTO(t paas.Token) api.Token {
	out := api.Token{ID: t.ID, Name: t.Name, App: t.Scope.App, Project: t.Scope.Project, Client: t.Scope.Client, Actions: slices.Clone(t.Actions),
		Created: t.Created, Expires: when(t.Expires), LastUsed: when(t.LastUsed)}
	if out.Actions == nil {
		out.Actions = []string{}
	}
	return out
}

func eventDTO(e paas.Event) api.Event {
	return api.Event{Seq: e.Seq, Time: e.Time, Actor: actorDTO(e.Actor), Action: string(e.Action), Subject: e.Subject, App: e.Path.App, Detail: e.Detail, Hash: e.Hash}
}

// logLineDTO has no colours: what a caller prints is up to its terminal.
func logLineDTO(l paas.LogLine) api.LogLine {
	return api.LogLine{N: l.N, Time: l.Time, Step: string(l.Step), Process: l.Process, Stream: l.Stream,
		Text: terminal.Plain(l.Text)}
}

// when is nil for the zero time.
func when(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// plain makes a program's output safe to print on a terminal: colours (SGR, ECMA-48 8.3.117) stay, every other control sequence and
// character goes, and so do the marks that make text read otherwise than it is (CVE-2021-42574).
func plain(text string) string {
	var out strings.Builder
	for text != "" {
		if n := strings.IndexFunc(text, unsafeRune); n != 0 {
			if n < 0 {
				n = len(text)
			}
			out.WriteString(strings.ToValidUTF8(text[:n], "\uFFFD"))
			text = text[n:]
			continue
		}
		if text[0] == 0x1b {
			n, colour := escapeLength(text)
			if colour {
				out.WriteString(text[:n])
			}
			text = text[n:]
			continue
		}
		_, n := firstRune(text)
		text = text[n:]
	}
	return out.String()
}

func unsafeRune(r rune) bool {
	return r != '\t' && unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
}

func firstRune(s string) (rune, int) {
	for i, r := range s {
		if i > 0 {
			return r, i
		}
	}
	return 0, len(s)
}

// escapeLength is how many bytes the terminal sequence at the start of s takes, and whether it only sets colours: CSI up to its final byte,
// strings (OSC, DCS, SOS, PM, APC) up to BEL or ST, two bytes for others.
func escapeLength(s string) (n int, colour bool) {
	if len(s) < 2 {
		return len(s), false
	}
	switch s[1] {
	case '[':
		for i := 2; i < len(s); i++ {
			switch b := s[i]; {
			case b >= 0x40 && b <= 0x7e:
				return i + 1, b == 'm' && strings.Trim(s[2:i], "0123456789;:") == ""
			case b < 0x20 || b > 0x7e:
				return i, false // not a sequence after all
			}
		}
		return len(s), false
	case ']', 'P', 'X', '^', '_':
		for i := 2; i < len(s); i++ {
			if s[i] == 0x07 {
				return i + 1, false
			}
			if s[i] == 0x1b && i+1 < len(s) && s[i+1] == '\\' {
				return i + 2, false
			}
		}
		return len(s), false
	}
	if s[1] < 0x20 || s[1] > 0x7e {
		return 1, false // the next byte is looked at by itself
	}
	return 2, false
}
