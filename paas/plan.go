package paas

// Plan is what detection found in a source: a pure function of its files. The UI, the CLI and the buildpack share it.
type Plan struct {
	Language       string    `json:"language"`                  // the name of one of Languages
	Framework      string    `json:"framework,omitempty"`       // "Next.js", "FastAPI", "Vite + React"…; empty when none is known
	PackageManager string    `json:"package_manager,omitempty"` // one of Manager…
	Runtimes       []Runtime `json:"runtimes,omitempty"`        // what the build mounts and the image carries
	Packages       []string  `json:"packages,omitempty"`        // system packages; their hash names the base image pair
	Install        string    `json:"install,omitempty"`         // how dependencies are installed, for people; empty when nothing is
	BuildCommand   string    `json:"build_command,omitempty"`
	StartCommand   string    `json:"start_command,omitempty"` // of the web process
	Processes      []Process `json:"processes,omitempty"`     // in the order web, others by name; release is a command, not a process
	Release        string    `json:"release,omitempty"`       // command to run in the new image before traffic
	HealthPath     string    `json:"health_path,omitempty"`
	DocumentRoot   string    `json:"document_root,omitempty"` // PHP: directory that Apache serves, slash separated
	Static         *Static   `json:"static,omitempty"`        // set when the edge serves files and no container runs
	Missing        []Needed  `json:"missing,omitempty"`       // variables that the source asks for
	Facts          []Fact    `json:"facts,omitempty"`         // what was found and where, in plain words, for the page before the first deploy
	Warnings       []string  `json:"warnings,omitempty"`      // such as a missing lockfile

	Root           string   `json:"root,omitempty"`            // directory of the source where commands run, slash separated; "" is the source itself
	DependencyFile string   `json:"dependency_file,omitempty"` // what Install reads, from the source itself: package-lock.json, uv.lock; "" when nothing is installed
	Adds           []string `json:"adds,omitempty"`            // packages that the build installs though the source does not name them, such as gunicorn
	KeepDev        bool     `json:"keep_dev,omitempty"`        // development dependencies stay in the image, because a process uses one
	Assets         *Assets  `json:"assets,omitempty"`          // set when Node builds the scripts and styles of an app in another language
	Composer       Composer `json:"composer,omitzero"`         // how Composer installs, when it is the package manager
	SettingsFiles  []string `json:"settings_files,omitempty"`  // Django's settings modules, from the source itself
}

// Composer says how Composer installs.
type Composer struct {
	AutoloadOnly bool `json:"autoload_only,omitempty"` // no package is asked for: only the autoloader is written
	OtherPHP     bool `json:"other_php,omitempty"`     // the source asks for a PHP that is not the one here, which is tried all the same
}

// Package managers of plans. npm, pnpm, Yarn and uv are runtimes too.
const (
	ManagerNPM      = "npm"
	ManagerPNPM     = "pnpm"
	ManagerYarn     = "yarn"
	ManagerUV       = "uv"
	ManagerPip      = "pip"
	ManagerPoetry   = "poetry"
	ManagerPipenv   = "pipenv"
	ManagerPDM      = "pdm"
	ManagerComposer = "composer"
	ManagerGo       = "go"
)

// Runtimes of plans besides the package managers.
const (
	RuntimeNode   = "node"
	RuntimePython = "python"
	RuntimeGo     = "go"
)

// Frameworks that are built in a way of their own. The others only have names.
const (
	FrameworkDjango    = "Django"
	FrameworkLaravel   = "Laravel"
	FrameworkNextJS    = "Next.js"
	FrameworkSvelteKit = "SvelteKit"
)

// Assets are installed beside an app's own dependencies, for its BuildCommand, and are not in the image.
type Assets struct {
	PackageManager string `json:"package_manager"`
	DependencyFile string `json:"dependency_file,omitempty"`
	Install        string `json:"install,omitempty"`
}

// Runtime is a language or tool version to download, such as node 22.x. Constraint is what the source asks for, File where it says so.
type Runtime struct {
	Name       string `json:"name"`              // one of Runtime…, or of Manager…
	Version    string `json:"version,omitempty"` // exact, once resolved; filled in by the builder
	Constraint string `json:"constraint"`        // semver range ("^22", ">=3.11,<3.13"); "" takes the default
	File       string `json:"file,omitempty"`    // "package.json", ".nvmrc"; "" when the default was taken
}

// Process is a command that keeps running: web gets the traffic, the others are workers.
type Process struct {
	Type    string `json:"type"`
	Command string `json:"command"`
	File    string `json:"file,omitempty"`
}

// Static says which directory of the (built) source the edge serves.
type Static struct {
	Dir   string `json:"dir"` // "." for a plain site, "dist" for a bundler's output
	SPA   bool   `json:"spa"` // unknown paths without an extension answer index.html
	Built bool   `json:"built"`
}

// Needed is a variable that app.json or .env.example asks for.
type Needed struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	Default     string `json:"default,omitempty"` // only from app.json's value; never from a generator
	Required    bool   `json:"required"`
	Generate    bool   `json:"generate,omitempty"` // app.json: "generator": "secret"
	File        string `json:"file"`
}

// Fact is one thing that was detected and the file that shows it.
type Fact struct {
	Text string `json:"text"`
	File string `json:"file,omitempty"`
}
