package detect

import (
	"path"
	"regexp"
	"strings"

	"github.com/cloudsania/cloudsania/paas"
)

// siteDirs are where a finished site usually is, nearest first.
var siteDirs = []string{".", "public", "dist", "build", "_site", "site", "www", "html", "htdocs", "docs"}

var staticLanguage = language{name: paas.LanguageStatic, present: (*detection).isStatic, plan: (*detection).static}

func (d *detection) isStatic() bool { return d.siteDir() != "" }

func (d *detection) siteDir() string {
	for _, dir := range siteDirs {
		if d.file(path.Join(dir, "index.html")) {
			return dir
		}
	}
	return ""
}

var redirectAll = regexp.MustCompile(`(?m)^\s*/\*\s+/(index\.html)?\s+200`)

func (d *detection) static() error {
	dir := d.siteDir()
	d.plan.Language = paas.LanguageStatic
	spa := redirectAll.MatchString(d.text(path.Join(dir, "_redirects")))
	d.serveDir(dir, spa, false)
	d.fact(path.Join(dir, "index.html"), "a static site: its files are served without a container")
	for _, name := range d.list(dir) {
		if name == ".env" || strings.HasPrefix(name, ".env.") && name != ".env.example" {
			d.warn("%s is among the files: keep secrets out of a site's repository", name)
		}
	}
	return nil
}
