package detect

import (
	"path"
	"slices"
	"strings"

	"github.com/cloudsania/cloudsania/paas"
)

// foreign are files of languages that are not built yet: naming them spares people a search.
var foreign = []struct{ file, name string }{
	{"Dockerfile", "a Dockerfile"}, {"docker-compose.yml", "a Compose file"}, {"compose.yaml", "a Compose file"}, {"Gemfile", "Ruby (Gemfile)"}, {"pom.xml", "Java (pom.xml)"},
	{"build.gradle", "Java (build.gradle)"}, {"build.gradle.kts", "Kotlin (build.gradle.kts)"}, {"Cargo.toml", "Rust (Cargo.toml)"}, {"mix.exs", "Elixir (mix.exs)"},
	{"deno.json", "Deno (deno.json)"}, {"hugo.toml", "Hugo (hugo.toml)"}, {"environment.yml", "Conda (environment.yml)"}, {"build.sbt", "Scala (build.sbt)"},
	{"project.clj", "Clojure (project.clj)"}, {"Package.swift", "Swift (Package.swift)"}, {"CMakeLists.txt", "C or C++ (CMakeLists.txt)"},
}

// unrecognised says what is there, what would be recognised, and which directory looks like the app when the root
// does not.
func (d *detection) unrecognised() error {
	e := &paas.Error{
		Kind: paas.Invalid,
		Msg:  "no recognisable language",
		Hint: "add one of these at the root: " + paas.LanguageManifests(),
	}
	names := d.list(".")
	for _, f := range foreign {
		if d.file(f.file) {
			e.Msg += ": this looks like " + f.name + ", which cannot be built yet"
			return e
		}
	}
	const shown = 12
	if len(names) > shown {
		names = append(names[:shown:shown], "…")
	}
	e.Msg += ": found " + paas.Clip(strings.Join(names, ", "), 300)
	if dir := d.likelyRoot(); dir != "" {
		e.Hint = "the app seems to be in \"" + dir + "\": choose it as root directory in the settings; or add at the root one of: " + paas.LanguageManifests()
	}
	return e
}

// likelyRoot is the nearest directory below that holds a file which shows a language.
func (d *detection) likelyRoot() string {
	found := d.find(1, func(name string) bool {
		return slices.ContainsFunc(paas.Languages, func(l paas.Language) bool { return slices.Contains(l.Manifests, name) })
	})
	if len(found) == 0 {
		return ""
	}
	return d.at(path.Dir(found[0]))
}
