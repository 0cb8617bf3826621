package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// step is a part of a deployment.
type step struct {
	name string
	took time.Duration
}

// deployment is what `apps show` says of one.
type deployment struct {
	Status string
	Steps  []struct {
		Step string
		At   time.Time
	}
	Ended *time.Time
}

// times are the steps in order; the last one lasts until the end.
func (d deployment) times() []step {
	var list []step
	for i, s := range d.Steps {
		var until time.Time
		switch {
		case i+1 < len(d.Steps):
			until = d.Steps[i+1].At
		case d.Ended != nil:
			until = *d.Ended
		default:
			continue
		}
		list = append(list, step{s.Step, until.Sub(s.At)})
	}
	return list
}

// deployed is the number of the live version and the steps of the deployment that made it.
func (a *nodeApp) deployed(ctx context.Context) (number int, steps []step, err error) {
	var app struct {
		Live        *struct{ Number int }
		Deployments []deployment
	}
	if err := a.w.read(ctx, &app, "apps", "show", nodeName); err != nil {
		return 0, nil, err
	}
	if app.Live == nil || len(app.Deployments) == 0 {
		return 0, nil, errors.New("the app has no live version")
	}
	return app.Live.Number, app.Deployments[0].times(), nil
}

// sentence tells the median of each step, those that took no time left out.
func sentence(of []change) string {
	const worthTelling = 0.02
	took := map[string]sample{}
	var order []string
	for _, c := range of {
		for _, s := range c.steps {
			if took[s.name] == nil {
				order = append(order, s.name)
			}
			took[s.name] = append(took[s.name], s.took.Seconds())
		}
	}
	var words []string
	for _, name := range order {
		if m := took[name].median(); m >= worthTelling {
			words = append(words, fmt.Sprintf("%s %.2f s", name, m))
		}
	}
	return strings.Join(words, ", ")
}
