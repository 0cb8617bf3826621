package docker

import (
	"context"
	"strconv"
	"time"

	"github.com/moby/moby/api/types/events"
	"github.com/moby/moby/client"
)

// Action is what happened to a container.
type Action string

// Connected comes first, without a container: from here on nothing is missed, and List tells what happened before.
const (
	Connected Action = "connected"
	Started   Action = "start"
	Died      Action = "die"
	OOM       Action = "oom"
)

// Event is something that happened to an instance.
type Event struct {
	Action Action
	Time   time.Time
	State  // ID, Name, what the labels tell and, with Died, ExitCode; the rest is not known
}

// Events calls fn for each event of this installation's instances until ctx ends or the engine goes away, and returns
// why. The caller comes back after an engine's restart.
func (e *Engine) Events(ctx context.Context, fn func(Event)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	filters := e.ours(KindInstance).Add("type", string(events.ContainerEventType)).
		Add("event", string(events.ActionStart), string(events.ActionDie), string(events.ActionOOM))
	if _, err := e.Ping(ctx); err != nil {
		return err
	}
	r := e.client.Events(ctx, client.EventsListOptions{Filters: filters})
	select {
	case err := <-r.Err:
		return fail(ctx, err, "follow docker's events")
	default:
		fn(Event{Action: Connected, Time: time.Now()})
	}
	for {
		select {
		case m := <-r.Messages:
			fn(event(m))
		case err := <-r.Err:
			return fail(ctx, err, "follow docker's events")
		}
	}
}

func event(m events.Message) Event {
	a := m.Actor.Attributes // the labels, and facts beside them
	e := Event{Action: Action(m.Action), Time: time.Unix(0, m.TimeNano), State: named(m.Actor.ID, a["name"], a)}
	if code, err := strconv.Atoi(a["exitCode"]); err == nil {
		e.ExitCode = code
	}
	return e
}
