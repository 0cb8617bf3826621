package buildpack

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
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
	if n.node, n.nodeVersion, err = b.needRuntime("node"); err != nil {
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
	for _, name := range []string{"npm", "pnpm", "yarn"} {
		dir, version, ok := b.runtime(name)
		if !ok {
			continue
		}
		if name == manager {
			n.managed = version
			n.berry = name == "yarn" && !strings.HasPrefix(version, "1.")
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

// programs are the files of the package managers' packages that are their programs, by the names people call them.
var programs = map[string]map[string][]string{
	"npm":  {"npm": {"bin/npm-cli.js"}, "npx": {"bin/npx-cli.js"}},
	"pnpm": {"pnpm": {"bin/pnpm.mjs", "bin/pnpm.cjs"}, "pnpx": {"bin/pnpx.mjs", "bin/pnpx.cjs"}},
	"yarn": {"yarn": {"bin/yarn.js"}, "yarnpkg": {"bin/yarn.js"}},
}

// writeShims makes the package manager in dir callable by name. runtime is the Node that runs it.
func writeShims(bin, runtime, manager, dir string) error {
	for name, files := range programs[manager] {
		for _, f := range files {
			file := filepath.Join(dir, f)
			if _, err := os.Stat(file); err != nil {
				continue
			}
			text := fmt.Sprintf("#!/bin/sh\nexec %s %s \"$@\"\n", quote(runtime), quote(file))
			if err := os.WriteFile(filepath.Join(bin, name), []byte(text), 0o755); err != nil {
				return fmt.Errorf("writing the %s command: %w", name, err)
			}
			break
		}
	}
	return nil
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// settings keep the package managers quiet, on the cache volume, and away from downloads of headers that are mounted.
func (n *nodeProject) settings() []string {
	env := []string{
		"npm_config_cache=" + n.cached("npm"), "npm_config_update_notifier=false", "npm_config_fund=false", "npm_config_audit=false", "npm_config_progress=false",
		"NEXT_TELEMETRY_DISABLED=1", "NUXT_TELEMETRY_DISABLED=1", "ASTRO_TELEMETRY_DISABLED=1", "GATSBY_TELEMETRY_DISABLED=1", "NG_CLI_ANALYTICS=false", "DISABLE_OPENCOLLECTIVE=1",
	}
	switch {
	case n.manager == "pnpm":
		env = append(env, "npm_config_manage_package_manager_versions=false")
	case n.berry:
		env = append(env, "YARN_GLOBAL_FOLDER="+n.cached("yarn-berry"), "YARN_NODE_LINKER=node-modules", "YARN_ENABLE_TELEMETRY=0")
	case n.manager == "yarn":
		env = append(env, "YARN_CACHE_FOLDER="+n.cached("yarn"))
	}
	if exists(filepath.Join(n.node, "include", "node")) {
		env = append(env, "npm_package_config_node_gyp_nodedir="+n.node)
	}
	if n.Plan.Framework == "SvelteKit" {
		env = append(env, "GCP_BUILDPACKS=1") // adapter-auto knows no self-made server, but chooses adapter-node when it sees this
	}
	return env
}

// call runs the package manager.
func (n *nodeProject) call(ctx context.Context, dir string, env []string, args ...string) error {
	return n.callSeen(ctx, dir, env, nil, args...)
}

func (n *nodeProject) callSeen(ctx context.Context, dir string, env []string, seen *transcript, args ...string) error {
	shown := slices.DeleteFunc(slices.Clone(args), func(a string) bool { return strings.HasPrefix(a, "--store-dir=") })
	return n.do(ctx, command{title: n.manager + " " + strings.Join(shown, " "), path: filepath.Join(n.tools, n.manager), args: args, dir: dir, env: env, seen: seen})
}

// install installs the dependencies in dir. Development ones are needed by build commands and are pruned later.
func (n *nodeProject) install(ctx context.Context, dir string, dev bool) error {
	locked := filepath.Base(n.lock) != "package.json"
	var args []string
	switch {
	case n.manager == "npm" && locked:
		args = []string{"ci", "--prefer-offline", includes(dev, "--include=dev", "--omit=dev")}
	case n.manager == "npm":
		args = []string{"install", "--prefer-offline", includes(dev, "--include=dev", "--omit=dev")}
	case n.manager == "pnpm":
		args = []string{"install", includes(locked, "--frozen-lockfile", "--no-frozen-lockfile"), "--prefer-offline", includes(dev, "--prod=false", "--prod"), "--store-dir=" + n.cached("pnpm")}
	case n.berry && locked:
		args = []string{"install", "--immutable"}
	case n.berry:
		args = []string{"install", "--no-immutable"}
	default:
		args = []string{"install", "--non-interactive", "--prefer-offline", includes(dev, "--production=false", "--production")}
		if locked {
			args = append(args, "--frozen-lockfile")
		}
	}
	// A NODE_ENV from the build's variables would leave the development dependencies out.
	env := []string{"NODE_ENV=" + includes(dev, "development", "production")}
	seen := &transcript{}
	err := n.callSeen(ctx, dir, env, seen, args...)
	if err != nil && ctx.Err() == nil && args[0] == "ci" && onlyPlatformsMissing(seen.String()) {
		n.say("package-lock.json leaves out packages for other platforms that the registry does not have: installing without comparing the two")
		args[0] = "install"
		return n.call(ctx, dir, env, args...)
	}
	return err
}

var missingFromLock = regexp.MustCompile(`(?m)^npm (?:error|ERR!) (Missing|Invalid): (.*)$`)

// onlyPlatformsMissing: "npm ci" refuses a lock file that npm itself made where the registry lacks optional packages of other platforms.
// They are the ones without a version.
func onlyPlatformsMissing(output string) bool {
	found := missingFromLock.FindAllStringSubmatch(output, -1)
	for _, m := range found {
		if m[1] != "Missing" || !strings.HasSuffix(strings.TrimSpace(m[2]), "@ from lock file") {
			return false
		}
	}
	return len(found) > 0
}

func includes(yes bool, a, b string) string {
	if yes {
		return a
	}
	return b
}

// prune removes the development dependencies from where they were installed.
func (n *nodeProject) prune(ctx context.Context) error {
	switch {
	case n.manager == "npm":
		return n.call(ctx, n.top, nil, "prune", "--omit=dev", "--ignore-scripts")
	case n.manager == "pnpm":
		return n.call(ctx, n.top, nil, "install", "--prod", "--offline", "--ignore-scripts", "--store-dir="+n.cached("pnpm"), includes(filepath.Base(n.lock) != "package.json", "--frozen-lockfile", "--no-frozen-lockfile"))
	case n.berry:
		return n.call(ctx, n.top, nil, "workspaces", "focus", "--all", "--production")
	}
	return n.call(ctx, n.top, nil, "install", "--production", "--ignore-scripts", "--prefer-offline", "--non-interactive")
}

// buildAll installs everything and runs the build command.
func (n *nodeProject) buildAll(ctx context.Context, dev bool) error {
	if n.lock != "" {
		if err := n.install(ctx, n.top, dev); err != nil {
			return err
		}
	}
	if err := n.markInstalled(ctx); err != nil {
		return err
	}
	if n.Plan.BuildCommand == "" {
		return nil
	}
	undo, err := n.buildCaches()
	if err != nil {
		return err
	}
	defer undo()
	env := []string{}
	if !slices.ContainsFunc(n.env, func(kv string) bool { return strings.HasPrefix(kv, "NODE_ENV=") }) {
		env = append(env, "NODE_ENV=production")
	}
	return n.buildCommand(ctx, env...)
}

// clockStep is more than file systems' clocks lag behind: they count the kernel's ticks.
const clockStep = 20 * time.Millisecond

// markInstalled notes a time that no file of the install has and every file of the build will have passed.
func (n *nodeProject) markInstalled(ctx context.Context) error {
	if n.lock == "" || n.Plan.BuildCommand == "" || n.Plan.Static != nil {
		return nil
	}
	for _, mark := range []bool{true, false} {
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for the clock: %w", ctx.Err())
		case <-time.After(clockStep):
		}
		if mark {
			n.installed = time.Now()
		}
	}
	return nil
}

// buildCaches lets bundlers keep what they remember on the cache volume, so that it is not in the image either.
func (n *nodeProject) buildCaches() (undo func(), err error) {
	links := map[string]string{filepath.Join(n.app, "node_modules", ".cache"): n.cached("bundler")}
	if n.Plan.Framework == "Next.js" {
		links[filepath.Join(n.app, ".next", "cache")] = n.cached("next")
	}
	for link, dir := range links {
		if _, err := os.Stat(filepath.Dir(filepath.Dir(link))); err != nil {
			delete(links, link)
			continue
		}
		if err := relink(link, dir); err != nil {
			return nil, err
		}
	}
	return func() {
		for link := range links {
			_ = os.Remove(link) // a link; when the build made a directory of it, that stays
		}
	}, nil
}

// relink makes link a symbolic link to dir, which is made when missing.
func relink(link, dir string) error {
	for _, d := range []string{dir, filepath.Dir(link)} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return fmt.Errorf("making a cache directory: %w", err)
		}
	}
	if err := os.RemoveAll(link); err != nil {
		return fmt.Errorf("clearing %s: %w", link, err)
	}
	if err := os.Symlink(dir, link); err != nil {
		return fmt.Errorf("linking a cache: %w", err)
	}
	return nil
}

// runtimeLayer puts Node into the image, and the package manager when a process calls it.
func (n *nodeProject) runtimeLayer() error {
	l := n.layer("0-node", keyOf("node", n.nodeVersion)) // sorts first: the same blob below all apps of this version
	if l.kept() {
		if err := l.reuse(); err != nil {
			return err
		}
	} else {
		if err := l.empty(); err != nil {
			return err
		}
		if err := copyFile(filepath.Join(n.node, "bin", "node"), filepath.Join(l.dir, "bin", "node")); err != nil {
			return err
		}
		if err := l.record(); err != nil {
			return err
		}
	}
	for _, name := range n.managersAtRunTime() {
		if err := n.managerLayer(name, filepath.Join(l.dir, "bin", "node")); err != nil {
			return err
		}
	}
	return nil
}

func (n *nodeProject) managerLayer(name, node string) error {
	dir, version, ok := n.runtime(name)
	if !ok {
		return nil
	}
	l := n.layer("1-"+name, keyOf(name, version))
	if l.kept() {
		return l.reuse()
	}
	if err := l.empty(); err != nil {
		return err
	}
	to := filepath.Join(l.dir, name)
	if err := copyTree(dir, to); err != nil {
		return err
	}
	bin := filepath.Join(l.dir, "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return fmt.Errorf("making a layer: %w", err)
	}
	if err := writeShims(bin, node, name, to); err != nil {
		return err
	}
	return l.record()
}

var managerWord = regexp.MustCompile(`(?:^|[\s;&|(/])(npm|npx|pnpm|pnpx|yarn|yarnpkg)(?:$|[\s;&|)])`)

// managersAtRunTime are the package managers that a process, or a script that it runs, calls.
func (n *nodeProject) managersAtRunTime() []string {
	commands := []string{n.expandScript(n.Plan.Release)}
	for _, p := range n.Plan.Processes {
		commands = append(commands, n.expandScript(p.Command))
	}
	var found []string
	for _, c := range commands {
		for _, m := range managerWord.FindAllStringSubmatch(c, -1) {
			name := map[string]string{"npx": "npm", "pnpx": "pnpm", "yarnpkg": "yarn"}[m[1]]
			if name == "" {
				name = m[1]
			}
			if !slices.Contains(found, name) {
				found = append(found, name)
			}
		}
	}
	return found
}

var scriptCall = regexp.MustCompile(`^(?:npm|pnpm|yarn)(?:\s+(?:run|run-script))?\s+([\w:.-]+)$`)

// expandScript replaces a command that only calls a script of package.json by the script: the package manager would stay in memory
// beside the app, and not all of them pass signals on.
func (b *build) expandScript(line string) string {
	if b.Plan.Language != "node" {
		return line
	}
	pkg, err := readManifest(filepath.Join(b.app, "package.json"))
	if err != nil {
		return line
	}
	for range 3 {
		m := scriptCall.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil || pkg.Scripts[m[1]] == "" || strings.Contains(pkg.Scripts[m[1]], "$npm_") {
			return line
		}
		line = pkg.Scripts[m[1]]
		if before := pkg.Scripts["pre"+m[1]]; before != "" {
			line = before + " && " + line
		}
	}
	return line
}
