package ui

import (
	"strings"

	"github.com/cloudsania/cloudsania/paas"
)

var languages = map[string]struct{ name, mark, hue string }{
	"node":     {"Node.js", "No", "h5"},
	"python":   {"Python", "Py", "h3"},
	"php":      {"PHP", "Ph", "h9"},
	"go":       {"Go", "Go", "h7"},
	"static":   {"Static site", "St", "h6"},
	"procfile": {"Procfile", "Pr", "h10"},
}

// frameworks have marks that people know; others take their first two letters.
var frameworks = map[string]string{"Next.js": "Nx", "Nuxt": "Nu", "FastAPI": "FA", "WordPress": "WP", "SvelteKit": "Sv"}

var runtimeNames = map[string]string{"node": "Node", "python": "Python", "php": "PHP", "go": "Go"}

// stack says in a few words what a plan is: "FastAPI on Python 3.13", "Static site", "Vite + React, static".
func stack(p paas.Plan) string {
	name := kind(p)
	if name == "" {
		return ""
	}
	if p.Static != nil && p.Static.Built {
		return name + ", static"
	}
	for _, r := range p.Runtimes {
		said := runtimeNames[r.Name]
		if said == "" {
			continue
		}
		if v := shortVersion(r); v != "" {
			said += " " + v
		}
		if p.Framework == "" {
			return said
		}
		return name + " on " + said
	}
	return name
}

// kind is the framework, else the language.
func kind(p paas.Plan) string {
	switch {
	case p.Framework != "":
		return p.Framework
	case languages[p.Language].name != "":
		return languages[p.Language].name
	case p.Language != "":
		return p.Language
	}
	return ""
}

// shortVersion is the part of a runtime's version that people say: "22", "3.13".
func shortVersion(r paas.Runtime) string {
	v := r.Version
	if v == "" {
		v = strings.TrimLeft(r.Constraint, "^~>=v ")
	}
	if i := strings.IndexAny(v, ", |<"); i >= 0 {
		v = v[:i]
	}
	parts := strings.Split(v, ".")
	if r.Name == "node" || len(parts) == 1 {
		return parts[0]
	}
	return parts[0] + "." + parts[1]
}

// mark is the two-letter tile of a stack, with its hue.
func mark(p *paas.Plan, name string) (letters, hueClass string) {
	if p == nil {
		return paas.Clip(initials(name), 2), hue(name)
	}
	l, ok := languages[p.Language]
	if !ok {
		return paas.Clip(initials(name), 2), hue(name)
	}
	if m := frameworks[p.Framework]; m != "" {
		return m, hue(p.Framework)
	}
	if p.Framework != "" {
		letters := strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
				return r
			}
			return -1
		}, p.Framework)
		if len(letters) >= 2 {
			return letters[:2], hue(p.Framework)
		}
	}
	return l.mark, l.hue
}

// Mark is the tile's letters.
func (a App) Mark() string { m, _ := mark(a.Plan, a.Name); return m }

// Hue is the tile's colour class.
func (a App) Hue() string { _, h := mark(a.Plan, a.Name); return h }
