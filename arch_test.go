package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/cloudsania/cloudsania"

// imports is the map of ARCHITECTURE: which of our own packages each one imports, exactly, in alphabetical order. A package that is
// missing here fails the test, and so does an arrow that nothing needs any more.
var imports = map[string][]string{
	"":                  {"builder/buildpack", "cli"},
	"cli":               {"api", "archive", "builder/detect", "daemon", "examples", "paas"},
	"daemon":            {"auth", "builder", "builder/detect", "builder/lifecycle", "control", "deploy", "docker", "git", "meter", "paas", "proxy", "run", "server", "server/page", "server/rest", "store", "upload"},
	"server":            {"access", "api", "auth", "control", "paas", "store", "upload"},
	"auth":              {"access", "paas", "qr", "store"},
	"control":           {"access", "auth", "disk", "paas", "store", "upload"},
	"server/page":       {"access", "auth", "control", "meter", "paas", "server", "terminal", "ui", "upload"},
	"server/rest":       {"access", "api", "auth", "control", "paas", "server", "terminal"},
	"git":               {"archive", "disk", "keyed", "paas", "run", "terminal"},
	"access":            {"paas"},
	"api":               {"paas"},
	"examples":          {},
	"archive":           {"disk", "paas"},
	"deploy":            {"builder", "builder/contract", "builder/detect", "disk", "docker", "paas", "store", "terminal"},
	"meter":             {"disk", "paas"},
	"builder":           {"builder/contract", "builder/lifecycle", "builder/registry", "builder/runtimes", "disk", "keyed", "paas", "run", "terminal"},
	"builder/buildpack": {"builder/contract", "paas", "run", "terminal"},
	"builder/detect":    {"builder/contract", "paas"},
	"builder/registry":  {"paas"},
	"builder/runtimes":  {"builder/contract", "disk", "keyed", "paas", "run"},
	"builder/lifecycle": {"paas"},
	"docker":            {"disk", "paas"},
	"proxy":             {"disk", "paas", "run"},
	"store":             {"disk", "paas"},
	"ui":                {"paas", "qr", "terminal"},
	"run":               {"paas"},
	"disk":              {"paas"},
	"terminal":          {"paas"},
	"keyed":             {},
	"qr":                {},
	"paas":              {},
	"builder/contract":  {"paas"},
	"upload":            {"archive", "disk", "paas", "terminal"},
}

// onlyImporter says which package alone may import a module: what it stands for stays behind one door.
var onlyImporter = map[string]string{
	"os/exec":                                 "run",
	"github.com/labstack/echo/v4":             "server",
	"github.com/buildpacks/pack":              "builder",
	"github.com/distribution/distribution/v3": "builder/registry",
	"github.com/moby/moby/client":             "docker",
	"github.com/caddyserver/certmagic":        "proxy",
	"go.etcd.io/bbolt":                        "store",
	"github.com/boombuler/barcode":            "qr",
}

func TestImports(t *testing.T) {
	for _, problem := range offMap(list(t, "./..."), imports) {
		t.Error(problem)
	}
	wrong := []listed{
		{ImportPath: module + "/up", Imports: []string{"fmt", module + "/down", "os/exec"}},
		{ImportPath: module + "/down", Imports: []string{module + "/up"}},
		{ImportPath: module + "/new"},
	}
	got := offMap(wrong, map[string][]string{"up": {"down", "gone"}, "down": {}, "closed": {}})
	want := []string{`"up" no longer imports "gone"`, `"up" imports "os/exec"`, `"down" imports "up"`, `"new" is not on the map`, `"closed" is on the map`}
	assertProblems(t, got, want...)
}

// The command line works on other systems: nothing that only a server needs is in it.
func TestImportsOfTheClient(t *testing.T) {
	server := []string{"daemon", "server", "git", "deploy", "builder", "docker", "proxy", "store", "run"}
	for _, system := range []string{"darwin", "windows"} {
		t.Setenv("GOOS", system)
		for _, p := range list(t, "-deps", ".") {
			if name, ok := own(p.ImportPath); ok && slices.Contains(server, name) {
				t.Errorf("on %s, the command line imports %q, which only a server needs", system, name)
			}
		}
	}
}

// offMap compares packages with a map, both ways.
func offMap(packages []listed, imports map[string][]string) []string {
	var out []string
	seen := map[string]bool{}
	for _, p := range packages {
		name, _ := own(p.ImportPath)
		if !isProduct(name) {
			continue
		}
		seen[name] = true
		arrows, ok := imports[name]
		if !ok {
			out = append(out, fmt.Sprintf("package %q is not on the map: add it to ARCHITECTURE and here", name))
			continue
		}
		for _, to := range arrows {
			if !slices.Contains(p.Imports, module+"/"+to) {
				out = append(out, fmt.Sprintf("%q no longer imports %q: take the arrow away", name, to))
			}
		}
		for _, imp := range p.Imports {
			if to, ok := own(imp); ok && !slices.Contains(arrows, to) {
				out = append(out, fmt.Sprintf("%q imports %q: the map has no such arrow", name, to))
			}
			for mod, owner := range onlyImporter {
				if (imp == mod || strings.HasPrefix(imp, mod+"/")) && name != owner {
					out = append(out, fmt.Sprintf("%q imports %q: only %q may", name, imp, owner))
				}
			}
		}
	}
	for name := range imports {
		if !seen[name] {
			out = append(out, fmt.Sprintf("package %q is on the map and does not exist", name))
		}
	}
	return out
}

// isProduct leaves out tests, benchmarks and generators.
func isProduct(name string) bool {
	top, _, _ := strings.Cut(name, "/")
	return top != "e2e" && top != "bench" && !strings.HasSuffix(name, "test") && !strings.HasPrefix(name, "builder/lifecycle/")
}

// own tells a package of this module by its path in it, "" for the root.
func own(importPath string) (name string, ok bool) {
	if importPath == module {
		return "", true
	}
	return strings.CutPrefix(importPath, module+"/")
}

// listed is a package as `go list` describes it.
type listed struct {
	ImportPath, Dir, Export string
	GoFiles, Imports        []string
	DepOnly                 bool
}

// list asks `go list`: packages without their tests.
func list(t *testing.T, args ...string) []listed {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Dir,Export,GoFiles,Imports,DepOnly"}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %v: %v", args, err)
	}
	var all []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); {
		var p listed
		if err := dec.Decode(&p); err != nil {
			t.Fatalf("go list %v: %v", args, err)
		}
		all = append(all, p)
	}
	if len(all) == 0 {
		t.Fatalf("go list %v found no package", args)
	}
	return all
}
