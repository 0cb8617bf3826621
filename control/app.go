package control

import (
	"context"
	"errors"
	"net/netip"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/store"
)

// NewApp is what CreateApp needs. Project "" is a project named like the app.
type NewApp struct {
	Name, Project string
	Source        paas.AppSource
	Build         paas.BuildSettings
	Variables     []SetVariable
}

// CreateApp makes an app in production. Conflict when its project has an app of that name.
func (c *Control) CreateApp(ctx context.Context, by access.Principal, in NewApp) (Place, error) {
	in.Source = in.Source.Trimmed()
	if err := errors.Join(paas.CheckName(in.Name), in.Source.Validate(), in.Build.Validate()); err != nil {
		return Place{}, err
	}
	wanted := store.NewApp{Name: in.Name, Project: in.Project, Source: in.Source, Build: in.Build, Avoid: c.usedSubnets(ctx)}
	for _, v := range in.Variables {
		wanted.Variables = append(wanted.Variables, v.variable(paas.Variable{}))
	}
	var place Place
	err := c.store.Change(ctx, by.Actor(), func(t *store.Tx) error {
		where, err := whereNew(t, in.Project)
		if err != nil {
			return err
		}
		if err := access.Authorize(by, access.AppCreate, where); err != nil {
			return err
		}
		app, err := t.CreateApp(wanted)
		if err != nil {
			return err
		}
		target, err := t.Target(app.ID, paas.Production)
		if err != nil {
			return err
		}
		place, err = placeOf(t, target)
		return err
	})
	return place, err
}

// usedSubnets are the networks of this machine. Docker being away is no reason to make no app: the pool was chosen to be free.
func (c *Control) usedSubnets(ctx context.Context) []netip.Prefix {
	if c.subnets == nil {
		return nil
	}
	used, err := c.subnets(ctx)
	if err != nil {
		return nil
	}
	return used
}

// AppChange is what ChangeApp changes: what is given; the rest stays.
type AppChange struct {
	Name   *string
	Source *paas.AppSource
	Build  *paas.BuildSettings
	Limits *paas.Limits
	Scale  *map[string]int // process type → copies
}

// ChangeApp changes an app and its place in one transaction. New limits make a release when something is live: the deployment is returned
// then, else nil. Other numbers of copies need none: they are started or drained at once.
func (c *Control) ChangeApp(ctx context.Context, by access.Principal, target paas.Target, in AppChange) (*paas.Deployment, error) {
	if err := c.checkChange(&in); err != nil {
		return nil, err
	}
	var queued queued
	err := c.change(ctx, by, access.AppUpdate, target, func(t *store.Tx, p Place) (err error) {
		if err := in.ofApp(t, p.App.ID); err != nil {
			return err
		}
		before, err := t.AppEnvironment(target)
		if err != nil {
			return err
		}
		if err := t.UpdateAppEnvironment(target, in.place); err != nil {
			return err
		}
		if in.Name != nil && *in.Name != p.App.Name {
			if err := t.RenameApp(p.App.ID, *in.Name); err != nil {
				return err
			}
		}
		if in.Limits != nil && before.Limits.WithDefaults() != in.Limits.WithDefaults() && before.Live() != "" {
			queued, err = queueConfiguration(t, target)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return queued.wake(c.deploys), nil
}

func (c *Control) checkChange(in *AppChange) error {
	var errs []error
	if in.Name != nil {
		errs = append(errs, paas.CheckName(*in.Name))
	}
	if in.Source != nil {
		*in.Source = in.Source.Trimmed()
		errs = append(errs, in.Source.Validate())
	}
	if in.Build != nil {
		errs = append(errs, in.Build.Validate())
	}
	if in.Limits != nil {
		errs = append(errs, in.Limits.Validate(c.machine))
	}
	if in.Scale != nil {
		errs = append(errs, paas.CheckScale(*in.Scale))
	}
	return errors.Join(errs...)
}

// ofApp applies what holds in every environment.
func (in AppChange) ofApp(t *store.Tx, app string) error {
	if in.Source == nil && in.Build == nil {
		return nil
	}
	return t.UpdateApp(app, func(a *paas.App) error {
		if in.Source != nil {
			a.Source = paas.CodeAt(in.Source.URL)
		}
		if in.Build != nil {
			a.Build = in.Build.OfApp()
		}
		return nil
	})
}

// place applies what belongs to the app's environment.
func (in AppChange) place(e *paas.AppEnvironment) error {
	if in.Limits != nil {
		e.Limits = *in.Limits
	}
	if in.Scale != nil {
		e.SetScale(*in.Scale)
	}
	if in.Source != nil {
		e.Branch = in.Source.Branch
	}
	if in.Build != nil {
		in.Build.Apply(e)
	}
	return nil
}

// DeleteApp removes an app and everything that was made for it. Its code, variables and versions cannot be brought back. typed is the name
// as a person wrote it to be sure, where they were asked to; nil where a program asks.
func (c *Control) DeleteApp(ctx context.Context, by access.Principal, app string, typed *string) error {
	id := ""
	err := c.store.Change(ctx, by.Actor(), func(t *store.Tx) error {
		found, err := findApp(t, by, app)
		if err != nil {
			return err
		}
		if err := access.Authorize(by, access.AppDelete, found.Resource); err != nil {
			return err
		}
		if typed != nil && *typed != found.App.Name {
			return paas.Invalidf("typed", "type it as it is written here", "that is not its name")
		}
		id = found.App.ID
		_, err = t.DeleteApp(id)
		return err
	})
	if err != nil {
		return err
	}
	c.deploys.Removed(by.Actor(), id)
	return nil
}
