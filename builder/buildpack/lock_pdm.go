package buildpack

import (
	"slices"

	"github.com/BurntSushi/toml"
)

// pdmLock converts a pdm.lock. Since PDM 2.12 each package says which groups need it; for older ones the project's
// own dependencies are resolved again, within the locked versions.
func pdmLock(lock, project []byte) (requirements, error) {
	type pdmPackage struct {
		Name, Version, Marker string
		Groups, Extras        []string
		Files                 []struct{ Hash string }
		Git, Revision, Ref    string
		Path, URL             string
	}
	var l struct{ Package []pdmPackage }
	if _, err := toml.Decode(string(lock), &l); err != nil {
		return requirements{}, err
	}
	old := len(l.Package) > 0 && !slices.ContainsFunc(l.Package, func(p pdmPackage) bool { return len(p.Groups) > 0 })
	var r requirements
	if old {
		var err error
		if r, err = poetryProject(project); err != nil {
			return r, err
		}
	}
	for _, p := range l.Package {
		elsewhere := p.Git + p.Path + p.URL
		switch {
		case len(p.Extras) > 0: // says the same package once more
		case old && elsewhere != "":
		case old:
			if err := r.limit(p.Name, p.Version); err != nil {
				return r, err
			}
		case !slices.Contains(p.Groups, "default"):
		case elsewhere != "":
			from := p.URL
			if p.Git != "" {
				from = "git+" + p.Git + "@" + p.Revision
			} else if p.Path != "" {
				from = localPath(p.Path)
			}
			if err := r.addDirect(p.Name, from, p.Marker); err != nil {
				return r, err
			}
		default:
			var hashes []string
			for _, f := range p.Files {
				hashes = append(hashes, f.Hash)
			}
			if err := r.add(pin{name: p.Name, version: p.Version, marker: p.Marker, hashes: hashes}); err != nil {
				return r, err
			}
		}
	}
	r.sort()
	return r, nil
}
