package ui

import "github.com/cloudsania/cloudsania/paas"

// AppSettingsPage corrects what detection found, renames and deletes.
type AppSettingsPage struct {
	Shell
	AppFrame
	Form           // fields: name; root, build_command, start_command, health_path; url, branch; memory_mb, cpus
	Section string // which form failed: "build", "source", "size", "name"
	Limits  paas.Limits
}

// In is the form when it belongs to that section, else an empty one: several forms share the page.
func (p AppSettingsPage) In(section string) Form {
	if p.Section == section {
		return p.Form
	}
	return Form{}
}

// Build is the form of how the app is built.
func (p AppSettingsPage) Build() BuildFields {
	return BuildFields{Form: p.In("build"), Settings: p.App.Settings, Plan: p.App.Plan}
}

// ConfirmPage asks before something that can frighten: the title is the question, the list is what changes and what does not.
type ConfirmPage struct {
	Shell
	Form
	Question string
	Lede     string
	Changes  []Change
	Action   string            // where the form goes
	Hidden   map[string]string // further values of the form
	Yes      string            // label: verb + object
	YesIcon  string
	No       string // label of the safe choice, which has the focus
	NoPath   string
	Danger   bool
	TypeName string // has to be typed first; "" when nothing has
}

// Change is one line of a confirmation.
type Change struct {
	Icon, What, Text string
	Warn             bool
}
