package buildpack

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cloudsania/cloudsania/paas"
)

// siteDirs are where bundlers leave a site, when it is not where the plan expects it.
var siteDirs = []string{
	"dist", "build", "out", "public", "_site", ".output/public", "www", "docs/.vitepress/dist", ".vitepress/dist",
	"dist/*/browser", "dist/*", "dist/browser", "build/client",
}

// keepSite leaves in the source only the directory that the edge serves. A site that was built elsewhere is moved
// there; a directory without a page is served as it is.
func (b *build) keepSite() error {
	if !b.Plan.Static.Built {
		return nil
	}
	dir := filepath.Join(b.Source, filepath.FromSlash(b.Plan.Static.Dir))
	if !exists(filepath.Join(dir, "index.html")) {
		if found := b.findSite(); found != "" {
			if err := b.moveSite(found, dir); err != nil {
				return err
			}
		} else if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			return b.noSite(dir)
		}
	}
	return keepOnly(b.Source, b.Plan.Static.Dir)
}

// moveSite puts the site where the plan expects it, which may be around it.
func (b *build) moveSite(found, dir string) error {
	rel, _ := filepath.Rel(b.app, found) // found is below app
	b.say("the build left its files in %q", rel)
	aside := filepath.Join(b.Source, ".cloudsania-site")
	if err := os.Rename(found, aside); err != nil {
		return fmt.Errorf("moving the site: %w", err)
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("moving the site: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return fmt.Errorf("moving the site: %w", err)
	}
	if err := os.Rename(aside, dir); err != nil {
		return fmt.Errorf("moving the site: %w", err)
	}
	return nil
}

// findSite is the first of the usual directories with an index.html that the source itself did not have: templates
// live there too.
func (b *build) findSite() string {
	for _, dir := range b.sites() {
		if !slices.Contains(b.before, dir) {
			return dir
		}
	}
	return ""
}

func (b *build) sites() (dirs []string) {
	for _, pattern := range siteDirs {
		matches, _ := filepath.Glob(filepath.Join(b.app, pattern, "index.html")) // the patterns are well formed
		for _, m := range matches {
			dirs = append(dirs, filepath.Dir(m))
		}
	}
	return dirs
}

func (b *build) noSite(dir string) error {
	rel, _ := filepath.Rel(b.app, dir) // dir is below app
	return &paas.Error{
		Kind: paas.Failed,
		Msg:  fmt.Sprintf("the build ended well but left no %q with an index.html", rel),
		Hint: "check where the build writes its files; when the app has a server, name it in a \"start\" script or a Procfile",
	}
}

// keepOnly removes everything in root but the directory keep, which is slash separated and below it.
func keepOnly(root, keep string) error {
	if keep == "." {
		return nil
	}
	first, rest, _ := strings.Cut(keep, "/")
	entries, err := os.ReadDir(root)
	if err != nil {
		return fmt.Errorf("tidying up: %w", err)
	}
	i := slices.IndexFunc(entries, func(e os.DirEntry) bool { return e.Name() == first })
	for j, e := range entries {
		if j == i {
			continue
		}
		if err := os.RemoveAll(filepath.Join(root, e.Name())); err != nil {
			return fmt.Errorf("tidying up: %w", err)
		}
	}
	if rest == "" || i < 0 {
		return nil
	}
	return keepOnly(filepath.Join(root, first), rest)
}
