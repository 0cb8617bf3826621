package detect

import (
	"regexp"
	"strings"

	"github.com/cloudsania/cloudsania/paas"
)

// framework is one that package.json names. The first of the list that is a dependency wins, so the more specific
// come first.
type framework struct {
	dep    string
	name   string
	build  string // when package.json has no build script
	start  string // when it has no start script that serves
	script string // script that starts it in production, before "start"
	serves bool   // it has a server at run time; the others leave files
	site   string // directory that its build leaves, for those that leave files
	spa    bool
}

var frameworks = []framework{
	{dep: "next", name: paas.FrameworkNextJS, build: "next build", start: "next start -p $PORT", serves: true},
	{dep: "nuxt", name: "Nuxt", build: "nuxt build", start: "node .output/server/index.mjs", serves: true},
	{dep: "@nestjs/core", name: "NestJS", build: "nest build", start: "node dist/main.js", script: "start:prod", serves: true},
	{dep: "@react-router/dev", name: "React Router", build: "react-router build", start: "react-router-serve ./build/server/index.js", serves: true},
	{dep: "@remix-run/dev", name: "Remix", build: "remix vite:build", start: "remix-serve ./build/server/index.js", serves: true},
	{dep: "@sveltejs/kit", name: paas.FrameworkSvelteKit, build: "vite build", start: "node build", serves: true},
	{dep: "@solidjs/start", name: "SolidStart", build: "vinxi build", start: "node .output/server/index.mjs", serves: true},
	{dep: "@tanstack/react-start", name: "TanStack Start", build: "vite build", start: "node .output/server/index.mjs", serves: true},
	{dep: "@analogjs/platform", name: "Analog", build: "vite build", start: "node dist/analog/server/index.mjs", serves: true},
	{dep: "@adonisjs/core", name: "AdonisJS", build: "node ace build", start: "node build/bin/server.js", serves: true},
	{dep: "@strapi/strapi", name: "Strapi", build: "strapi build", start: "strapi start", serves: true},
	{dep: "@medusajs/medusa", name: "Medusa", start: "medusa start", serves: true},
	{dep: "@keystone-6/core", name: "Keystone", build: "keystone build", start: "keystone start", serves: true},
	{dep: "@astrojs/node", name: "Astro", build: "astro build", start: "node ./dist/server/entry.mjs", serves: true},
	{dep: "@hapi/hapi", name: "hapi", serves: true},
	{dep: "fastify", name: "Fastify", serves: true},
	{dep: "hono", name: "Hono", serves: true},
	{dep: "koa", name: "Koa", serves: true},
	{dep: "express", name: "Express", serves: true},
	{dep: "polka", name: "Polka", serves: true},
	{dep: "restify", name: "Restify", serves: true},
	{dep: "@apollo/server", name: "Apollo Server", serves: true},
	{dep: "socket.io", name: "Socket.IO", serves: true},
	{dep: "astro", name: "Astro", build: "astro build", site: "dist"},
	{dep: "gatsby", name: "Gatsby", build: "gatsby build", site: "public"},
	{dep: "@docusaurus/core", name: "Docusaurus", build: "docusaurus build", site: "build"},
	{dep: "vitepress", name: "VitePress", site: ".vitepress/dist"},
	{dep: "@11ty/eleventy", name: "Eleventy", build: "eleventy", site: "_site"},
	{dep: "hexo", name: "Hexo", build: "hexo generate", site: "public"},
	{dep: "react-scripts", name: "Create React App", build: "react-scripts build", site: "build", spa: true},
	{dep: "@angular/core", name: "Angular", build: "ng build", site: "dist", spa: true},
	{dep: "@vue/cli-service", name: "Vue CLI", build: "vue-cli-service build", site: "dist", spa: true},
	{dep: "vite", name: "Vite", build: "vite build", site: "dist", spa: true},
	{dep: "parcel", name: "Parcel", site: "dist", spa: true},
	{dep: "webpack", name: "webpack", site: "dist", spa: true},
}

// viteLibraries name the combination for people: the first that is a dependency.
var viteLibraries = []struct{ dep, name string }{
	{"react", "React"}, {"vue", "Vue"}, {"svelte", "Svelte"}, {"preact", "Preact"}, {"solid-js", "Solid"}, {"lit", "Lit"}, {"@builder.io/qwik", "Qwik"},
}

// library reports whether it is only a library of a server, which the project builds and starts in its own way.
func (f *framework) library() bool { return f.serves && f.build == "" && f.start == "" }

// findFramework returns a copy for the package, or nil. Servers that are only development dependencies do not serve
// in production.
func findFramework(pkg *packageJSON, libraries bool) *framework {
	for _, f := range frameworks {
		if !pkg.has(f.dep) || f.library() && (!libraries || pkg.Dependencies[f.dep] == "") {
			continue
		}
		if f.name == "Vite" || f.name == "Parcel" || f.name == "webpack" {
			for _, l := range viteLibraries {
				if pkg.has(l.dep) {
					f.name += " + " + l.name
					break
				}
			}
		}
		return &f
	}
	return nil
}

// isDevServer reports whether a start script runs what people use while they write, or a server of static files: then
// the files that the build leaves are what should be online.
func isDevServer(script string) bool {
	w := words(script)
	for len(w) > 0 && (strings.Contains(w[0], "=") || w[0] == "npx" || w[0] == "cross-env" || w[0] == "pnpm" || w[0] == "yarn" || w[0] == "exec") {
		w = w[1:]
	}
	if len(w) == 0 {
		return false
	}
	second := ""
	if len(w) > 1 {
		second = w[1]
	}
	switch w[0] {
	case "vite", "serve", "http-server", "live-server", "lite-server", "parcel", "webpack-dev-server", "eleventy", "astro":
		return true
	case "react-scripts", "ng", "docusaurus", "hexo", "vitepress":
		return second == "start" || second == "serve" || second == "server" || second == "dev" || second == "preview" || second == ""
	case "gatsby":
		return second == "develop" || second == "serve"
	case "webpack", "vue-cli-service":
		return second == "serve" || strings.Contains(script, "--serve")
	case "next", "nuxt", "nuxi":
		return second == "dev"
	case "npm", "run":
		return second == "dev" || strings.Contains(script, "run dev")
	case "dev", "preview":
		return true
	}
	return false
}

var (
	nextExport    = regexp.MustCompile(`(?m)^[^/\n]*\boutput\s*:\s*['"]export['"]`)
	viteOutDir    = regexp.MustCompile(`(?m)^[^/\n]*\boutDir\s*:\s*['"]([\w./-]+)['"]`)
	ssrFalse      = regexp.MustCompile(`(?m)^[^/\n]*\bssr\s*:\s*false\b`)
	kitPages      = regexp.MustCompile(`(?m)^[^/\n]*\bpages\s*:\s*['"]([\w./-]+)['"]`)
	kitFallback   = regexp.MustCompile(`(?m)^[^/\n]*\bfallback\s*:\s*['"]`)
	astroOutDir   = viteOutDir
	configEndings = []string{".ts", ".js", ".mjs", ".mts", ".cjs"}
)

// config returns the text and the name of a config file such as vite.config.ts.
func (d *detection) config(base string) (text, name string) {
	for _, e := range configEndings {
		if d.file(base + e) {
			return d.text(base + e), base + e
		}
	}
	return "", ""
}
