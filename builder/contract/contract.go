// Package contract is what the two sides of a build agree on: the builder on the server and the buildpack in the
// build container, which are the same binary started twice, and deploy, which starts the processes of the image that
// comes out. What one side writes and the other reads is encoded and decoded here, so that no file name, form of a
// line or word is written down on both sides.
package contract

import (
	"path"
	"path/filepath"
	"strings"
)

// Where the build container finds what it is given.
const (
	planFile    = "/cloudsania/plan.json"
	RuntimesDir = "/cloudsania/runtimes" // read-only; RuntimeDir names what is in it
	CacheDir    = "/cloudsania/cache"    // this app's own, writable by the build's user
	CAFile      = "/cloudsania/ca.crt"   // authorities that tools shall trust
	variableDir = "/platform/env"        // of the buildpack specification: a file per variable
)

// Workspace is where the lifecycle has the source in the build container, and so in the image, without the leading
// slash.
const Workspace = "workspace"

// DefaultNode is the long-term support line of Node for sources that ask for none.
const DefaultNode = 24

// BasePython is the Python of the base images: Debian changes its patches, not its version, within a release. Apps
// that it suits need no runtime of their own.
const BasePython = "3.13.5"

// PHPServer is the command that serves a PHP app. Its argument is the document root, relative to the directory where
// commands run.
const PHPServer = "serve-php"

// RuntimeDir is the directory of one runtime below that of all.
func RuntimeDir(root, name, version string) string { return filepath.Join(root, name+"-"+version) }

// RuntimeVersion is the version of the runtime with that name in a directory that RuntimeDir named.
func RuntimeVersion(dir, name string) (version string, ok bool) {
	return strings.CutPrefix(filepath.Base(dir), name+"-")
}

// Types of processes that mean something: web gets the traffic, release runs once before it and is not started with
// the others.
const (
	WebProcess     = "web"
	ReleaseProcess = "release"
)

// Entrypoint starts a process of an image by its type.
func Entrypoint(process string) []string { return []string{"/cnb/process/" + process} }

// LauncherEntrypoint starts any command in the environment of an image's processes.
func LauncherEntrypoint() []string { return []string{"/cnb/lifecycle/launcher"} }

// Program is one of the buildpack's executables.
type Program string

// The executables of a buildpack.
const (
	Detect Program = "detect"
	Build  Program = "build"
)

// File is the executable's name below the buildpack's directory.
func (p Program) File() string { return path.Join("bin", string(p)) }

// StartedAs tells which executable of a buildpack a program was started as by its argv[0]; ok is false for none.
func StartedAs(argv0 string) (p Program, ok bool) {
	p = Program(filepath.Base(argv0))
	return p, (p == Detect || p == Build) && filepath.Base(filepath.Dir(argv0)) == "bin"
}
