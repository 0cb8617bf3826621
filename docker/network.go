package docker

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"github.com/cloudsania/cloudsania/paas"
)

// EnsureNetwork makes a bridge network over subnet, whose first usable address becomes the gateway, unless it is there.
// One of that name that is not ours or has another subnet is a Conflict, and so is a subnet that overlaps another
// network's.
func (e *Engine) EnsureNetwork(ctx context.Context, name string, subnet netip.Prefix) error {
	if err := checkName("network", name); err != nil {
		return err
	}
	subnet = subnet.Masked()
	short, cancel := call(ctx)
	defer cancel()
	r, err := e.client.NetworkInspect(short, name, client.NetworkInspectOptions{})
	if err == nil {
		return e.checkNetwork(r.Network.Network, name, subnet)
	}
	if !cerrdefs.IsNotFound(err) {
		return fail(ctx, err, "look at network %q", name)
	}
	_, err = e.client.NetworkCreate(short, name, client.NetworkCreateOptions{
		Driver: "bridge",
		IPAM:   &network.IPAM{Driver: "default", Config: []network.IPAMConfig{{Subnet: subnet, Gateway: subnet.Addr().Next()}}},
		Labels: e.labels(kindKept, nil),
	})
	if err != nil && strings.Contains(err.Error(), "overlaps") {
		return &paas.Error{Kind: paas.Conflict, Msg: fmt.Sprintf("the addresses %s are in use by another network of this machine", subnet), Err: err,
			Hint: "\"docker network ls\" and \"ip route\" show which; choose another address pool"}
	}
	return fail(ctx, err, "create network %q", name)
}

func (e *Engine) checkNetwork(n network.Network, name string, subnet netip.Prefix) error {
	if n.Labels[labelInstallation] != e.installation {
		return foreign("network", name)
	}
	for _, c := range n.IPAM.Config {
		if c.Subnet == subnet {
			return nil
		}
	}
	return &paas.Error{Kind: paas.Conflict, Msg: fmt.Sprintf("the docker network %q has other addresses than %s", name, subnet),
		Hint: "remove it while nothing runs in it, and it is made anew"}
}

// RemoveNetwork removes a network of ours. A missing one is fine; one with containers in it, or not ours, is a
// Conflict.
func (e *Engine) RemoveNetwork(ctx context.Context, name string) error {
	if err := checkName("network", name); err != nil {
		return err
	}
	short, cancel := call(ctx)
	defer cancel()
	r, err := e.client.NetworkInspect(short, name, client.NetworkInspectOptions{})
	if cerrdefs.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fail(ctx, err, "look at network %q", name)
	}
	if r.Network.Labels[labelInstallation] != e.installation {
		return foreign("network", name)
	}
	if n := len(r.Network.Containers); n > 0 {
		return &paas.Error{Kind: paas.Conflict, Msg: fmt.Sprintf("the docker network %q still has %d containers", name, n),
			Hint: "stop the apps in it first"}
	}
	return e.removeNetwork(ctx, r.Network.ID, name)
}

func (e *Engine) removeNetwork(ctx context.Context, id, name string) error {
	short, cancel := call(ctx)
	defer cancel()
	_, err := e.client.NetworkRemove(short, id, client.NetworkRemoveOptions{})
	if cerrdefs.IsNotFound(err) {
		return nil
	}
	return fail(ctx, err, "remove network %q", name)
}
