// Package docker is the only user of the container engine's API: images, containers, networks, volumes, builds'
// containers. Everything it makes carries the label cloudsania.installation, so that several installations share one
// engine and each sees only its own. It publishes no port, runs no app as root and never prunes: it removes by name
// what it made itself.
//
// It speaks API 1.40 (engine 19.03) and later, with cgroup v1 or v2 and either image store. All methods of Engine are
// safe for concurrent use. Errors that a person can act upon are *paas.Error; an engine that does not answer is of kind
// Unavailable.
package docker
