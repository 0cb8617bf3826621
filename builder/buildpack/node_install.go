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

	"github.com/cloudsania/cloudsania/paas"
)

// call runs the package manager.
func (n *nodeProject) call(ctx context.Context, dir string, env []string, args ...string) error {
	return n.callSeen(ctx, dir, env, nil, args...)
}

func (n *nodeProject) callSeen(ctx context.Context, dir string, env []string, seen *transcript, args ...string) error {
	shown := slices.DeleteFunc(slices.Clone(args), func(a string) bool { return strings.HasPrefix(a, "--store-dir=") })
	return n.do(ctx, command{
		title: n.manager + " " + strings.Join(shown, " "),
		path:  filepath.Join(n.tools, n.manager),
		args:  args,
		dir:   dir,
		env:   env,
		seen:  seen,
	})
}

// install installs the dependencies in dir. Development ones are needed by build commands and are pruned later.
func (n *nodeProject) install(ctx context.Context, dir string, dev bool) error {
	locked := filepath.Base(n.lock) != "package.json"
	var args []string
	switch {
	case n.manager == paas.ManagerNPM && locked:
		args = []string{"ci", "--prefer-offline", either(dev, "--include=dev", "--omit=dev")}
	case n.manager == paas.ManagerNPM:
		args = []string{"install", "--prefer-offline", either(dev, "--include=dev", "--omit=dev")}
	case n.manager == paas.ManagerPNPM:
		args = []string{
			"install",
			either(locked, "--frozen-lockfile", "--no-frozen-lockfile"),
			"--prefer-offline",
			either(dev, "--prod=false", "--prod"),
			"--store-dir=" + n.cached("pnpm"),
		}
	case n.berry && locked:
		args = []string{"install", "--immutable"}
	case n.berry:
		args = []string{"install", "--no-immutable"}
	default:
		args = []string{
			"install",
			"--non-interactive",
			"--prefer-offline",
			either(dev, "--production=false", "--production"),
		}
		if locked {
			args = append(args, "--frozen-lockfile")
		}
	}
	// A NODE_ENV from the build's variables would leave the development dependencies out.
	env := []string{"NODE_ENV=" + either(dev, "development", "production")}
	seen := &transcript{}
	err := n.callSeen(ctx, dir, env, seen, args...)
	if err != nil && ctx.Err() == nil && args[0] == "ci" && npmOutOfSync.MatchString(seen.String()) {
		n.warn(filepath.Base(n.lock)+" does not match package.json on this platform: installed with npm install instead",
			"run npm install and commit the lockfile, so that every build gets the same versions")
		return n.call(ctx, dir, env, npmInstall(args[1:])...)
	}
	return err
}

// npmInstall installs what "npm ci" refused, without writing the lockfile: the image keeps the source's.
func npmInstall(options []string) []string {
	return append([]string{"install", "--no-save"}, options...)
}

// npmOutOfSync is how "npm ci" refuses a lockfile, before it has changed anything. It does so not only when
// package.json was edited: npm on one platform writes lockfiles that lack other platforms' optional packages, which
// "npm ci" misses elsewhere.
var npmOutOfSync = regexp.MustCompile("can only install packages when your package\\.json and package-lock\\.json.*are in sync|`npm ci` can only install")

func either(yes bool, a, b string) string {
	if yes {
		return a
	}
	return b
}

// prune removes the development dependencies from where they were installed.
func (n *nodeProject) prune(ctx context.Context) error {
	switch {
	case n.manager == paas.ManagerNPM:
		return n.call(ctx, n.top, nil, "prune", "--no-save", "--omit=dev", "--ignore-scripts")
	case n.manager == paas.ManagerPNPM:
		return n.call(ctx, n.top, nil, "install", "--prod", "--offline", "--ignore-scripts", "--store-dir="+n.cached("pnpm"), either(filepath.Base(n.lock) != "package.json", "--frozen-lockfile", "--no-frozen-lockfile"))
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

// buildCaches puts the caches of bundlers on the cache volume, so that it is not in the image either.
func (n *nodeProject) buildCaches() (undo func(), err error) {
	links := map[string]string{filepath.Join(n.app, "node_modules", ".cache"): n.cached("bundler")}
	if n.Plan.Framework == paas.FrameworkNextJS {
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
