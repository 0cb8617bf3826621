package detect

import (
	"encoding/json"
	"io/fs"
	"path"
	"regexp"
	"strings"
)

// siteOf says which directory the build leaves, for projects that need no server at run time.
func (d *detection) siteOf(pkg *packageJSON, fw *framework) (dir string, spa, ok bool) {
	if fw == nil {
		return "", false, false
	}
	if fw.serves {
		return d.exportOf(pkg, fw)
	}
	if s := pkg.Scripts["start"]; s != "" && !isDevServer(s) {
		return "", false, false // a server of their own beside the bundler
	}
	dir, spa = fw.site, fw.spa
	switch fw.dep {
	case "vite":
		if !d.file("index.html") && d.dir("src") && pkg.Scripts["build"] == "" {
			return "", false, false
		}
		text, name := d.config("vite.config")
		dir = d.localDir(name, viteOutDir.FindStringSubmatch(text), dir)
	case "astro":
		text, name := d.config("astro.config")
		dir = d.localDir(name, astroOutDir.FindStringSubmatch(text), dir)
	case "@angular/core":
		return d.angularSite()
	case "vitepress":
		if d.dir("docs/.vitepress") {
			dir = "docs/.vitepress/dist"
		}
	case "webpack", "parcel":
		if pkg.Scripts["build"] == "" {
			return "", false, false
		}
	}
	return dir, spa, true
}

// exportOf finds the frameworks with a server that are told to leave files instead.
func (d *detection) exportOf(pkg *packageJSON, fw *framework) (dir string, spa, ok bool) {
	build := pkg.Scripts["build"]
	switch fw.dep {
	case "next":
		if text, name := d.config("next.config"); nextExport.MatchString(text) {
			d.fact(name, "next.js leaves static files (output: export)")
			return "out", false, true
		}
		if strings.Contains(build, "next export") {
			return "out", false, true
		}
	case "nuxt":
		text, name := d.config("nuxt.config")
		if strings.Contains(build, "generate") || ssrFalse.MatchString(text) && !strings.Contains(build, "build") {
			d.fact(name, "nuxt leaves static files")
			return ".output/public", ssrFalse.MatchString(text), true
		}
	case "@react-router/dev":
		if text, name := d.config("react-router.config"); ssrFalse.MatchString(text) {
			d.fact(name, "React Router leaves static files (ssr: false)")
			return "build/client", true, true
		}
	case "@sveltejs/kit":
		if !pkg.has("@sveltejs/adapter-static") {
			return "", false, false
		}
		text, name := d.config("svelte.config")
		d.fact("package.json", "SvelteKit leaves static files (adapter-static)")
		return d.localDir(name, kitPages.FindStringSubmatch(text), "build"), kitFallback.MatchString(text), true
	}
	return "", false, false
}

// localDir takes a directory that a config names, unless it leads out of the source.
func (d *detection) localDir(file string, match []string, otherwise string) string {
	if len(match) < 2 {
		return otherwise
	}
	dir := path.Clean(match[1])
	if strings.HasPrefix(dir, "/") || strings.HasPrefix(dir, "..") || dir == "." {
		return otherwise
	}
	d.fact(file, "the build's output is %q", dir)
	return dir
}

var jsonComment = regexp.MustCompile(`(?m)^\s*//.*$`)

// angularSite reads angular.json: where the build goes and whether it makes a server.
func (d *detection) angularSite() (dir string, spa, ok bool) {
	var workspace struct {
		DefaultProject string
		Projects       map[string]struct {
			ProjectType string
			Architect   map[string]struct {
				Builder string
				Options struct {
					OutputPath json.RawMessage
					OutputMode string
				}
			}
		}
	}
	b, err := d.read("angular.json", maxConfigBytes)
	if err != nil || json.Unmarshal(jsonComment.ReplaceAll(b, nil), &workspace) != nil {
		return "dist", true, true
	}
	name := workspace.DefaultProject
	for n, p := range workspace.Projects {
		if workspace.DefaultProject == "" && p.ProjectType != "library" && (name == "" || n < name) {
			name = n
		}
	}
	build := workspace.Projects[name].Architect["build"]
	if build.Options.OutputMode == "server" {
		return "", false, false
	}
	base, browser := angularOutput(build.Options.OutputPath)
	if base == "" {
		base = "dist/" + name
	}
	if !strings.HasSuffix(build.Builder, ":application") {
		browser = ""
	}
	if dir = path.Join(base, browser); !fs.ValidPath(dir) || dir == "." {
		return "dist", true, true
	}
	d.fact("angular.json", "the build's output is %q", dir)
	return dir, true, true
}

// angularOutput reads outputPath, which is a string or an object.
func angularOutput(raw json.RawMessage) (base, browser string) {
	browser = "browser"
	if json.Unmarshal(raw, &base) == nil {
		return strings.TrimSuffix(base, "/"), browser
	}
	var o struct {
		Base    string
		Browser *string
	}
	if json.Unmarshal(raw, &o) == nil {
		if o.Browser != nil {
			browser = *o.Browser
		}
		return strings.TrimSuffix(o.Base, "/"), browser
	}
	return "", browser
}
