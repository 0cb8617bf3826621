// Package paas holds Cloudsania's nouns: team, client, project, environment, app, build, release, deployment, instance, event and
// the edge's table. Plain data and its rules; standard library only, no I/O, safe to copy.
package paas
