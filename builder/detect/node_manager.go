package detect

import (
	"path"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/cloudsania/cloudsania/paas"
)

// nodeLocks are the lock files and who writes them, the first present one wins.
var nodeLocks = []struct{ file, manager string }{
	{"pnpm-lock.yaml", paas.ManagerPNPM},
	{"yarn.lock", paas.ManagerYarn},
	{"package-lock.json", paas.ManagerNPM},
	{"npm-shrinkwrap.json", paas.ManagerNPM},
}

// nodeManager chooses the package manager, its version, and the lock file: of the app's directory, or of the
// workspace around it.
func (d *detection) nodeManager(pkg *packageJSON, node string) error {
	top, above, err := d.workspaceAbove()
	if err != nil {
		return err
	}
	wanted, version := pkg.manager()
	if wanted == "" && above != nil {
		wanted, version = above.manager()
	}
	locks := d.nodeLockFiles(top)
	if wanted == "bun" || len(locks) == 0 && (d.file("bun.lock") || d.file("bun.lockb")) {
		d.warn("bun's lock file is not read: npm installs the newest versions that package.json allows")
		wanted, version = paas.ManagerNPM, ""
	}
	lock := ""
	for _, l := range locks {
		if wanted == "" || l.manager == wanted {
			wanted, lock = l.manager, l.file
			break
		}
	}
	if len(locks) > 1 {
		d.warn("there are several lock files: %s is used; delete the others", lock)
	}
	if !slices.Contains([]string{paas.ManagerNPM, paas.ManagerPNPM, paas.ManagerYarn}, wanted) {
		wanted, version = paas.ManagerNPM, ""
	}
	d.plan.PackageManager, d.plan.DependencyFile = wanted, lock
	d.nodeInstall(pkg, top)
	d.managerRuntime(pkg, top, node, version)
	return nil
}

// workspaceAbove finds the root package of a monorepo, when the app is a directory of one: where the lock file is then.
func (d *detection) workspaceAbove() (dir string, pkg *packageJSON, err error) {
	if d.root == "" {
		return "", nil, nil
	}
	if slices.ContainsFunc(nodeLocks, func(l struct{ file, manager string }) bool { return d.file(l.file) }) {
		return d.root, nil, nil
	}
	whole := source{whole: d.whole, fsys: d.whole}
	for dir := path.Dir(d.root); ; dir = path.Dir(dir) {
		name := path.Join(dir, "package.json")
		if whole.file(name) {
			b, err := whole.read(name, maxConfigBytes)
			if err != nil {
				return "", nil, err
			}
			p, err := parsePackageJSON(name, b)
			if err != nil {
				return "", nil, err
			}
			if p.workspaces || whole.file(path.Join(dir, "pnpm-workspace.yaml")) {
				return dir, p, nil
			}
		}
		if dir == "." {
			return d.root, nil, nil
		}
	}
}

// nodeLockFiles lists the lock files in dir, named from the source itself.
func (d *detection) nodeLockFiles(dir string) (found []struct{ file, manager string }) {
	whole := source{whole: d.whole, fsys: d.whole}
	for _, l := range nodeLocks {
		l.file = path.Join(dir, l.file)
		if whole.file(l.file) {
			found = append(found, l)
		}
	}
	return found
}

func (d *detection) nodeInstall(pkg *packageJSON, top string) {
	p := &d.plan
	whole := source{whole: d.whole, fsys: d.whole}
	manager := p.PackageManager
	if p.DependencyFile == "" {
		if len(pkg.Dependencies)+len(pkg.DevDependencies) == 0 && !pkg.workspaces && (top == "" || top == d.root) {
			d.fact("package.json", "no dependencies: nothing is installed")
			return
		}
		p.DependencyFile = path.Join(top, "package.json")
		p.Install = manager + " install"
		file := map[string]string{
			paas.ManagerNPM: "package-lock.json", paas.ManagerPNPM: "pnpm-lock.yaml", paas.ManagerYarn: "yarn.lock",
		}[manager]
		d.warn("there is no lock file: today's newest versions are installed; run %q and commit %s", p.Install, file)
		d.fact("package.json", "%s, versions not pinned", manager)
		return
	}
	switch {
	case manager == paas.ManagerNPM:
		p.Install = "npm ci"
	case manager == paas.ManagerYarn && berryLock(whole.head(p.DependencyFile, 512)):
		p.Install = "yarn install --immutable"
	default:
		p.Install = manager + " install --frozen-lockfile"
	}
	d.wholeFact(p.DependencyFile, "%s, versions pinned by %s", manager, path.Base(p.DependencyFile))
}

// wholeFact is a fact about a file that is named from the source itself.
func (d *detection) wholeFact(file, format string, args ...any) {
	root := d.root
	d.root = ""
	d.fact(file, format, args...)
	d.root = root
}

// managerRuntime asks for the package manager's program: in the version that the source names, else one that reads
// its lock file. npm comes along with pnpm and Yarn, because scripts call npx.
func (d *detection) managerRuntime(pkg *packageJSON, top, node, version string) {
	p := &d.plan
	npm := npmFor(node)
	if p.PackageManager == paas.ManagerNPM && p.DependencyFile == "" && pkg.Scripts["build"] == "" && !d.callsNPM(pkg) {
		return
	}
	constraint, file := version, "package.json"
	if constraint == "" {
		constraint = pkg.Engines[p.PackageManager]
		if _, err := semver.NewConstraint(constraint); err != nil || constraint == "" {
			constraint, file = "", ""
		}
	}
	if p.PackageManager == paas.ManagerNPM {
		if constraint == "" || version == "" && allowed(constraint, strings.TrimPrefix(npm, "^")) {
			constraint, file = npm, ""
		}
		d.runtime(paas.ManagerNPM, constraint, file)
		return
	}
	d.runtime(paas.ManagerNPM, npm, "")
	if constraint == "" {
		constraint = d.managerLine(pkg, top)
	}
	d.runtime(p.PackageManager, constraint, file)
}

// managerLine is the line of pnpm or Yarn that reads the lock file at hand.
func (d *detection) managerLine(pkg *packageJSON, top string) string {
	whole := source{whole: d.whole, fsys: d.whole}
	head := whole.head(d.plan.DependencyFile, 512)
	if d.plan.PackageManager == paas.ManagerPNPM {
		workspace := whole.text(path.Join(top, "pnpm-workspace.yaml"))
		return pnpmFor(head, onlyPnpm10(pkg, workspace))
	}
	if berryLock(head) || whole.file(path.Join(top, ".yarnrc.yml")) {
		return "^4"
	}
	return "^1.22"
}

// callsNPM reports whether something that is started at run time names npm.
func (d *detection) callsNPM(pkg *packageJSON) bool {
	commands := []string{
		pkg.Scripts["start"],
		pkg.Scripts["prestart"],
		d.procfile.Web,
		d.procfile.Release,
		d.settings.StartCommand,
		d.settings.BuildCommand,
	}
	for _, w := range d.procfile.Workers {
		commands = append(commands, w.Command)
	}
	for _, c := range commands {
		for _, w := range words(c) {
			if w == "npm" || w == "npx" {
				return true
			}
		}
	}
	return false
}
