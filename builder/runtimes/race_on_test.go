//go:build race

package runtimes

// slow: hashing and unpacking Go's 15,000 files takes minutes under the race detector.
const slow = true
