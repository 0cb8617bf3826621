// Package examples holds the apps that `cloudsania demo` deploys.
package examples

import "embed"

// Hello is the smallest app there is: one directory, hello.
//
//go:embed hello
var Hello embed.FS
