package page_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestVariablesInTheBrowser(t *testing.T) {
	b := town(t)
	const path = "/apps/shop/variables"
	to := b.sent(path, url.Values{"new_name": {"A", "", "VITE_X"}, "new_value": {"secret-1\r\nsecond line", "", "x"}, "new_build": {"", "", ""}, "env": {"export B='two words' # no\nC=3 # comment\n\n# nothing\nD=\"a\\nb\""}})
	if !strings.HasPrefix(to, "/deploys/dep_") {
		t.Fatalf("leads to %q", to)
	}
	app, err := b.Store.FindApp("shop")
	if err != nil {
		t.Fatal(err)
	}
	got := func() map[string]string {
		vars, err := b.Store.Variables(b.Target(app))
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]string{}
		for _, v := range vars {
			out[v.Name] = v.Value.Reveal()
			if v.Build {
				out[v.Name] += " (build)"
			}
		}
		return out
	}
	want := map[string]string{"A": "secret-1\nsecond line", "VITE_X": "x (build)", "B": "two words", "C": "3", "D": "a\nb"}
	if g := got(); !mapsEqual(g, want) {
		t.Fatalf("%q, want %q", g, want)
	}
	page := b.page(path)
	if strings.Contains(page, "secret-1") || strings.Contains(page, "two words") {
		t.Error("a value is shown")
	}
	says(t, page, "VITE_X", "Public", "Saving makes a new version. v2 keeps serving until it is healthy.")
	b.sent(path, url.Values{"old_name": {"A", "B", "C", "D", "VITE_X"}, "old_value": {"new", "", "", "", ""}, "old_build": {"C"}, "remove": {"B"}})
	if g := got(); g["A"] != "new" || g["B"] != "" || g["C"] != "3 (build)" || g["D"] != "a\nb" || g["VITE_X"] != "x (build)" {
		t.Errorf("%q", g)
	}
	if to := b.sent(path, url.Values{"old_name": {"A"}, "old_value": {""}}); to != path {
		t.Errorf("no change leads to %q", to)
	}
	says(t, b.page(path), "Nothing was different.")
	page = b.refusedForm(http.StatusBadRequest, path, url.Values{"new_name": {"1X"}, "new_value": {"hidden-value"}}, `"1X" cannot be a variable's name.`)
	if strings.Contains(page, "hidden-value") || !strings.Contains(page, `value="1X"`) {
		t.Error("the row is forgotten, or its value is not")
	}
	b.refusedForm(http.StatusBadRequest, path, url.Values{"env": {"GOOD=1\nnot a line"}}, `Line 2 of the pasted text has no "=".`)
}

func mapsEqual(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for k, v := range a {
		if b[k] != v {
			return false
		}
	}
	return true
}
