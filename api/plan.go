package api

// Plan is what detection found in a source.
type Plan struct {
	Language       string    `json:"language"`
	Framework      string    `json:"framework,omitempty"`
	PackageManager string    `json:"package_manager,omitempty"`
	Runtimes       []Runtime `json:"runtimes,omitempty"`
	Packages       []string  `json:"packages,omitempty"`
	Install        string    `json:"install,omitempty"`
	BuildCommand   string    `json:"build_command,omitempty"`
	StartCommand   string    `json:"start_command,omitempty"`
	Processes      []Process `json:"processes,omitempty"`
	Release        string    `json:"release,omitempty"`
	HealthPath     string    `json:"health_path,omitempty"`
	DocumentRoot   string    `json:"document_root,omitempty"`
	Static         *Static   `json:"static,omitempty"`
	Facts          []Fact    `json:"facts,omitempty"`
	Warnings       []string  `json:"warnings,omitempty"`
}

// Runtime is a language or tool version.
type Runtime struct {
	Name       string `json:"name"`
	Version    string `json:"version,omitempty"`
	Constraint string `json:"constraint"`
	File       string `json:"file,omitempty"`
}

// Process is a command that keeps running.
type Process struct {
	Type    string `json:"type"`
	Command string `json:"command"`
	File    string `json:"file,omitempty"`
}

// Static is a directory that is served as files.
type Static struct {
	Dir   string `json:"dir"`
	SPA   bool   `json:"spa"`
	Built bool   `json:"built"`
}

// Needed is a variable that the source asks for.
type Needed struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	Default     string `json:"default,omitempty"`
	Required    bool   `json:"required"`
	Generate    bool   `json:"generate,omitempty"` // a secret that the first deployment generates
	File        string `json:"file"`
}

// Fact is one thing that was detected and the file that shows it.
type Fact struct {
	Text string `json:"text"`
	File string `json:"file,omitempty"`
}

// Detected is the plan of an upload. The upload is kept for a day, so that it can be deployed by its id.
type Detected struct {
	Upload  string   `json:"upload"`
	Name    string   `json:"name,omitempty"` // suggestion for the app, made of the file's name
	Size    int64    `json:"size"`           // bytes of the archive
	Plan    Plan     `json:"plan"`
	Missing []Needed `json:"missing"` // variables that have to be set, generated ones included
}
