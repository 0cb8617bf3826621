package daemon

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/cloudsania/cloudsania/auth"
	"github.com/cloudsania/cloudsania/builder"
	"github.com/cloudsania/cloudsania/control"
	"github.com/cloudsania/cloudsania/deploy"
	"github.com/cloudsania/cloudsania/docker"
	"github.com/cloudsania/cloudsania/git"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/proxy"
	"github.com/cloudsania/cloudsania/server"
	"github.com/cloudsania/cloudsania/store"
	"github.com/cloudsania/cloudsania/upload"
)

// The packages do not know each other: each declares the interfaces that it calls. The types below adapt one to another.

// pushes lets the git remote find apps and deploy to production. Its control and its deployer come later: each needs the remote.
type pushes struct {
	who      *auth.Authenticator
	control  *control.Control
	deployer *deploy.Deployer
}

// Authorize finds the app of a repository for whoever holds the token.
func (p *pushes) Authorize(ctx context.Context, r *http.Request, token paas.Secret, name string, write bool) (git.App, paas.Actor, error) {
	by, err := p.who.Token(token, server.Addr(r))
	if err != nil {
		return git.App{}, paas.Actor{}, err
	}
	app, branch, err := p.control.OpenRepository(ctx, by, name, write)
	if err != nil {
		return git.App{}, by.Actor(), err
	}
	return git.App{ID: app.ID, Name: app.Name, Branch: branch}, by.Actor(), nil
}

func (p *pushes) Deploy(ctx context.Context, by paas.Actor, app string, src paas.Source) (paas.Deployment, error) {
	return p.control.DeployPush(ctx, by, app, src)
}

func (p *pushes) Follow(ctx context.Context, id string, line func(string)) (paas.Deployment, string, error) {
	dep, err := p.deployer.Follow(ctx, id, 0, func(l paas.LogLine) error {
		if l.Step != paas.StepDone { // the remote says itself how it ended
			line(l.Text)
		}
		return nil
	})
	if err != nil {
		return dep, "", err
	}
	place, err := p.control.PlaceOf(paas.Target{App: dep.App, Environment: dep.Environment})
	return dep, p.control.Address(place), err
}

// containers tells the meter what a container uses.
type containers struct{ *docker.Engine }

func (c containers) Used(ctx context.Context, id string) (cpu time.Duration, memoryBytes int64, err error) {
	s, err := c.Stats(ctx, id)
	return time.Duration(s.CPUNanos), s.MemoryBytes, err
}

// health tells control how its neighbours are.
func health(engine *docker.Engine, edges *proxy.Client, b *builder.Builder) control.Health {
	return control.Health{
		Docker: func(ctx context.Context) (string, string, error) {
			info, err := engine.Ping(ctx)
			return info.Version, info.API, err
		},
		Edges: edges.Status,
		Builder: func() control.BuilderStatus {
			s := b.Status()
			return control.BuilderStatus{Ready: s.Ready, Step: s.Step, Message: s.Message, Percent: s.Percent, Err: s.Err}
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

const sweepEvery = time.Hour

// uploadSweep removes kept uploads that nothing was made of.
type uploadSweep struct {
	uploads *upload.Dir
	inUse   func() (map[string]bool, error)
	log     *slog.Logger
}

// Run sweeps at once and then every hour, until ctx ends.
func (u uploadSweep) Run(ctx context.Context) error {
	t := time.NewTicker(sweepEvery)
	defer t.Stop()
	for {
		if err := u.uploads.Sweep(time.Now(), u.inUse); err != nil {
			u.log.Warn("cannot remove old uploads", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
	}
}
