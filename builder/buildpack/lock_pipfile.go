package buildpack

import (
	"encoding/json"
	"strings"

	"github.com/BurntSushi/toml"
)

// pipfileLock converts a Pipfile.lock.
func pipfileLock(b []byte) (requirements, error) {
	var l struct {
		Meta struct {
			Sources []struct{ Name, URL string }
		} `json:"_meta"`
		Default map[string]struct {
			Version, Markers, Git, Ref, Path, File string
			Extras, Hashes                         []string
		}
	}
	if err := json.Unmarshal(b, &l); err != nil {
		return requirements{}, err
	}
	if l.Default == nil {
		return requirements{}, errNoPackages
	}
	var r requirements
	for _, s := range l.Meta.Sources {
		r.addIndex(s.Name, s.URL)
	}
	for name, p := range l.Default {
		var err error
		switch {
		case p.Git != "":
			err = r.addDirect(name, "git+"+p.Git+"@"+p.Ref, p.Markers)
		case p.Path != "":
			err = r.addDirect(name, localPath(p.Path), p.Markers)
		case p.File != "":
			err = r.addDirect(name, p.File, p.Markers)
		default:
			err = r.add(pin{
				name:    name,
				version: strings.TrimLeft(p.Version, "= "),
				marker:  p.Markers,
				extras:  p.Extras,
				hashes:  p.Hashes,
			})
		}
		if err != nil {
			return r, err
		}
	}
	r.sort()
	return r, nil
}

// pipfile converts a Pipfile without a lock: its tables are close to Poetry's, with Python's own version ranges.
func pipfile(b []byte) (requirements, error) {
	var t struct {
		Source   []struct{ Name, URL string }
		Packages map[string]any
	}
	if _, err := toml.Decode(string(b), &t); err != nil {
		return requirements{}, err
	}
	r := requirements{wanted: []string{}}
	for _, s := range t.Source {
		r.addIndex(s.Name, s.URL)
	}
	for name, v := range t.Packages {
		if table, ok := v.(map[string]any); ok {
			if ref, ok := table["ref"].(string); ok {
				table["rev"] = ref
			}
		}
		if err := r.wantPoetry(name, v); err != nil {
			return r, err
		}
	}
	r.sort()
	return r, nil
}
