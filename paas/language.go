package paas

import "strings"

// Language describes a language that sources are written in, for pages, messages, detection and the builder. How its
// sources are recognised and built is in builder/detect and builder/buildpack, in one file of the language's name
// each.
type Language struct {
	Name  string // in plans
	Label string // for people
	Mark  string // two letters of its tile
	Hue   int    // of its tile: one of the design's

	Runtime      string // whose version is named with it; "" for none
	RuntimeLabel string // beside a version: "Node 24"
	MajorOnly    bool   // people name its major version: "Node 24", but "Python 3.13"

	Manifests []string // files that show it at the root of a source, the usual ones first
	Programs  []string // commands of a Procfile that show it
	Excluded  []string // never sent to a build: what another machine compiled
	Installed []string // sent only where nothing is installed: what an install makes anew
}

// The languages of plans.
const (
	LanguageNode     = "node"
	LanguagePython   = "python"
	LanguagePHP      = "php"
	LanguageGo       = "go"
	LanguageStatic   = "static"
	LanguageProcfile = "procfile" // none that is known: a Procfile or the settings say what to start
)

// Languages are all that can be built, in the order in which messages name them.
var Languages = []Language{
	{
		Name: LanguageNode, Label: "Node.js", Mark: "No", Hue: 5,
		Runtime: RuntimeNode, RuntimeLabel: "Node", MajorOnly: true,
		Manifests: []string{"package.json"},
		Programs:  []string{"node", "npm", "npx", "yarn", "pnpm", "next", "tsx", "ts-node"},
		Installed: []string{"node_modules"},
	},
	{
		Name: LanguagePython, Label: "Python", Mark: "Py", Hue: 3,
		Runtime: RuntimePython, RuntimeLabel: "Python",
		Manifests: []string{"requirements.txt", "pyproject.toml", "Pipfile"},
		Programs: []string{"python", "python3", "gunicorn", "uvicorn", "hypercorn", "daphne", "flask", "streamlit", "uwsgi",
			"waitress-serve"},
		Excluded: []string{".venv", "venv", "__pycache__", ".pdm-python"},
	},
	{
		Name: LanguagePHP, Label: "PHP", Mark: "Ph", Hue: 9,
		Manifests: []string{"composer.json", "index.php"},
	},
	{
		Name: LanguageGo, Label: "Go", Mark: "Go", Hue: 7,
		Runtime: RuntimeGo, RuntimeLabel: "Go",
		Manifests: []string{"go.mod"},
	},
	{Name: LanguageStatic, Label: "Static site", Mark: "St", Hue: 6, Manifests: []string{"index.html"}},
	{Name: LanguageProcfile, Label: "Procfile", Mark: "Pr", Hue: 10, Manifests: []string{"Procfile"}},
}

// LanguageNamed finds a language by its name in plans; ok is false, and the language empty, for a name that is unknown.
func LanguageNamed(name string) (l Language, ok bool) {
	for _, l := range Languages {
		if l.Name == name {
			return l, true
		}
	}
	return Language{}, false
}

// LanguageManifests names the files by which sources are recognised, for people:
// "package.json (Node.js), go.mod (Go) or Procfile".
func LanguageManifests() string {
	var names []string
	for _, l := range Languages {
		files := alternatives(l.Manifests)
		if files != l.Label {
			files += " (" + l.Label + ")"
		}
		names = append(names, files)
	}
	return alternatives(names)
}

// alternatives joins names for a sentence: "a, b or c".
func alternatives(names []string) string {
	last := len(names) - 1
	if last < 1 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:last], ", ") + " or " + names[last]
}
