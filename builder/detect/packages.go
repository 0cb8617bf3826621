package detect

import (
	"regexp"
	"slices"
	"strings"
)

const maxPackages = 60

var (
	packageName  = regexp.MustCompile(`^[a-z0-9][a-z0-9+.-]{1,60}$`)
	nativePython = map[string][]string{
		"opencv-python": {"libgl1", "libglib2.0-0t64"}, "opencv-contrib-python": {"libgl1", "libglib2.0-0t64"},
		"lightgbm": {"libgomp1"}, "xgboost": {"libgomp1"}, "mysqlclient": {"default-libmysqlclient-dev"},
		"weasyprint": {"libpango-1.0-0", "libpangoft2-1.0-0"},
	}
)

// systemPackages adds the packages of an Aptfile, and those without which a well-known dependency does not load.
func (d *detection) systemPackages() {
	for _, line := range strings.Split(d.text("Aptfile"), "\n") {
		line, _, _ = strings.Cut(line, "#")
		line = strings.TrimSpace(line)
		switch {
		case line == "":
		case packageName.MatchString(line):
			d.systemPackage("Aptfile", line)
		default:
			d.warn("the Aptfile's line %q is not the name of a Debian package and is not used", line)
		}
	}
	for _, dep := range sortedNames(d.pythonNames) {
		for _, p := range nativePython[dep] {
			d.systemPackage("", p)
		}
	}
	if d.plan.Static != nil && !d.plan.Static.Built {
		d.plan.Packages = nil
	}
	slices.Sort(d.plan.Packages)
}

func (d *detection) systemPackage(file, name string) {
	if slices.Contains(d.plan.Packages, name) || len(d.plan.Packages) >= maxPackages {
		return
	}
	d.plan.Packages = append(d.plan.Packages, name)
	d.fact(file, "the system package %s", name)
}

func sortedNames(deps dependencies) []string {
	out := make([]string, 0, len(deps))
	for n := range deps {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}
