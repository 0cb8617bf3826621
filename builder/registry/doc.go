// Package registry is the OCI registry inside control: distribution v3 on a loopback address, files below one
// directory.
//
// Builds are published to it and pulled from it by digest. Repositories are "apps/<app id>" (tag = build id) and
// "run/<name>" (run images). Every request needs credentials; none of them outlives the process: Pull reads
// everything, Push may also write everything, and a Grant is limited to one app for the time of one build.
package registry
