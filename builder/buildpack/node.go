package buildpack

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

// node builds a Node project: install, build, and keep what runs.
func (b *build) node(ctx context.Context) error {
	n, err := b.openNode(b.Plan.PackageManager, b.Plan.DependencyFile)
	if err != nil {
		return err
	}
	if b.Plan.Static != nil {
		return n.buildAll(ctx, true)
	}
	if err := n.runtimeLayer(); err != nil {
		return err
	}
	if err := n.modules(ctx); err != nil {
		return err
	}
	b.launch.env("NODE_ENV", "default", "production")
	b.launch.env("HOST", "default", "0.0.0.0") // frameworks whose servers would listen on the loopback address only
	return nil
}

// nodeProject is a Node project being built.
type nodeProject struct {
	*build
	node, nodeVersion string // runtime
	manager, managed  string // npm, pnpm or yarn, and its version
	berry             bool   // Yarn 2 or newer
	lock              string // lock file or package.json, absolute; "" when nothing is installed
	top               string // directory where dependencies are installed
	pkg               manifest
	installed         time.Time
}

func (b *build) openNode(manager, dependencyFile string) (*nodeProject, error) {
	n := &nodeProject{build: b, manager: manager, top: b.app}
	var err error
	if n.node, n.nodeVersion, err = b.needRuntime(paas.RuntimeNode); err != nil {
		return nil, err
	}
	if dependencyFile != "" {
		n.lock = filepath.Join(b.Source, filepath.FromSlash(dependencyFile))
		n.top = filepath.Dir(n.lock)
	}
	if n.pkg, err = readManifest(filepath.Join(n.top, "package.json")); err != nil {
		return nil, err
	}
	b.path = append(b.path, filepath.Join(n.node, "bin"), filepath.Join(b.app, "node_modules", ".bin"), filepath.Join(n.top, "node_modules", ".bin"))
	for _, name := range []string{paas.ManagerNPM, paas.ManagerPNPM, paas.ManagerYarn} {
		dir, version, ok := b.runtime(name)
		if !ok {
			continue
		}
		if name == manager {
			n.managed = version
			n.berry = name == paas.ManagerYarn && !strings.HasPrefix(version, "1.")
		}
		if err := writeShims(b.tools, filepath.Join(n.node, "bin", "node"), name, dir); err != nil {
			return nil, err
		}
	}
	if n.lock != "" && n.managed == "" {
		return nil, fmt.Errorf("the runtime %s is not mounted in %s", manager, b.Runtimes)
	}
	b.env = append(b.env, n.settings()...)
	return n, nil
}

// settings keep the package managers quiet, on the cache volume, and away from downloads of headers that are mounted.
func (n *nodeProject) settings() []string {
	env := []string{
		"npm_config_cache=" + n.cached("npm"), "npm_config_update_notifier=false", "npm_config_fund=false", "npm_config_audit=false", "npm_config_progress=false",
		"NEXT_TELEMETRY_DISABLED=1", "NUXT_TELEMETRY_DISABLED=1", "ASTRO_TELEMETRY_DISABLED=1", "GATSBY_TELEMETRY_DISABLED=1", "NG_CLI_ANALYTICS=false", "DISABLE_OPENCOLLECTIVE=1",
	}
	switch {
	case n.manager == paas.ManagerPNPM:
		env = append(env, "npm_config_manage_package_manager_versions=false")
	case n.berry:
		env = append(env, "YARN_GLOBAL_FOLDER="+n.cached("yarn-berry"), "YARN_NODE_LINKER=node-modules", "YARN_ENABLE_TELEMETRY=0")
	case n.manager == paas.ManagerYarn:
		env = append(env, "YARN_CACHE_FOLDER="+n.cached("yarn"))
	}
	if exists(filepath.Join(n.node, "include", "node")) {
		env = append(env, "npm_package_config_node_gyp_nodedir="+n.node)
	}
	if n.Plan.Framework == paas.FrameworkSvelteKit {
		env = append(env, "GCP_BUILDPACKS=1") // adapter-auto knows no self-made server, but chooses adapter-node when it sees this
	}
	return env
}
