// Package runtimes downloads languages and tools once per version: Node, npm, pnpm, yarn, uv, Python and Go.
//
// Each is a directory <name>-<version> below one directory, readable by everybody, complete from the moment it exists. Builds mount
// the whole directory read-only, so nothing is copied or restored per build. Layouts:
//
//	node-<v>/bin/node · npm-<v>/bin/npm-cli.js · pnpm-<v>/bin/pnpm.cjs · yarn-<v>/bin/yarn.js · uv-<v>/uv · go-<v>/bin/go · python-<v>/bin/python3
//
// Everything is checked against a checksum that comes from the publisher's index, the Go checksum database or apt.
package runtimes
