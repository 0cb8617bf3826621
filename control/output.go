package control

import (
	"context"
	"slices"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/store"
)

const (
	// DefaultTail and MaxTail are how many of an app's newest lines one call shows.
	DefaultTail = 200
	MaxTail     = 5000
)

// Output is what builds and apps print.
type Output struct{ control *Control }

// DeploymentLog is a deployment's log as it is now.
func (of Output) DeploymentLog(by access.Principal, id string) ([]paas.LogLine, error) {
	if err := of.mayRead(by, id); err != nil {
		return nil, err
	}
	return of.control.logs.Log(id)
}

// Follow calls fn for each line of a deployment's log from number from on, then for new ones as they come, and returns the
// deployment when it is done. It ends early with fn's or the context's error; the deployment does not care.
func (of Output) Follow(ctx context.Context, by access.Principal, id string, from int, fn func(paas.LogLine) error) (paas.Deployment, error) {
	if err := of.mayRead(by, id); err != nil {
		return paas.Deployment{}, err
	}
	return of.control.logs.Follow(ctx, id, from, fn)
}

func (of Output) mayRead(by access.Principal, id string) error {
	found, err := of.control.FindDeployment(id)
	if err != nil {
		return err
	}
	return access.Authorize(by, access.DeploymentRead, found.Resource)
}

// App calls fn for the newest lines of what an app prints, oldest first, until ctx ends when o.Follow.
func (of Output) App(ctx context.Context, by access.Principal, target paas.Target, o paas.LogOptions, fn func(paas.LogLine) error) error {
	if err := of.control.view(by, access.LogRead, target, func(*store.Tx, Place) error { return nil }); err != nil {
		return err
	}
	return of.control.logs.AppLogs(ctx, target, o, fn)
}

// Newest are the newest o.Tail lines of what an app prints, oldest first; of one process when it is named.
func (of Output) Newest(ctx context.Context, by access.Principal, target paas.Target, o paas.LogOptions, process string) ([]paas.LogLine, error) {
	o.Follow = false
	var out []paas.LogLine
	err := of.App(ctx, by, target, o, func(l paas.LogLine) error {
		if process == "" || l.Process == process {
			out = append(out, l)
		}
		return nil
	})
	slices.SortStableFunc(out, func(a, b paas.LogLine) int { return a.Time.Compare(b.Time) })
	return out[max(0, len(out)-o.Tail):], err // each copy of each process gave its newest lines
}
