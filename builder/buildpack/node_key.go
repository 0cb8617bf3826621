package buildpack

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// manifestFiles are what an install reads besides package.json. Directories count with all their files.
var manifestFiles = []string{
	"package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "yarn.lock", ".npmrc", ".yarnrc", ".yarnrc.yml",
	".pnpmfile.cjs", "pnpm-workspace.yaml", "patches", ".yarn/patches",
}

// needsSource reports whether an install reads more of the source than the manifests.
func (n *nodeProject) needsSource() bool {
	return n.berry || n.pkg.depends("@prisma/client") || exists(filepath.Join(n.top, "patches"))
}

// workspacePackages reports whether pnpm-workspace.yaml lists packages; it may hold settings only.
func (n *nodeProject) workspacePackages() bool {
	b, err := readFile(filepath.Join(n.top, "pnpm-workspace.yaml"), maxManifestBytes)
	if err != nil {
		return true
	}
	for _, line := range strings.Split(string(b), "\n") {
		if strings.HasPrefix(line, "packages:") {
			return true
		}
	}
	return false
}

// keyFields are the members of package.json that change what is installed.
var keyFields = []string{"dependencies", "devDependencies", "optionalDependencies", "peerDependencies", "overrides", "resolutions", "pnpm", "packageManager",
	"bundledDependencies", "bundleDependencies", "dependenciesMeta", "config"}

// manifestKey is a hash over all that decides what an install leaves.
func (n *nodeProject) manifestKey() (string, error) {
	parts := []string{
		"modules 1",
		lineOf(n.nodeVersion, 1),
		n.manager,
		lineOf(n.managed, 1),
		fmt.Sprint(n.Plan.KeepDev),
	}
	for _, f := range keyFields {
		parts = append(parts, f, string(n.pkg.raw[f]))
	}
	for _, s := range installScripts {
		parts = append(parts, s, n.pkg.Scripts[s])
	}
	for _, kv := range n.Env {
		for _, prefix := range []string{"npm_config_", "npm_package_", "pnpm_", "yarn_"} {
			if strings.HasPrefix(strings.ToLower(kv), prefix) {
				parts = append(parts, kv)
			}
		}
	}
	files := manifestFiles
	if n.pkg.depends("@prisma/client") {
		files = append(slices.Clone(files), "prisma", "prisma.config.ts") // its install script reads the schema
	}
	for _, name := range files {
		sum, err := hashTree(filepath.Join(n.top, name), nil)
		if err != nil {
			return "", err
		}
		parts = append(parts, name, sum)
	}
	return keyOf(parts...), nil
}

// unstable are files in node_modules that hold times or the state of tools.
var unstable = map[string]bool{
	".cache": true, ".vite": true, ".modules.yaml": true, ".yarn-state.yml": true, ".yarn-integrity": true,
	".package-lock.json": true, ".pnpm-workspace-state.json": true, ".pnpm-workspace-state-v1.json": true,
}

// changedKey adds to key what was changed in node_modules since then, such as a generated database client. Inode
// change times are looked at, which no program can set.
func (n *nodeProject) changedKey(key string, since time.Time) (string, error) {
	sum, err := hashTree(filepath.Join(n.top, "node_modules"), func(name string, info fs.FileInfo) bool {
		if unstable[filepath.Base(name)] {
			return false
		}
		st, ok := info.Sys().(*syscall.Stat_t)
		return info.IsDir() || !ok || time.Unix(st.Ctim.Sec, st.Ctim.Nsec).After(since)
	})
	return keyOf("changed", key, sum), err
}
