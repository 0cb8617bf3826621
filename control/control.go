// Package control is what can be done here, each thing once: pages, the API, the command line, git and hooks are thin callers of it. A
// use case asks access, validates by the rules of package paas, changes the store in one transaction and wakes who must act. It knows no
// HTTP.
package control

import (
	"context"
	"io/fs"
	"log/slog"
	"net/netip"
	"time"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/store"
)

// deployer carries out what the store says shall be live.
type deployer interface {
	Queued(dep paas.Deployment, superseded []string)            // a deployment waits; those it replaced will never run
	Cancel(ctx context.Context, by paas.Actor, id string) error // Conflict when traffic has switched
	Removed(by paas.Actor, app string)                          // an app was deleted
}

// logs are what builds and apps print.
type logs interface {
	Log(id string) ([]paas.LogLine, error)
	Follow(ctx context.Context, id string, from int, fn func(paas.LogLine) error) (paas.Deployment, error)
	AppLogs(ctx context.Context, t paas.Target, o paas.LogOptions, fn func(paas.LogLine) error) error
}

// Options are what a Control is made of.
type Options struct {
	Store   *store.Store
	Deploys deployer
	Logs    logs
	Uploads uploads
	Detect  func(fsys fs.FS, settings paas.BuildSettings) (paas.Plan, error)
	Subnets func(ctx context.Context) ([]netip.Prefix, error) // that new networks keep away from; nil: none are known
	Health  Health
	Site    paas.Site
	Machine paas.Machine
	Data    string // the data directory
	Log     *slog.Logger
	Now     func() time.Time // nil: time.Now
}

// Control is the use cases: those of apps are its own methods, the others stand in groups. Safe for concurrent use.
type Control struct {
	Tokens  Tokens
	Events  Events
	Uploads Uploads
	Output  Output
	System  System

	store   *store.Store
	deploys deployer
	logs    logs
	uploads uploads
	detect  func(fsys fs.FS, settings paas.BuildSettings) (paas.Plan, error)
	subnets func(ctx context.Context) ([]netip.Prefix, error)
	health  Health
	site    paas.Site
	machine paas.Machine
	data    string
	log     *slog.Logger
	now     func() time.Time
	started time.Time

	looking chan struct{} // taken while an upload is unpacked to be looked at
	fleet   fleet
}

// New makes a Control; it runs nothing.
func New(o Options) *Control {
	if o.Now == nil {
		o.Now = time.Now
	}
	c := &Control{store: o.Store, deploys: o.Deploys, logs: o.Logs, uploads: o.Uploads, detect: o.Detect, subnets: o.Subnets, health: o.Health,
		site: o.Site, machine: o.Machine, data: o.Data, log: o.Log, now: o.Now, started: o.Now().UTC(), looking: make(chan struct{}, 1)}
	c.Tokens, c.Events, c.Uploads, c.Output, c.System = Tokens{c}, Events{c}, Uploads{c}, Output{c}, System{c}
	return c
}

// Place is an app in an environment, and where it hangs.
type Place struct {
	App         paas.App
	Project     paas.Project
	Environment paas.Environment
	Path        paas.Path
	Branch      string // whose pushes are deployed there
}

// Target names the place by ids.
func (p Place) Target() paas.Target {
	return paas.Target{App: p.App.ID, Environment: p.Environment.ID}
}

// FullName is the app's name among all projects.
func (p Place) FullName() string { return paas.FullName(p.App, p.Project) }

// resource is the place as access judges it.
func (p Place) resource() access.Resource {
	return access.Resource{Kind: "app", Asked: p.App.Name, Path: p.Path}
}

// placeOf reads where a target is.
func placeOf(t *store.Tx, target paas.Target) (Place, error) {
	app, err := t.App(target.App)
	if err != nil {
		return Place{}, err
	}
	p := Place{App: app}
	if p.Project, err = t.Project(app.Project); err != nil {
		return p, err
	}
	if p.Environment, err = t.Environment(target.Environment); err != nil {
		return p, err
	}
	config, err := t.AppEnvironment(target)
	if err != nil {
		return p, err
	}
	p.Branch = app.SourceIn(config).DeployBranch()
	p.Path, err = t.PathIn(target)
	return p, err
}

// permitted is placeOf for somebody who wants to do something there.
func permitted(t *store.Tx, by access.Principal, action access.Action, target paas.Target) (Place, error) {
	p, err := placeOf(t, target)
	if paas.IsKind(err, paas.NotFound) {
		return p, access.Authorize(by, action, access.Absent("app", target.App))
	}
	if err != nil {
		return p, err
	}
	where := p.resource()
	where.Asked = target.App // not the name: that would tell of what by may not see
	return p, access.Authorize(by, action, where)
}

// view reads something of a place that by may see.
func (c *Control) view(by access.Principal, action access.Action, target paas.Target, fn func(*store.Tx, Place) error) error {
	return c.store.View(func(t *store.Tx) error {
		p, err := permitted(t, by, action, target)
		if err != nil {
			return err
		}
		return fn(t, p)
	})
}

// change changes something of a place, in one transaction with the question whether by may.
func (c *Control) change(ctx context.Context, by access.Principal, action access.Action, target paas.Target, fn func(*store.Tx, Place) error) error {
	return c.store.Change(ctx, by.Actor(), func(t *store.Tx) error {
		p, err := permitted(t, by, action, target)
		if err != nil {
			return err
		}
		return fn(t, p)
	})
}
