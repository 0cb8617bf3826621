package store

import (
	"context"
	"net/netip"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

// Each method below is the Tx method of its name in a transaction of its own: for single reads, and for changes that stand alone.

func view[T any](s *Store, fn func(*Tx) (T, error)) (T, error) {
	var out T
	err := s.View(func(t *Tx) (err error) { out, err = fn(t); return err })
	return out, err
}

// change returns nothing of a change that was not made.
func change[T any](s *Store, by paas.Actor, fn func(*Tx) (T, error)) (T, error) {
	var out, none T
	err := s.Change(context.Background(), by, func(t *Tx) (err error) { out, err = fn(t); return err })
	if err != nil {
		return none, err
	}
	return out, nil
}

func (s *Store) change(by paas.Actor, fn func(*Tx) error) error {
	return s.Change(context.Background(), by, fn)
}

func (s *Store) Activate(deployment string, live []string) (uint64, error) {
	return change(s, paas.System, func(t *Tx) (uint64, error) { return t.Activate(deployment, live) })
}

func (s *Store) CreateApp(by paas.Actor, in NewApp) (paas.App, error) {
	return change(s, by, func(t *Tx) (paas.App, error) { return t.CreateApp(in) })
}

func (s *Store) AddToEnvironment(by paas.Actor, app, environment string, avoid []netip.Prefix) (paas.Target, error) {
	return change(s, by, func(t *Tx) (paas.Target, error) { return t.AddToEnvironment(app, environment, avoid) })
}

func (s *Store) Apps() ([]paas.App, error) { return view(s, (*Tx).Apps) }

func (s *Store) App(id string) (paas.App, error) {
	return view(s, func(t *Tx) (paas.App, error) { return t.App(id) })
}

func (s *Store) FindApp(name string) (paas.App, error) {
	return view(s, func(t *Tx) (paas.App, error) { return t.FindApp(name) })
}

func (s *Store) UpdateApp(by paas.Actor, id string, fn func(*paas.App) error) error {
	return s.change(by, func(t *Tx) error { return t.UpdateApp(id, fn) })
}

func (s *Store) RenameApp(by paas.Actor, id, name string) error {
	return s.change(by, func(t *Tx) error { return t.RenameApp(id, name) })
}

func (s *Store) AppEnvironment(target paas.Target) (paas.AppEnvironment, error) {
	return view(s, func(t *Tx) (paas.AppEnvironment, error) { return t.AppEnvironment(target) })
}

func (s *Store) AppEnvironments() ([]paas.AppEnvironment, error) {
	return view(s, (*Tx).AppEnvironments)
}

func (s *Store) AppEnvironmentsOf(app string) ([]paas.AppEnvironment, error) {
	return view(s, func(t *Tx) ([]paas.AppEnvironment, error) { return t.AppEnvironmentsOf(app) })
}

func (s *Store) UpdateAppEnvironment(by paas.Actor, target paas.Target, fn func(*paas.AppEnvironment) error) error {
	return s.change(by, func(t *Tx) error { return t.UpdateAppEnvironment(target, fn) })
}

func (s *Store) Host(name string) (paas.Host, error) {
	return view(s, func(t *Tx) (paas.Host, error) { return t.Host(name) })
}

func (s *Store) HostOwner(host string) (target paas.Target, ok bool, err error) {
	err = s.View(func(t *Tx) (err error) { target, ok, err = t.HostOwner(host); return err })
	return target, ok, err
}

func (s *Store) RecordBuild(deployment string, b paas.Build) error {
	return s.change(paas.System, func(t *Tx) error { return t.RecordBuild(deployment, b) })
}

func (s *Store) Build(id string) (paas.Build, error) {
	return view(s, func(t *Tx) (paas.Build, error) { return t.Build(id) })
}

func (s *Store) Builds(app string) ([]paas.Build, error) {
	return view(s, func(t *Tx) ([]paas.Build, error) { return t.Builds(app) })
}

func (s *Store) RemoveBuild(id string) error {
	return s.change(paas.System, func(t *Tx) error { return t.RemoveBuild(id) })
}

func (s *Store) SetClaim(c paas.Claim) error {
	return s.change(paas.System, func(t *Tx) error { return t.SetClaim(c) })
}

func (s *Store) Claim() (c paas.Claim, ok bool, err error) {
	err = s.View(func(t *Tx) (err error) { c, ok, err = t.Claim(); return err })
	return c, ok, err
}

func (s *Store) QueueDeployment(by paas.Actor, target paas.Target, src paas.Source) (dep paas.Deployment, superseded []string, err error) {
	err = s.change(by, func(t *Tx) (err error) { dep, superseded, err = t.QueueDeployment(target, src); return err })
	if err != nil {
		return paas.Deployment{}, nil, err
	}
	return dep, superseded, nil
}

func (s *Store) BeginDeployment(id string) error {
	return s.change(paas.System, func(t *Tx) error { return t.BeginDeployment(id) })
}

func (s *Store) RecordStep(id string, step paas.Step) error {
	return s.change(paas.System, func(t *Tx) error { return t.RecordStep(id, step) })
}

func (s *Store) FinishDeployment(id string, status paas.Status, failure *paas.Failure) error {
	return s.change(paas.System, func(t *Tx) error { return t.FinishDeployment(id, status, failure) })
}

func (s *Store) Deployment(id string) (paas.Deployment, error) {
	return view(s, func(t *Tx) (paas.Deployment, error) { return t.Deployment(id) })
}

func (s *Store) Deployments(target paas.Target, limit int) ([]paas.Deployment, error) {
	return view(s, func(t *Tx) ([]paas.Deployment, error) { return t.Deployments(target, limit) })
}

func (s *Store) Unfinished() ([]paas.Deployment, error) { return view(s, (*Tx).Unfinished) }

func (s *Store) Events(f EventFilter) ([]paas.Event, error) {
	return view(s, func(t *Tx) ([]paas.Event, error) { return t.Events(f) })
}

func (s *Store) AppendEvent(by paas.Actor, detail paas.EventDetail, subject string, at paas.Path) error {
	return s.change(by, func(t *Tx) error { return t.AppendEvent(detail, subject, at) })
}

func (s *Store) Idempotent(key, principal, requestHash string) (response []byte, status int, found bool, err error) {
	err = s.View(func(t *Tx) (err error) {
		response, status, found, err = t.Idempotent(key, principal, requestHash)
		return err
	})
	return response, status, found, err
}

func (s *Store) SaveIdempotent(key, principal, requestHash string, response []byte, status int) error {
	return s.change(paas.System, func(t *Tx) error { return t.SaveIdempotent(key, principal, requestHash, response, status) })
}

func (s *Store) NewInstance(deployment, process string) (paas.Instance, error) {
	return change(s, paas.System, func(t *Tx) (paas.Instance, error) { return t.NewInstance(deployment, process) })
}

func (s *Store) NewCopy(target paas.Target, process string) (paas.Instance, error) {
	return change(s, paas.System, func(t *Tx) (paas.Instance, error) { return t.NewCopy(target, process) })
}

func (s *Store) UpdateInstance(id string, fn func(*paas.Instance) error) error {
	return s.change(paas.System, func(t *Tx) error { return t.UpdateInstance(id, fn) })
}

func (s *Store) InstanceGone(id string) error {
	return s.change(paas.System, func(t *Tx) error { return t.InstanceGone(id) })
}

func (s *Store) Instance(id string) (paas.Instance, error) {
	return view(s, func(t *Tx) (paas.Instance, error) { return t.Instance(id) })
}

func (s *Store) Instances(states ...paas.InstanceState) ([]paas.Instance, error) {
	return view(s, func(t *Tx) ([]paas.Instance, error) { return t.Instances(states...) })
}

func (s *Store) InstancesOf(target paas.Target) ([]paas.Instance, error) {
	return view(s, func(t *Tx) ([]paas.Instance, error) { return t.InstancesOf(target) })
}

func (s *Store) Project(id string) (paas.Project, error) {
	return view(s, func(t *Tx) (paas.Project, error) { return t.Project(id) })
}

func (s *Store) Projects() ([]paas.Project, error) { return view(s, (*Tx).Projects) }

func (s *Store) Environment(id string) (paas.Environment, error) {
	return view(s, func(t *Tx) (paas.Environment, error) { return t.Environment(id) })
}

func (s *Store) Environments(project string) ([]paas.Environment, error) {
	return view(s, func(t *Tx) ([]paas.Environment, error) { return t.Environments(project) })
}

func (s *Store) Target(app, environment string) (paas.Target, error) {
	return view(s, func(t *Tx) (paas.Target, error) { return t.Target(app, environment) })
}

func (s *Store) PathIn(target paas.Target) (paas.Path, error) {
	return view(s, func(t *Tx) (paas.Path, error) { return t.PathIn(target) })
}

func (s *Store) PathOf(app string) (paas.Path, error) {
	return view(s, func(t *Tx) (paas.Path, error) { return t.PathOf(app) })
}

func (s *Store) MakeRelease(deployment string, from ReleaseFrom) (paas.Release, error) {
	return change(s, paas.System, func(t *Tx) (paas.Release, error) { return t.MakeRelease(deployment, from) })
}

func (s *Store) Release(id string) (paas.Release, error) {
	return view(s, func(t *Tx) (paas.Release, error) { return t.Release(id) })
}

func (s *Store) ReleaseNumber(target paas.Target, n int) (paas.Release, error) {
	return view(s, func(t *Tx) (paas.Release, error) { return t.ReleaseNumber(target, n) })
}

func (s *Store) Releases(target paas.Target) ([]paas.Release, error) {
	return view(s, func(t *Tx) ([]paas.Release, error) { return t.Releases(target) })
}

func (s *Store) ReleaseVariables(release string) ([]paas.Variable, error) {
	return view(s, func(t *Tx) ([]paas.Variable, error) { return t.ReleaseVariables(release) })
}

func (s *Store) DeleteApp(by paas.Actor, id string) (Removed, error) {
	return change(s, by, func(t *Tx) (Removed, error) { return t.DeleteApp(id) })
}

func (s *Store) Removals() ([]Removed, error) { return view(s, (*Tx).Removals) }

func (s *Store) FinishRemoval(app string) error {
	return s.change(paas.System, func(t *Tx) error { return t.FinishRemoval(app) })
}

func (s *Store) CreateSession(in paas.Session) error {
	return s.change(paas.System, func(t *Tx) error { return t.CreateSession(in) })
}

func (s *Store) Session(hash string) (paas.Session, error) {
	return view(s, func(t *Tx) (paas.Session, error) { return t.Session(hash) })
}

// TouchSession does not even begin to write within a minute of the last time.
func (s *Store) TouchSession(hash string, expires time.Time) error {
	found, err := s.Session(hash)
	if err != nil || s.moment().Sub(found.Seen) < touchEvery {
		return err
	}
	return s.change(paas.System, func(t *Tx) error { return t.TouchSession(hash, expires) })
}

func (s *Store) DeleteSession(hash string) error {
	return s.change(paas.System, func(t *Tx) error { return t.DeleteSession(hash) })
}

func (s *Store) SessionsOf(user string) ([]paas.Session, error) {
	return view(s, func(t *Tx) ([]paas.Session, error) { return t.SessionsOf(user) })
}

func (s *Store) DeleteSessionsOf(user string) error {
	return s.change(paas.System, func(t *Tx) error { return t.DeleteSessionsOf(user) })
}

// Settings of the installation. Should the record be unreadable they are those that Open read.
func (s *Store) Settings() paas.Settings {
	settings, err := view(s, (*Tx).Settings)
	if err != nil {
		s.log.Error("cannot read the settings", "err", err)
		return s.settings
	}
	return settings
}

func (s *Store) SaveSettings(in paas.Settings) error {
	return s.change(paas.System, func(t *Tx) error { return t.SaveSettings(in) })
}

func (s *Store) Table() (paas.Table, error) { return view(s, (*Tx).Table) }

func (s *Store) NewGeneration() (uint64, error) { return change(s, paas.System, (*Tx).NewGeneration) }

func (s *Store) Team() (paas.Team, error) { return view(s, (*Tx).Team) }

func (s *Store) Client(id string) (paas.Client, error) {
	return view(s, func(t *Tx) (paas.Client, error) { return t.Client(id) })
}

func (s *Store) Clients() ([]paas.Client, error) { return view(s, (*Tx).Clients) }

func (s *Store) Server() (paas.Server, error) { return view(s, (*Tx).Server) }

func (s *Store) CreateToken(by paas.Actor, in paas.Token) (paas.Token, error) {
	return change(s, by, func(t *Tx) (paas.Token, error) { return t.CreateToken(in) })
}

func (s *Store) TokenByHash(hash string) (paas.Token, error) {
	return view(s, func(t *Tx) (paas.Token, error) { return t.TokenByHash(hash) })
}

func (s *Store) Token(id string) (paas.Token, error) {
	return view(s, func(t *Tx) (paas.Token, error) { return t.Token(id) })
}

func (s *Store) Tokens() ([]paas.Token, error) { return view(s, (*Tx).Tokens) }

func (s *Store) RevokeToken(by paas.Actor, id string) error {
	return s.change(by, func(t *Tx) error { return t.RevokeToken(id) })
}

// TouchToken does not even begin to write within a minute of the last time.
func (s *Store) TouchToken(id string) error {
	tok, err := s.Token(id)
	if err != nil || s.moment().Sub(tok.LastUsed) < touchEvery {
		return err
	}
	return s.change(paas.System, func(t *Tx) error { return t.TouchToken(id) })
}

func (s *Store) SealTOTP(user string, secret paas.Secret) error {
	return s.change(paas.System, func(t *Tx) error { return t.SealTOTP(user, secret) })
}

func (s *Store) TOTPSecret(user string) (paas.Secret, error) {
	return view(s, func(t *Tx) (paas.Secret, error) { return t.TOTPSecret(user) })
}

func (s *Store) UseTOTPStep(user string, step int64) (bool, error) {
	return change(s, paas.System, func(t *Tx) (bool, error) { return t.UseTOTPStep(user, step) })
}

func (s *Store) CreateOwner(claimHash string, u paas.User) (paas.User, error) {
	return change(s, paas.System, func(t *Tx) (paas.User, error) { return t.CreateOwner(claimHash, u) })
}

func (s *Store) Users() ([]paas.User, error) { return view(s, (*Tx).Users) }

func (s *Store) User(id string) (paas.User, error) {
	return view(s, func(t *Tx) (paas.User, error) { return t.User(id) })
}

func (s *Store) UserByEmail(email string) (paas.User, error) {
	return view(s, func(t *Tx) (paas.User, error) { return t.UserByEmail(email) })
}

func (s *Store) UpdateUser(by paas.Actor, id string, fn func(*paas.User) error) error {
	return s.change(by, func(t *Tx) error { return t.UpdateUser(id, fn) })
}

func (s *Store) Variables(target paas.Target) ([]paas.Variable, error) {
	return view(s, func(t *Tx) ([]paas.Variable, error) { return t.Variables(target) })
}

func (s *Store) SetVariables(by paas.Actor, target paas.Target, set []paas.Variable, unset []string) error {
	return s.change(by, func(t *Tx) error { return t.SetVariables(target, set, unset) })
}
