package git

import (
	"context"
	"net/http"

	"github.com/cloudsania/cloudsania/paas"
)

// App is what the remote needs to know of an app.
type App struct {
	ID     string // app_…: names the repository
	Name   string // as its owner calls it, for messages
	Branch string // deploy branch; "": main, else master
}

// access decides who may fetch from and push to which app.
type access interface {
	// Authorize resolves name, "app" or "project/app" in valid characters, for the holder of token. r is for addresses
	// and logs: its path and credentials are judged already. A wrong token is an error of kind Unauthenticated,
	// anything that the holder may not see NotFound, anything they see but may not do Forbidden. Asked for writing to
	// an app that is not there, it makes the app when the holder may, else the hint says how to. A push begins with a
	// GET: for that one an App without an ID may be returned, which stands for one that the POST to come will make, so
	// that asking alone makes nothing.
	Authorize(ctx context.Context, r *http.Request, token paas.Secret, name string, write bool) (App, paas.Actor, error)
}

// deployer takes pushed commits to traffic.
type deployer interface {
	// Deploy queues src for the app and returns at once. It is called in the order in which the branch moved.
	Deploy(ctx context.Context, by paas.Actor, app string, src paas.Source) (paas.Deployment, error)
	// Follow calls line for each line of the deployment's log, old ones first, until it has ended. url is where the app
	// lives. A deployment that is not known is an error of kind NotFound.
	Follow(ctx context.Context, deployment string, line func(text string)) (final paas.Deployment, url string, err error)
}
