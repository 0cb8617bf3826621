package detect

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/cloudsania/cloudsania/builder/contract"
	"github.com/cloudsania/cloudsania/paas"
)

// nodeNames are the long-term support lines by name, as .nvmrc files use them.
var nodeNames = map[string]string{"argon": "4", "boron": "6", "carbon": "8", "dubnium": "10", "erbium": "12", "fermium": "14",
	"gallium": "16", "hydrogen": "18", "iron": "20", "jod": "22", "krypton": "24"}

// wish is a version that a file asks for.
type wish struct{ text, file string }

// nodeVersion chooses the Node line and returns its constraint. A pin (.nvmrc and the like) wins while "engines"
// allows it; a range that allows the default line gets that one, since the newest of ">=18" changes under the app's
// feet.
func (d *detection) nodeVersion(pkg *packageJSON) string {
	pin := d.nodePin(pkg)
	engines := wish{pkg.Engines["node"], "package.json"}
	if engines.text != "" {
		if _, err := semver.NewConstraint(engines.text); err != nil {
			d.warn("package.json asks for Node %q, which is not a version range: the default is used", engines.text)
			engines.text = ""
		}
	}
	chosen := engines
	if pin.text != "" {
		if allowed(engines.text, pin.text) {
			chosen = pin
		} else {
			d.warn("%s asks for Node %s, but package.json allows only %q: package.json is followed", pin.file, pin.text, engines.text)
		}
	}
	if chosen.text == "" {
		constraint := fmt.Sprintf("^%d", contract.DefaultNode)
		d.runtime(paas.RuntimeNode, constraint, "")
		d.fact("", "Node %d, the default: no file asks for a version", contract.DefaultNode)
		return constraint
	}
	constraint := preferLine(chosen.text, contract.DefaultNode)
	d.runtime(paas.RuntimeNode, constraint, chosen.file)
	d.fact(chosen.file, "Node %s", chosen.text)
	if major := newestMajor(constraint, 99); major < 18 {
		d.warn("Node %s gets no security fixes any more; choose %d in package.json's \"engines\"", chosen.text, contract.DefaultNode)
	}
	return constraint
}

// nodePin reads the files that version managers use.
func (d *detection) nodePin(pkg *packageJSON) wish {
	pins := []wish{{d.text(".nvmrc"), ".nvmrc"}, {d.text(".node-version"), ".node-version"},
		{toolVersion(d.text(".tool-versions"), "nodejs", "node"), ".tool-versions"}, {pkg.Volta["node"], "package.json"}}
	for _, p := range pins {
		if p.text = pinnedNode(p.text); p.text != "" {
			if _, err := semver.NewConstraint(p.text); err == nil {
				return p
			}
			d.warn("%s asks for Node %q, which is not a version", p.file, p.text)
		}
	}
	return wish{}
}

// pinnedNode reads the first line of a .nvmrc: "v20.11.0", "20", "lts/iron". Names that mean "the newest" ask for
// nothing.
func pinnedNode(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	line, _, _ = strings.Cut(line, "#")
	line = strings.ToLower(strings.TrimSpace(line))
	if name, ok := strings.CutPrefix(line, "lts/"); ok {
		return nodeNames[name]
	}
	switch line {
	case "node", "stable", "latest", "current", "lts", "system", "default":
		return ""
	}
	return strings.TrimPrefix(strings.TrimPrefix(line, "node-"), "v")
}

// toolVersion reads a line such as "nodejs 20.11.0" of asdf's and mise's .tool-versions.
func toolVersion(text string, names ...string) string {
	for _, line := range strings.Split(text, "\n") {
		f := strings.Fields(line)
		for _, n := range names {
			if len(f) > 1 && f[0] == n {
				return f[1]
			}
		}
	}
	return ""
}

var leadingVersion = regexp.MustCompile(`^\d+(\.\d+){0,2}`)

// allowed reports whether a pinned version is within a range; "" is every range.
func allowed(constraint, pin string) bool {
	if constraint == "" {
		return true
	}
	c, err := semver.NewConstraint(constraint)
	if err != nil {
		return true
	}
	v := leadingVersion.FindString(pin)
	for strings.Count(v, ".") < 2 {
		v += ".99"
	}
	parsed, err := semver.NewVersion(v)
	return err != nil || c.Check(parsed)
}

// preferLine narrows a range to one major line when the range allows its newest versions, and leaves it alone
// otherwise.
func preferLine(constraint string, major uint64) string {
	c, err := semver.NewConstraint(constraint)
	if err != nil || !c.Check(semver.New(major, 99, 99, "", "")) {
		return constraint
	}
	line := fmt.Sprintf("^%d", major)
	if c.Check(semver.New(major, 0, 0, "", "")) {
		return line
	}
	if strings.Contains(constraint, "||") {
		return constraint
	}
	return constraint + ", " + line
}

// newestMajor is the highest major version, up to max, that a range allows; 0 when there is none.
func newestMajor(constraint string, max uint64) uint64 {
	c, err := semver.NewConstraint(constraint)
	if err != nil {
		return 0
	}
	for major := max; major > 0; major-- {
		for _, v := range []*semver.Version{semver.New(major, 99, 99, "", ""), semver.New(major, 0, 0, "", "")} {
			if c.Check(v) {
				return major
			}
		}
	}
	if v, err := semver.NewVersion(leadingVersion.FindString(constraint)); err == nil {
		return v.Major()
	}
	return 0
}

// npmFor is the npm line that Node's release line came with: a newer npm does not run on an older Node.
func npmFor(node string) string {
	switch major := newestMajor(node, 40); {
	case major == 0 || major >= 24:
		return "^11"
	case major >= 18:
		return "^10"
	case major >= 16:
		return "^8"
	}
	return "^6"
}

// manager reads package.json's "packageManager": "pnpm@9.1.0+sha512.…".
func (p *packageJSON) manager() (name, version string) {
	name, version, _ = strings.Cut(p.PackageManager, "@")
	version, _, _ = strings.Cut(version, "+")
	if _, err := semver.NewVersion(version); err != nil {
		version = ""
	}
	return name, version
}

// onlyPnpm10 reports whether the pnpm settings are ones that pnpm 9 and older misread.
func onlyPnpm10(pkg *packageJSON, workspace string) bool {
	if _, ok := pkg.pnpm["onlyBuiltDependencies"]; ok {
		return true
	}
	if workspace == "" {
		return false
	}
	return !regexp.MustCompile(`(?m)^packages\s*:`).MatchString(workspace) || regexp.MustCompile(`(?m)^(onlyBuiltDependencies|ignoredBuiltDependencies|allowBuilds|overrides|patchedDependencies)\s*:`).MatchString(workspace)
}

// berryLock reports whether a yarn.lock was written by Yarn 2 or newer.
func berryLock(head string) bool { return strings.Contains(head, "__metadata:") }

var pnpmLockVersion = regexp.MustCompile(`(?m)^lockfileVersion:\s*'?(\d+)`)

// pnpmFor is the pnpm line that wrote a lock file.
func pnpmFor(lockHead string, ten bool) string {
	m := pnpmLockVersion.FindStringSubmatch(lockHead)
	switch {
	case m == nil || ten:
		return "^10"
	case m[1] == "5":
		return "^7"
	case m[1] == "6":
		return "^8"
	}
	return "^9"
}
