package ui

import (
	"fmt"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

// VariablesPage shows which variables are set, never what to.
type VariablesPage struct {
	Shell
	AppFrame
	Variables []Variable
	Form                    // what could not be saved; values are not put back
	Added     []NewVariable // rows to show again after an error, without their values
	Pasted    bool
}

// Variable is one that is set.
type Variable struct {
	Name    string
	Build   bool // the build sees it too
	Public  bool // bundlers compile it into what visitors download
	Updated time.Time
	Err     *paas.Error
}

// NewVariable is a row to fill in.
type NewVariable struct {
	Name, Hint, File string
	Required         bool
	Build            bool
	Err              *paas.Error
}

// Unset are the rows that the page offers: those the code asks for first.
func (p VariablesPage) Unset() []NewVariable {
	rows := append([]NewVariable(nil), p.Added...)
	for _, n := range p.App.Missing {
		if !p.has(rows, n.Name) {
			rows = append(rows, NewVariable{Name: n.Name, Hint: n.Description, File: n.File, Required: n.Required})
		}
	}
	return rows
}

// Blank is an empty row.
func (p VariablesPage) Blank() NewVariable { return NewVariable{} }

func (p VariablesPage) has(rows []NewVariable, name string) bool {
	for _, r := range rows {
		if r.Name == name {
			return true
		}
	}
	return false
}

// Effect says what saving does.
func (p VariablesPage) Effect() string {
	if p.App.Live == nil {
		return "They are there when the first version starts."
	}
	return fmt.Sprintf("Saving makes a new version. v%d keeps serving until it is healthy.", p.App.Live.Number)
}

// SaveLabel is the button's.
func (p VariablesPage) SaveLabel() string {
	if p.App.Live == nil {
		return "Save"
	}
	return "Save and make a new version"
}

// MissingSay is the notice's sentence about what is not set.
func (p VariablesPage) MissingSay() string {
	if n := len(p.App.Missing); n != 1 {
		s := spell(n)
		if s[0] >= 'a' && s[0] <= 'z' {
			s = string(s[0]-'a'+'A') + s[1:]
		}
		return s + " variables are missing."
	}
	return "One variable is missing."
}
