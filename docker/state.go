package docker

import (
	"context"
	"net/netip"
	"strings"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"github.com/cloudsania/cloudsania/paas"
)

// State is how a container stands.
type State struct {
	ID, Name                                     string // Docker's id; the name without a slash
	Kind                                         Kind   // from its labels, as are the next
	Instance, App, Environment, Release, Process string
	Spec                                         string // Spec.Hash of what it was made from; "" for a version before there was one
	Running, Restarting                          bool
	ExitCode                                     int // of the last end; 0 while it has never ended
	OOMKilled                                    bool
	PID                                          int        // on the host; 0 while it does not run
	RestartCount                                 int        // since the last Start
	Started, Finished                            time.Time  // zero when never
	Addr                                         netip.Addr // in its network; zero while it does not run and has no fixed one
}

// Inspect looks at one container of ours. A missing one, or another installation's, is NotFound.
func (e *Engine) Inspect(ctx context.Context, id string) (State, error) {
	short, cancel := call(ctx)
	defer cancel()
	r, err := e.client.ContainerInspect(short, id, client.ContainerInspectOptions{})
	if err != nil {
		return State{}, fail(ctx, err, "look at container %s", id)
	}
	c := r.Container
	if c.Config == nil || c.State == nil || c.Config.Labels[labelInstallation] != e.installation {
		return State{}, &paas.Error{Kind: paas.NotFound, Msg: "the container is not one of this installation"}
	}
	s := named(c.ID, c.Name, c.Config.Labels)
	s.Running, s.Restarting = c.State.Running && !c.State.Restarting, c.State.Restarting
	s.ExitCode, s.OOMKilled, s.PID, s.RestartCount = c.State.ExitCode, c.State.OOMKilled, c.State.Pid, c.RestartCount
	s.Started, s.Finished = moment(c.State.StartedAt), moment(c.State.FinishedAt)
	if c.NetworkSettings != nil {
		s.Addr = address(c.NetworkSettings.Networks)
	}
	return s, nil
}

// List returns the containers of a kind, also stopped ones, with what their labels tell, Running, Restarting and Addr.
// Inspect tells the rest.
func (e *Engine) List(ctx context.Context, kind Kind) ([]State, error) {
	short, cancel := call(ctx)
	defer cancel()
	r, err := e.client.ContainerList(short, client.ContainerListOptions{All: true, Filters: e.ours(kind)})
	if err != nil {
		return nil, fail(ctx, err, "list containers")
	}
	states := make([]State, 0, len(r.Items))
	for _, c := range r.Items {
		s := named(c.ID, strings.Join(c.Names[:min(1, len(c.Names))], ""), c.Labels)
		s.Running, s.Restarting = c.State == container.StateRunning, c.State == container.StateRestarting
		if c.NetworkSettings != nil {
			s.Addr = address(c.NetworkSettings.Networks)
		}
		states = append(states, s)
	}
	return states, nil
}

// named reads what the labels tell.
func named(id, name string, labels map[string]string) State {
	return State{ID: id, Name: strings.TrimPrefix(name, "/"), Kind: Kind(labels[labelKind]), Instance: labels[labelInstance],
		App: labels[labelApp], Environment: labels[labelEnvironment], Release: labels[labelRelease], Process: labels[labelProcess],
		Spec: labels[labelSpec]}
}

// moment parses Docker's time; its "never" is the year 1.
func moment(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || t.Year() < 1970 {
		return time.Time{}
	}
	return t
}

// address is the container's in its one network: what it has, else what it will get.
func address(networks map[string]*network.EndpointSettings) netip.Addr {
	for _, n := range networks {
		if n.IPAddress.IsValid() {
			return n.IPAddress
		}
		if n.IPAMConfig != nil {
			return n.IPAMConfig.IPv4Address
		}
	}
	return netip.Addr{}
}
