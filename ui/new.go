package ui

import (
	"strings"

	"github.com/cloudsania/cloudsania/paas"
)

// NewAppPage is where an app begins: upload, git push or a public repository on one side, what was found in it on the other.
type NewAppPage struct {
	Shell
	Form             // of the tab that is open, or of the plan
	Tab       string // "upload", "push", "url"
	MaxUpload int64  // bytes
	Base      string // host that apps get their addresses below: "203-0-113-24.sslip.io"
	Scheme    string // "https"
	PushName  string // suggestion for the push tab
	Found     *Found // what detection found; nil before there is a source
	Push      *GitBlock
}

// Build is the part of the form that corrects what was found.
func (p NewAppPage) Build() BuildFields {
	return BuildFields{Form: p.Form, Settings: p.Found.Settings, Plan: &p.Found.Plan}
}

// Found is a source that was read and can be deployed.
type Found struct {
	Name     string // suggested name of the app
	Source   string // for people: "shop.zip, 2.1 MB"
	Upload   string // id of the kept upload; "" for a public repository
	URL      string
	Branch   string
	Plan     paas.Plan
	Problem  *paas.Error // why it cannot be deployed as it is
	Settings paas.BuildSettings
}

// Title is what it is: "A Next.js app".
func (f Found) Title() string {
	name := kind(f.Plan)
	if name == "" {
		return "An app"
	}
	if strings.ContainsAny(name[:1], "AEIOUaeiou") {
		return "An " + lowerFirstWord(name) + suffixKind(f.Plan)
	}
	return "A " + lowerFirstWord(name) + suffixKind(f.Plan)
}

func lowerFirstWord(s string) string {
	if strings.HasPrefix(s, "Static ") {
		return "s" + s[1:]
	}
	return s
}

func suffixKind(p paas.Plan) string {
	switch {
	case p.Language == paas.LanguageStatic:
		return ""
	case p.Static != nil:
		return " site"
	}
	return " app"
}

// Tile is the two-letter mark.
func (f Found) Tile() string { m, _ := mark(&f.Plan, f.Name); return m }

// Hue is the tile's colour class.
func (f Found) Hue() string { _, h := mark(&f.Plan, f.Name); return h }

// Lines are the facts to show, each with the file that says so.
func (f Found) Lines() []paas.Fact {
	if len(f.Plan.Facts) > 0 {
		return f.Plan.Facts
	}
	var out []paas.Fact
	for _, r := range f.Plan.Runtimes {
		if named := versioned(r); named != "" {
			out = append(out, paas.Fact{Text: named, File: r.File})
		}
	}
	if f.Plan.BuildCommand != "" {
		out = append(out, paas.Fact{Text: "Built with " + f.Plan.BuildCommand})
	}
	if f.Plan.StartCommand != "" {
		out = append(out, paas.Fact{Text: "Started with " + f.Plan.StartCommand})
	}
	return out
}

// GitBlock is the lines that push an app, with a working key in them. They are shown once.
type GitBlock struct {
	Commands string // all lines, ready to paste
	Remote   string // address without the key
	Expires  string // "in 90 days", "never"
	Note     string // about certificates that git does not know, say
}

// FileSize is a file with its size: "shop.zip, 2.1 MB".
func FileSize(name string, size int64) string {
	if name == "" {
		name = "Your upload"
	}
	return name + ", " + bytesOf(size)
}
