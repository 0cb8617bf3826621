package daemon

import (
	"context"
	"net/http"
	"time"

	"github.com/cloudsania/cloudsania/builder"
	"github.com/cloudsania/cloudsania/deploy"
	"github.com/cloudsania/cloudsania/docker"
	"github.com/cloudsania/cloudsania/git"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/proxy"
	"github.com/cloudsania/cloudsania/server"
	"github.com/cloudsania/cloudsania/store"
	"github.com/cloudsania/cloudsania/terminal"
)

// The packages do not know each other: each declares the interfaces that it calls. The types below adapt one to another.

// pushAccess authorizes the git remote.
type pushAccess struct{ doors *server.Doors }

func (a pushAccess) Authorize(ctx context.Context, r *http.Request, token paas.Secret, name string, write bool) (git.App, paas.Actor, error) {
	app, by, err := a.doors.AuthorizeGit(ctx, r, token, name, write)
	if err != nil {
		return git.App{}, by, err
	}
	return git.App{ID: app.ID, Name: app.Name, Branch: app.Source.Branch}, by, nil
}

// pushDeploys lets the git remote deploy to production. Its Deployer comes later: the two need each other.
type pushDeploys struct {
	store    *store.Store
	deployer *deploy.Deployer
}

func (p *pushDeploys) Deploy(ctx context.Context, by paas.Actor, app string, src paas.Source) (paas.Deployment, error) {
	target, err := p.store.Target(app, paas.Production)
	if err != nil {
		return paas.Deployment{}, err
	}
	return p.deployer.Deploy(ctx, by, target, src)
}

func (p *pushDeploys) Follow(ctx context.Context, id string, line func(string)) (paas.Deployment, string, error) {
	dep, err := p.deployer.Follow(ctx, id, 0, func(l paas.LogLine) error {
		if l.Step != paas.StepDone { // the remote says itself how it ended
			line(terminal.Plain(l.Text))
		}
		return nil
	})
	if err != nil {
		return dep, "", err
	}
	app, err := p.store.App(dep.App)
	if err != nil {
		return dep, "", err
	}
	return dep, p.deployer.URL(app), nil
}

// containers tells the meter what a container uses.
type containers struct{ *docker.Engine }

func (c containers) Used(ctx context.Context, id string) (cpu time.Duration, memoryBytes int64, err error) {
	s, err := c.Stats(ctx, id)
	return time.Duration(s.CPUNanos), s.MemoryBytes, err
}

// health tells the server how its neighbours are.
func health(engine *docker.Engine, edges *proxy.Client, b *builder.Builder) server.Health {
	return server.Health{
		Docker: func(ctx context.Context) (string, string, error) {
			info, err := engine.Ping(ctx)
			return info.Version, info.API, err
		},
		Edges: edges.Status,
		Builder: func() server.BuilderStatus {
			s := b.Status()
			return server.BuilderStatus{Ready: s.Ready, Step: s.Step, Message: s.Message, Percent: s.Percent, Err: s.Err}
		},
	}
}

// keptBuilds lists every build that is kept, for the builder to leave what they use.
func keptBuilds(st *store.Store) func(context.Context) ([]paas.Build, error) {
	return func(context.Context) (builds []paas.Build, err error) {
		err = st.View(func(t *store.Tx) error {
			apps, err := t.Apps()
			if err != nil {
				return err
			}
			for _, app := range apps {
				of, err := t.Builds(app.ID)
				if err != nil {
					return err
				}
				builds = append(builds, of...)
			}
			return nil
		})
		return builds, err
	}
}
