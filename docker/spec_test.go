package docker_test

import (
	"net/netip"
	"testing"

	"github.com/cloudsania/cloudsania/docker"
	"github.com/cloudsania/cloudsania/paas"
)

func TestSpecHash(t *testing.T) {
	spec := func() docker.Spec {
		return docker.Spec{Kind: docker.KindInstance, ID: "ins_1", Image: "i", Argv: []string{"a"}, Env: map[string]paas.Secret{"A": paas.NewSecret("1"), "B": paas.NewSecret("2")},
			Network: "n", Addr: netip.MustParseAddr("10.0.0.2"), Limits: paas.Limits{MemoryMB: 64}}
	}
	want := spec().Hash()
	for name, change := range map[string]func(*docker.Spec){
		"nothing":            func(*docker.Spec) {},
		"the restart policy": func(s *docker.Spec) { s.Restart = true },
	} {
		s := spec()
		if change(&s); s.Hash() != want {
			t.Errorf("%s changes the hash", name)
		}
	}
	for name, change := range map[string]func(*docker.Spec){
		"image":    func(s *docker.Spec) { s.Image = "j" },
		"argument": func(s *docker.Spec) { s.Argv = []string{"b"} },
		"variable": func(s *docker.Spec) { s.Env["B"] = paas.NewSecret("3") },
		"address":  func(s *docker.Spec) { s.Addr = s.Addr.Next() },
		"limit":    func(s *docker.Spec) { s.Limits.MemoryMB++ },
		"mount":    func(s *docker.Spec) { s.Mounts = []docker.Mount{{Volume: "v", Path: "/v"}} },
		"kind":     func(s *docker.Spec) { s.Kind = docker.KindRun },
	} {
		s := spec()
		if change(&s); s.Hash() == want {
			t.Errorf("another %s does not change the hash", name)
		}
	}
}
