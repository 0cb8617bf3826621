package runtimes

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// npmPackage is a tool that the npm registry publishes: npm itself, pnpm, yarn, and builds of Node.
type npmPackage struct {
	c    *Cache
	name string
}

// abbreviated asks for the short form of a package's document, which is a tenth of the full one.
const abbreviated = "application/vnd.npm.install-v1+json"

func (p npmPackage) index(ctx context.Context) ([]release, error) {
	list, err := p.list(ctx, p.name)
	if err != nil || p.name != "yarn" {
		return list, err
	}
	modern, err := p.list(ctx, "@yarnpkg/cli-dist") // yarn 2 and later live under another name
	if err != nil {
		return nil, err
	}
	classic := list[:0]
	for _, r := range list {
		if strings.HasPrefix(r.Version, "1.") {
			classic = append(classic, r)
		}
	}
	return append(classic, modern...), nil
}

func (p npmPackage) list(ctx context.Context, pkg string) ([]release, error) {
	var doc struct {
		Versions map[string]struct {
			Engines json.RawMessage `json:"engines"` // very old packages have a list here
			Dist    struct {
				Tarball   string `json:"tarball"`
				Integrity string `json:"integrity"`
			} `json:"dist"`
		} `json:"versions"`
	}
	registry, err := p.c.npmRegistry(ctx)
	if err != nil {
		return nil, err
	}
	from := registry + "/" + url.PathEscape(pkg)
	if err := p.c.json(ctx, fmt.Sprintf("the list of versions of %q", pkg), from, abbreviated, &doc); err != nil {
		return nil, err
	}
	var list []release
	for version, d := range doc.Versions {
		if d.Dist.Integrity == "" || p.unsupported(version) {
			continue
		}
		var engines struct {
			Node string `json:"node"`
		}
		_ = json.Unmarshal(d.Engines, &engines)
		list = append(list, release{
			Version: version,
			Source:  fromNPM,
			URL:     d.Dist.Tarball,
			Sum:     d.Dist.Integrity,
			Node:    engines.Node,
		})
	}
	return list, nil
}

// unsupported: pnpm 12 is a native program in packages of other names.
func (p npmPackage) unsupported(version string) bool {
	major, _, _ := strings.Cut(version, ".")
	return p.name == "pnpm" && len(major) >= 2 && major != "10" && major != "11"
}

func (p npmPackage) install(ctx context.Context, r release, dir string) error {
	what := p.name + " " + r.Version
	file := filepath.Join(filepath.Dir(dir), "download")
	if err := p.c.download(ctx, what, r.URL, r.Sum, file); err != nil {
		return err
	}
	if err := unpackTarGz(file, dir, below); err != nil {
		return unusable(what, r.URL, err)
	}
	entry := map[string]string{"npm": "npm-cli.js", "pnpm": "pnpm.cjs", "yarn": "yarn.js"}[p.name]
	if err := p.addEntry(filepath.Join(dir, "bin"), entry); err != nil {
		return unusable(what, r.URL, err)
	}
	return nil
}

// addEntry makes pnpm 11, which has only an ES module, start by the same name as the others.
func (p npmPackage) addEntry(bin, entry string) error {
	_, err := os.Stat(filepath.Join(bin, entry))
	if err == nil || p.name != "pnpm" {
		return err
	}
	if _, err := os.Stat(filepath.Join(bin, "pnpm.mjs")); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(bin, entry), []byte("import('./pnpm.mjs')\n"), 0o755)
}
