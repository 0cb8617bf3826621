package control

import (
	"context"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/store"
)

// DeployFrom says where a deployment's code comes from: exactly one member, or none for what the app's settings name or what it was last
// deployed from.
type DeployFrom struct {
	Git           *paas.AppSource // a public repository
	Upload        string          // a kept upload of the same principal
	Deployment    string          // the source of an earlier deployment again
	Configuration bool            // the live build with the present variables and limits
}

// queued is a deployment that was recorded, and those that it replaced.
type queued struct {
	dep        paas.Deployment
	superseded []string
}

// wake has the queue looked at, once the transaction that filled it is durable. Nil when nothing was queued.
func (q queued) wake(d deployer) *paas.Deployment {
	if q.dep.ID == "" {
		return nil
	}
	d.Queued(q.dep, q.superseded)
	return &q.dep
}

// Deploy queues a deployment and returns at once.
func (c *Control) Deploy(ctx context.Context, by access.Principal, target paas.Target, from DeployFrom) (paas.Deployment, error) {
	if from.members() > 1 {
		return paas.Deployment{}, paas.Invalidf("git", "give one of git, upload, deployment and configuration", "a deployment has one source")
	}
	if from.Git != nil {
		trimmed := from.Git.Trimmed()
		from.Git = &trimmed
		if err := CheckRepository(trimmed); err != nil {
			return paas.Deployment{}, err
		}
	}
	var queued queued
	err := c.change(ctx, by, access.DeploymentCreate, target, func(t *store.Tx, p Place) (err error) {
		if from.Configuration {
			queued, err = queueConfiguration(t, target)
			return err
		}
		src, err := c.source(t, by, p, from)
		if err != nil {
			return err
		}
		queued.dep, queued.superseded, err = t.QueueDeployment(target, src)
		return err
	})
	if err != nil {
		return paas.Deployment{}, err
	}
	return *queued.wake(c.deploys), nil
}

// DeployPush queues what was pushed to the built-in remote, for whoever the remote let in.
func (c *Control) DeployPush(ctx context.Context, by paas.Actor, app string, src paas.Source) (paas.Deployment, error) {
	var queued queued
	err := c.store.Change(ctx, by, func(t *store.Tx) error {
		target, err := t.Target(app, paas.Production)
		if err != nil {
			return err
		}
		queued.dep, queued.superseded, err = t.QueueDeployment(target, src)
		return err
	})
	if err != nil {
		return paas.Deployment{}, err
	}
	return *queued.wake(c.deploys), nil
}

// members counts what is given.
func (f DeployFrom) members() int {
	n := 0
	for _, given := range []bool{f.Git != nil, f.Upload != "", f.Deployment != "", f.Configuration} {
		if given {
			n++
		}
	}
	return n
}

// CheckRepository is AppSource.Validate where an address must be given.
func CheckRepository(s paas.AppSource) error {
	s = s.Trimmed()
	if s.URL == "" {
		return paas.Invalidf("url", "write it like https://github.com/you/repository", "the address of the repository is missing")
	}
	return s.Validate()
}

// source finds the code that is asked for.
func (c *Control) source(t *store.Tx, by access.Principal, p Place, from DeployFrom) (paas.Source, error) {
	switch {
	case from.Git != nil:
		return external(*from.Git), nil
	case from.Upload != "":
		up, err := c.Uploads.Own(by, from.Upload)
		return uploaded(up), err
	case from.Deployment != "":
		return c.earlierSource(t, p.App, from.Deployment)
	case p.App.Source.URL != "":
		env, err := t.AppEnvironment(p.Target())
		return external(p.App.SourceIn(env)), err
	}
	deps, err := t.Deployments(p.Target(), 1)
	if err != nil {
		return paas.Source{}, err
	}
	if len(deps) == 0 {
		return paas.Source{}, &paas.Error{Kind: paas.Conflict, Msg: "this app was never deployed, so there is nothing to deploy again",
			Hint: "push to it, upload an archive, or name a repository"}
	}
	return c.earlierSource(t, p.App, deps[0].ID)
}

func external(s paas.AppSource) paas.Source {
	return paas.Source{Kind: paas.SourceExternal, URL: s.URL, Branch: s.Branch}
}

// earlierSource is the source of an earlier deployment of the same app.
func (c *Control) earlierSource(t *store.Tx, app paas.App, id string) (paas.Source, error) {
	dep, err := t.Deployment(id)
	if paas.IsKind(err, paas.NotFound) || err == nil && dep.App != app.ID {
		return paas.Source{}, paas.Invalidf("deployment", "list the app's deployments", "there is no deployment %q of this app", paas.Clip(id, 60))
	}
	if err != nil {
		return paas.Source{}, err
	}
	src := dep.Source
	if src.Build != "" { // a rollback or a change of settings: the code is that of its build
		b, err := t.Build(src.Build)
		if err != nil {
			return src, codeGone(err)
		}
		src = b.Source
	}
	if src.Kind == paas.SourceUpload {
		if _, err := c.uploads.Find(src.Upload); err != nil {
			return src, codeGone(err)
		}
		return src, c.uploads.Touch(src.Upload)
	}
	return src, nil
}

func codeGone(err error) error {
	if !paas.IsKind(err, paas.NotFound) {
		return err
	}
	return &paas.Error{Kind: paas.Conflict, Msg: "the code of that deployment is not kept any more", Hint: "upload or push it again", Err: err}
}

// queueConfiguration queues a release of what is live with the present variables and limits. What that is, and whether the change reaches
// the build, is decided when the deployment begins: newer code that is on its way stays newer. Conflict when nothing is live yet: the next
// deployment takes the changes anyway.
func queueConfiguration(t *store.Tx, target paas.Target) (q queued, err error) {
	env, err := t.AppEnvironment(target)
	if err != nil {
		return q, err
	}
	if env.Live() == "" {
		return q, &paas.Error{Kind: paas.Conflict, Msg: "nothing is live yet", Hint: "the first deployment uses the changed variables"}
	}
	rel, err := t.Release(env.Live())
	if err != nil {
		return q, err
	}
	b, err := t.Build(rel.Build)
	if err != nil {
		return q, err
	}
	src := b.Source
	src.Kind, src.Build, src.Message = paas.SourceConfig, b.ID, "Changed settings"
	q.dep, q.superseded, err = t.QueueDeployment(target, src)
	return q, err
}

// Cancel stops a deployment that has not switched traffic yet. Conflict when it is past that.
func (c *Control) Cancel(ctx context.Context, by access.Principal, id string) error {
	found, err := c.FindDeployment(id)
	if err != nil {
		return err
	}
	if err := access.Authorize(by, access.DeploymentCancel, found.Resource); err != nil {
		return err
	}
	return c.deploys.Cancel(ctx, by.Actor(), id)
}
