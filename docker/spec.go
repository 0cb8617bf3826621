package docker

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/netip"

	"github.com/cloudsania/cloudsania/paas"
)

// Spec is a container to be, of any kind. User, directory and, where Entrypoint and Argv are nil, the command are the
// image's.
type Spec struct {
	Kind                               Kind
	ID                                 string // instance id ins_…; the container is named after it
	App, Environment, Release, Process string // ids and the process type, for labels
	Image                              string // its user must be a number, and not 0
	Entrypoint                         []string
	Argv                               []string
	Env                                map[string]paas.Secret
	Mounts                             []Mount
	Network                            string     // of EnsureNetwork; "" for Docker's default bridge
	Addr                               netip.Addr // in Network, and required with it: Docker's own choice could be promised to another instance
	Limits                             paas.Limits
	Restart                            bool // again after a crash or a reboot, until it is stopped
}

// Mount is a volume of EnsureVolume inside a container.
type Mount struct {
	Volume   string
	Path     string // absolute, in the container
	ReadOnly bool
}

// Hash is the same for specs that make the same container. Restart is left out: SetRestart changes it while the
// container lives. The container carries the hash as a label, so that one which is no longer what it should be is
// recognised.
func (s Spec) Hash() string {
	s.Restart = false
	b, err := json.Marshal(struct {
		Spec
		Env []string // a Secret does not reveal its value to JSON
	}{s, environment(s.Env)})
	if err != nil {
		panic(fmt.Sprintf("docker: a spec that JSON cannot hold: %v", err)) // strings and numbers only
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16])
}

func (s Spec) labels() map[string]string {
	return map[string]string{labelApp: s.App, labelEnvironment: s.Environment, labelRelease: s.Release, labelProcess: s.Process,
		labelInstance: s.ID, labelSpec: s.Hash()}
}

func (s Spec) check() error {
	if s.Kind != KindInstance && s.Kind != KindRun {
		return fmt.Errorf("create container %s: %q is not a kind that can be created", paas.Clip(s.ID, 60), s.Kind)
	}
	if !paas.IsID("ins", s.ID) {
		return fmt.Errorf("create container: %q is not an instance id", paas.Clip(s.ID, 60))
	}
	if s.Network != "" && !s.Addr.Is4() {
		return fmt.Errorf("create container %s: network %q without an address", s.ID, s.Network)
	}
	for _, m := range s.Mounts {
		if err := checkName("volume", m.Volume); err != nil {
			return err
		}
	}
	return nil
}
