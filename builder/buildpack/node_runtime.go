package buildpack

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/cloudsania/cloudsania/paas"
)

// programs are the files of the package managers' packages that are their programs, by the names people call them.
var programs = map[string]map[string][]string{
	paas.ManagerNPM:  {"npm": {"bin/npm-cli.js"}, "npx": {"bin/npx-cli.js"}},
	paas.ManagerPNPM: {"pnpm": {"bin/pnpm.mjs", "bin/pnpm.cjs"}, "pnpx": {"bin/pnpx.mjs", "bin/pnpx.cjs"}},
	paas.ManagerYarn: {"yarn": {"bin/yarn.js"}, "yarnpkg": {"bin/yarn.js"}},
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
			name := map[string]string{
				"npx": paas.ManagerNPM, "pnpx": paas.ManagerPNPM, "yarnpkg": paas.ManagerYarn,
			}[m[1]]
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

// expandScript replaces a command that only calls a script of package.json by the script: the package manager would
// stay in memory beside the app, and not all of them pass signals on.
func (b *build) expandScript(line string) string {
	if b.Plan.Language != paas.LanguageNode {
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
