package ui

import (
	"fmt"
	"strings"

	"github.com/cloudsania/cloudsania/paas"
)

// frameworks have marks that people know; others take their first two letters.
var frameworks = map[string]string{paas.FrameworkNextJS: "Nx", "Nuxt": "Nu", "FastAPI": "FA", "WordPress": "WP", paas.FrameworkSvelteKit: "Sv"}

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
		said := versioned(r)
		if said == "" {
			continue
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
	case language(p).Label != "":
		return language(p).Label
	}
	return p.Language
}

// language is the plan's, empty when it is unknown.
func language(p paas.Plan) paas.Language {
	l, _ := paas.LanguageNamed(p.Language)
	return l
}

// versioned names a language with its version: "Node 24", "Python 3.13". A tool's runtime gives "".
func versioned(r paas.Runtime) string {
	for _, l := range paas.Languages {
		if l.Runtime == r.Name {
			return strings.TrimSpace(l.RuntimeLabel + " " + shortVersion(r, l.MajorOnly))
		}
	}
	return ""
}

// shortVersion is the part of a runtime's version that people say: "22", "3.13".
func shortVersion(r paas.Runtime, majorOnly bool) string {
	v := r.Version
	if v == "" {
		v = strings.TrimLeft(r.Constraint, "^~>=v ")
	}
	if i := strings.IndexAny(v, ", |<"); i >= 0 {
		v = v[:i]
	}
	parts := strings.Split(v, ".")
	if majorOnly || len(parts) == 1 {
		return parts[0]
	}
	return parts[0] + "." + parts[1]
}

// mark is the two-letter tile of a stack, with its hue.
func mark(p *paas.Plan, name string) (letters, hueClass string) {
	if p == nil {
		return paas.Clip(initials(name), 2), hue(name)
	}
	l, ok := paas.LanguageNamed(p.Language)
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
	return l.Mark, fmt.Sprintf("h%d", l.Hue)
}

// Mark is the tile's letters.
func (a App) Mark() string { m, _ := mark(a.Plan, a.Name); return m }

// Hue is the tile's colour class.
func (a App) Hue() string { _, h := mark(a.Plan, a.Name); return h }
