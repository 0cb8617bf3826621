package api

import "time"

// Variable is a variable without its value: values are write-only.
type Variable struct {
	Name    string    `json:"name"`
	Masked  string    `json:"masked"` // always the same dots, whatever the value
	Build   bool      `json:"build"`  // reaches the build; changing it means a rebuild
	Updated time.Time `json:"updated"`
}

// Variables is a list, by name.
type Variables struct {
	Variables  []Variable  `json:"variables"`
	Deployment *Deployment `json:"deployment,omitempty"` // that applies a change
}

// SetVariable gives a variable a value.
type SetVariable struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Build *bool  `json:"build,omitempty"` // absent: as it is; for a new one, whether the name has a public prefix (VITE_, NEXT_PUBLIC_…)
}

// ChangeVariables sets and unsets in one step. A live app gets a new release with them, unless Hold says to wait for
// the next deployment.
type ChangeVariables struct {
	Set   []SetVariable `json:"set,omitempty"`
	Unset []string      `json:"unset,omitempty"`
	Hold  bool          `json:"hold,omitempty"`
}
