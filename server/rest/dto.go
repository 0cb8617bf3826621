package rest

import (
	"slices"
	"time"

	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/terminal"
)

// The functions here turn nouns into what others see. They copy member by member on purpose: a new field is not public until
// somebody writes it down here.

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

func deploymentDTOs(all []paas.Deployment, environment, url string) []api.Deployment {
	out := []api.Deployment{}
	for _, d := range all {
		out = append(out, deploymentDTO(d, environment, url))
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
	return api.BuildSettings(b)
}

func buildSettings(b api.BuildSettings) paas.BuildSettings {
	return paas.BuildSettings(b)
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

func logLineDTO(l paas.LogLine) api.LogLine {
	return api.LogLine{N: l.N, Time: l.Time, Step: string(l.Step), Text: terminal.LogLine(l.Text)}
}

func outputDTO(l paas.LogLine) api.LogLine {
	return api.LogLine{Time: l.Time, Process: l.Process, Stream: l.Stream, Text: terminal.LogLine(l.Text)}
}

// when is nil for the zero time.
func when(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
