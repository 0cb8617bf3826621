package docker_test

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cloudsania/cloudsania/docker/dockertest"
	"github.com/cloudsania/cloudsania/paas"
)

// Story: Docker's default address pools end at the 31st network.
func TestSixtyNetworks(t *testing.T) {
	t.Parallel()
	e := dockertest.Engine(t)
	begin := time.Now()
	var names []string
	var subnets []netip.Prefix
	for range 60 {
		name, subnet := dockertest.Network(t, e)
		names, subnets = append(names, name), append(subnets, subnet)
	}
	t.Logf("60 networks made in %v", time.Since(begin))
	used, err := e.UsedSubnets(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range subnets {
		if s.Bits() != 26 || !slices.Contains(used, s) {
			t.Errorf("%v is not among the used ones", s)
		}
		for _, other := range subnets[:i] {
			if s.Overlaps(other) {
				t.Errorf("%v overlaps %v", s, other)
			}
		}
	}
	begin = time.Now()
	var g errgroup.Group
	for _, n := range names {
		g.Go(func() error { return e.RemoveNetwork(t.Context(), n) })
	}
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
	t.Logf("and removed in %v", time.Since(begin))
}

func TestNetworkConflicts(t *testing.T) {
	t.Parallel()
	e, other := dockertest.Engine(t), dockertest.Engine(t)
	name, subnet := dockertest.Network(t, e)
	if err := e.EnsureNetwork(t.Context(), name, subnet); err != nil {
		t.Errorf("the same again: %v", err)
	}
	if err := e.EnsureNetwork(t.Context(), name, netip.MustParsePrefix("10.255.255.0/26")); !paas.IsKind(err, paas.Conflict) {
		t.Errorf("with other addresses: %v", err)
	}
	if err := other.EnsureNetwork(t.Context(), name, subnet); !paas.IsKind(err, paas.Conflict) {
		t.Errorf("by another installation: %v", err)
	}
	if err := other.RemoveNetwork(t.Context(), name); !paas.IsKind(err, paas.Conflict) {
		t.Errorf("removed by another installation: %v", err)
	}
	if err := e.EnsureNetwork(t.Context(), "cs-"+paas.NewID("env"), subnet); !paas.IsKind(err, paas.Conflict) {
		t.Errorf("the same addresses under another name: %v", err)
	}
	s := dockertest.Spec(dockertest.Image(t, e), "sleep")
	s.Network, s.Addr = name, subnet.Addr().Next().Next()
	id := start(t, e, s)
	if err := e.RemoveNetwork(t.Context(), name); !paas.IsKind(err, paas.Conflict) {
		t.Errorf("removed with a container in it: %v", err)
	}
	if err := e.Remove(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := e.RemoveNetwork(t.Context(), name); err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []string{"", "host", "bridge", "none", "../x", "A"} {
		if err := e.RemoveNetwork(t.Context(), bad); err == nil {
			t.Errorf("removing %q is accepted", bad)
		}
	}
}

// A stopped container keeps its address, and gets the same one again.
func TestAddressSurvivesARestart(t *testing.T) {
	t.Parallel()
	e := dockertest.Engine(t)
	name, subnet := dockertest.Network(t, e)
	s := dockertest.Spec(dockertest.Image(t, e), "sleep")
	s.Network, s.Addr = name, subnet.Addr().Next().Next().Next().Next()
	id := start(t, e, s)
	if err := e.Stop(t.Context(), id, 0); err != nil {
		t.Fatal(err)
	}
	if st, err := e.Inspect(t.Context(), id); err != nil || st.Addr != s.Addr {
		t.Errorf("stopped: %v, %v", st.Addr, err)
	}
	if err := e.Start(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if st, err := e.Inspect(t.Context(), id); err != nil || st.Addr != s.Addr || !st.Running {
		t.Errorf("started again: %+v, %v", st, err)
	}
}
