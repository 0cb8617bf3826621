package server

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/ui"
)

const (
	shownVersions = 6
	appEvery      = time.Second
	shownOutput   = 10        // lines under the deploy track
	justNow       = time.Hour // how long a deploy that is over stays on top of the page
	mainBranch    = "main"
)

func appPages() []Route {
	const one = "/apps/:app"
	return []Route{
		{Method: http.MethodGet, Path: one, Action: access.AppRead, Resource: theApp, Handle: (*Server).showAppPage, Page: true},
		{Method: http.MethodGet, Path: one + "/live", Action: access.AppRead, Resource: theApp, Handle: (*Server).streamAppPage, Page: true, Stream: true},
		{Method: http.MethodGet, Path: one + "/versions", Action: access.DeploymentRead, Resource: theApp, Handle: (*Server).showVersions, Page: true},
		{Method: http.MethodPost, Path: one + "/key", Action: access.TokenCreate, Resource: theApp, Handle: (*Server).makeGitKey, Page: true},
	}
}

func (s *Server) showAppPage(c *Call) error {
	p, err := s.appPage(c)
	if err != nil {
		return err
	}
	if d := p.Deploy; d != nil && !d.Status.Done() {
		lines, err := s.Deployer.Log(d.ID)
		if err != nil {
			return err
		}
		p.Output = deployLines(lines[max(0, len(lines)-shownOutput):], nil)
	}
	return c.page(http.StatusOK, p)
}

func (s *Server) appPage(c *Call) (ui.AppPage, error) {
	shell, view, err := s.viewCall(c, c.App.Name)
	if err != nil {
		return ui.AppPage{}, err
	}
	shell.Stream = view.Path + "/live"
	shell.Crumbs[len(shell.Crumbs)-1].Path = ""
	view.Load = s.load(c.Target, view)
	project, err := s.Store.Project(c.App.Project)
	if err != nil {
		return ui.AppPage{}, err
	}
	p := ui.AppPage{Shell: shell, AppFrame: ui.AppFrame{App: view, Tab: "overview"}, Remote: s.GitURL(c.App, project), Branch: deployBranch(c.App)}
	all, err := s.viewDeploys(c.Target, view, shownVersions+1)
	if err != nil {
		return p, err
	}
	p.Versions, p.Total = all[:min(shownVersions, len(all))], len(all)
	if len(all) > shownVersions {
		env, err := s.Store.AppEnvironment(c.Target)
		if err != nil {
			return p, err
		}
		p.Total = max(env.LastNumber, len(all))
	}
	if len(all) > 0 && (!all[0].Status.Done() || all[0].Failed() || s.Now().Sub(all[0].Ended) < justNow && all[0].IsLive) {
		p.Deploy = &all[0]
	}
	return p, nil
}

func deployBranch(a paas.App) string {
	if a.Source.Branch != "" {
		return a.Source.Branch
	}
	return mainBranch
}

// streamAppPage keeps the overview up to date, with the output of whatever deployment runs.
func (s *Server) streamAppPage(c *Call) error {
	after, err := c.number("after", 0, 0, 1<<30)
	if err != nil {
		return err
	}
	return s.Stream(c, func(ctx context.Context, out *Stream) error {
		var followers sync.WaitGroup
		defer followers.Wait() // nothing may be sent once the stream is over
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		live, following := parts{out: out}, ""
		return every(ctx, appEvery, func() error {
			app, err := s.Store.App(c.App.ID) // it may have been renamed
			if err != nil {
				return err
			}
			c.App = app
			p, err := s.appPage(c)
			if err != nil {
				return err
			}
			if err := live.send(p); err != nil {
				return err
			}
			if d := p.Deploy; d != nil && !d.Status.Done() && following != d.ID {
				following = d.ID
				from := after
				if c.QueryParam("of") != "out-"+d.ID {
					if from, err = s.tailOf(d.ID); err != nil {
						return err
					}
				}
				followers.Go(func() { _ = s.follow(ctx, out, d.ID, from) }) // ends with the stream or the deployment; a broken one shows as no lines
			}
			return nil
		})
	})
}

// tailOf is the number of the line from which on a deployment's newest lines are shown.
func (s *Server) tailOf(id string) (int, error) {
	lines, err := s.Deployer.Log(id)
	return max(0, len(lines)-shownOutput), err
}

func (s *Server) showVersions(c *Call) error {
	shell, view, err := s.viewCall(c, "Versions of "+c.App.Name, ui.Crumb{Text: "Versions"})
	if err != nil {
		return err
	}
	all, err := s.viewDeploys(c.Target, view, maxListed)
	if err != nil {
		return err
	}
	return c.page(http.StatusOK, ui.AllVersionsPage{Shell: shell, AppFrame: ui.AppFrame{App: view, Tab: "overview"}, Versions: all})
}

// makeGitKey makes a key that can push to this app and nothing else, and shows it once: the answer to the form is the page itself,
// because nothing is to be kept that could show it again.
func (s *Server) makeGitKey(c *Call) error {
	push, err := s.gitBlock(c, c.App)
	if err != nil {
		return err
	}
	shell, view, err := s.viewCall(c, c.App.Name)
	if err != nil {
		return err
	}
	if view.Latest != nil {
		return c.page(http.StatusOK, s.newVersionPage(shell, view, push))
	}
	p, err := s.appPage(c)
	if err != nil {
		return err
	}
	p.Push = push
	return c.page(http.StatusOK, p)
}

// gitActions are what a key for pushing can do.
var gitActions = []string{string(access.GitRead), string(access.GitWrite)}

// gitBlock makes a key for the app and the lines that push with it.
func (s *Server) gitBlock(c *Call, app paas.App) (*ui.GitBlock, error) {
	token, text, err := s.CreateToken(c, newGitToken(app))
	if err != nil {
		return nil, err
	}
	project, err := s.Store.Project(app.Project)
	if err != nil {
		return nil, err
	}
	remote := s.GitURL(app, project)
	block := &ui.GitBlock{Remote: remote, Commands: pushCommands(remote, text, deployBranch(app))}
	if !token.Expires.IsZero() {
		block.Expires = "in " + strconv.Itoa(tokenDays) + " days"
	}
	if s.selfSigned(c) {
		block.Note = "This server's certificate is its own, so git does not know it yet. The first line tells git to accept it for this address only."
		block.Commands = trustCommand(remote) + "\n" + block.Commands
	}
	return block, nil
}
