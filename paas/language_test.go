package paas

import (
	"strings"
	"testing"
)

func TestLanguagesAreDescribed(t *testing.T) {
	seen := map[string]string{}
	for _, l := range Languages {
		if l.Name == "" || l.Label == "" || len(l.Mark) != 2 || l.Hue < 1 || l.Hue > 10 || len(l.Manifests) == 0 || (l.Runtime == "") != (l.RuntimeLabel == "") {
			t.Errorf("the description lacks something: %+v", l)
		}
		for _, unique := range append([]string{"name " + l.Name, "mark " + l.Mark}, l.Manifests...) {
			if seen[unique] != "" {
				t.Errorf("%q is of %s and of %s", unique, seen[unique], l.Name)
			}
			seen[unique] = l.Name
		}
		if got, ok := LanguageNamed(l.Name); !ok || got.Label != l.Label {
			t.Errorf("%q is %+v", l.Name, got)
		}
	}
	if l, ok := LanguageNamed("cobol"); ok || l.Name != "" {
		t.Errorf("an unknown language is %+v", l)
	}
}

func TestLanguageManifests(t *testing.T) {
	got := LanguageManifests()
	if !strings.HasPrefix(got, "package.json (Node.js), requirements.txt, pyproject.toml or Pipfile (Python), ") || !strings.HasSuffix(got, ", index.html (Static site) or Procfile") {
		t.Errorf("%q", got)
	}
}
