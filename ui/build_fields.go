package ui

import (
	"cmp"

	"github.com/cloudsania/cloudsania/paas"
)

// BuildFields are the inputs that correct what detection found.
type BuildFields struct {
	Form
	Settings paas.BuildSettings
	Plan     *paas.Plan // as detected; nil before there is one
}

// Unplaced are the form's errors that stand beside none of these fields, nor beside the others that are named.
func (b BuildFields) Unplaced(others ...string) []*paas.Error {
	for _, s := range b.Settings.Settings() {
		others = append(others, s.Name)
	}
	return b.General(others...)
}

// Found is what detection would do, for the fields' placeholders.
func (b BuildFields) Found() paas.BuildSettings {
	const unknown = "Worked out from your code"
	if b.Plan == nil {
		return paas.BuildSettings{BuildCommand: unknown, StartCommand: unknown, HealthPath: unknown}
	}
	return paas.BuildSettings{
		BuildCommand: cmp.Or(b.Plan.BuildCommand, "Nothing to build"),
		StartCommand: cmp.Or(b.Plan.StartCommand, unknown),
		HealthPath:   cmp.Or(b.Plan.HealthPath, "/"),
	}
}
