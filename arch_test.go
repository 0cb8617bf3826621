package main

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/cloudsania/cloudsania"

// mayImport is the map of ARCHITECTURE: which of our own packages each one may import. A package that is missing here fails the test.
var mayImport = map[string][]string{
	"server":            {"git", "auth", "access", "api", "deploy", "builder/...", "docker", "proxy", "store", "upload", "ui", "disk", "terminal", "qr", "paas"},
	"":                  {"builder/buildpack", "cli"},
	"cli":               {"api", "archive", "builder", "builder/detect", "builder/lifecycle", "daemon", "examples", "paas"},
	"daemon":            {"auth", "builder/...", "deploy", "docker", "git", "paas", "proxy", "run", "server", "store", "upload"},
	"examples":          {},
	"git":               {"access", "archive", "run", "disk", "terminal", "keyed", "paas"},
	"auth":              {"access", "store", "paas"},
	"access":            {"paas"},
	"api":               {"paas"},
	"upload":            {"archive", "disk", "paas"},
	"archive":           {"disk", "paas"},
	"deploy":            {"builder/...", "docker", "proxy", "store", "disk", "terminal", "paas"},
	"builder":           {"builder/...", "run", "disk", "terminal", "keyed", "paas"},
	"builder/contract":  {"paas"},
	"builder/buildpack": {"builder/contract", "run", "terminal", "paas"},
	"builder/detect":    {"builder/contract", "paas"},
	"builder/registry":  {"paas"},
	"builder/runtimes":  {"builder/contract", "run", "disk", "keyed", "paas"},
	"builder/lifecycle": {"paas"},
	"docker":            {"disk", "paas"},
	"proxy":             {"run", "disk", "paas"},
	"store":             {"disk", "paas"},
	"ui":                {"terminal", "qr", "paas"},
	"run":               {"paas"},
	"disk":              {"paas"},
	"terminal":          {"paas"},
	"keyed":             {},
	"meter":             {"disk", "paas"},
	"qr":                {},
	"paas":              {},
}

// onlyImporter says which package alone may import a module: what it stands for stays behind one door.
var onlyImporter = map[string][]string{
	"os/exec":                                 {"run"},
	"github.com/labstack/echo/v4":             {"server"},
	"github.com/buildpacks/pack":              {"builder"},
	"github.com/distribution/distribution/v3": {"builder"},
	"github.com/moby/moby/client":             {"docker"},
	"github.com/caddyserver/certmagic":        {"proxy"},
	"go.etcd.io/bbolt":                        {"store"},
}

type listed struct {
	ImportPath string
	Imports    []string
}

func TestImportDirections(t *testing.T) {
	for _, p := range packages(t) {
		name := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		top, _, _ := strings.Cut(name, "/")
		if top == "e2e" || top == "bench" || strings.HasSuffix(top, "test") || strings.HasSuffix(name, "test") || strings.HasPrefix(name, "builder/lifecycle/") {
			continue // tests, benchmarks and generators are not the product
		}
		allowed, ok := mayImport[name]
		if !ok {
			t.Errorf("package %q is not on the map: add it to ARCHITECTURE and here", name)
			continue
		}
		for _, imp := range p.Imports {
			checkModule(t, name, top, imp)
			own, ok := strings.CutPrefix(imp, module+"/")
			if ok && !permitted(allowed, own) {
				t.Errorf("%q imports %q: arrows point down only", name, own)
			}
		}
	}
}

func checkModule(t *testing.T, name, top, imp string) {
	t.Helper()
	for mod, owners := range onlyImporter {
		if (imp == mod || strings.HasPrefix(imp, mod+"/")) && !slices.Contains(owners, top) {
			t.Errorf("%q imports %q: only %v may", name, imp, owners)
		}
	}
}

func permitted(allowed []string, own string) bool {
	for _, a := range allowed {
		prefix, tree := strings.CutSuffix(a, "/...")
		if a == own || tree && (own == prefix || strings.HasPrefix(own, prefix+"/")) {
			return true
		}
	}
	return false
}

// packages lists the product's packages with their imports, tests left out.
func packages(t *testing.T) []listed {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listed
	for dec := json.NewDecoder(strings.NewReader(string(out))); dec.More(); {
		var p listed
		if err := dec.Decode(&p); err != nil {
			t.Fatalf("go list: %v", err)
		}
		all = append(all, p)
	}
	if len(all) < 10 {
		t.Fatalf("go list found only %d packages", len(all))
	}
	return all
}
