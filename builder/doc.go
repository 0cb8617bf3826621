// Package builder turns a source directory and its plan into an image, or into a directory of static files.
//
// What it builds with is made on this server: a Debian base, a run image and a build image derived from it, and a
// builder image that joins the build image, the lifecycle and our buildpack, which is this very binary. Plans that
// need system packages get a pair of run and build image of their own, derived once per set of packages. All are
// named by a hash of what went into them, so a restart finds them, a new binary redoes only the last, quick step, and
// one that was pruned is made again.
//
// A build is the five phases of the Cloud Native Buildpacks lifecycle, each in a container with limits. It is
// published to the registry in this process and known by its digest.
package builder
